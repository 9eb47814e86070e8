"""One sandbox for all tests that can share it; machines are cheap, sandboxes less so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from sandbox.mode import detect, why_not_booted


@pytest.fixture(scope="session")
def best() -> str:
    """The best mode of this host; the lesser one is tested everywhere as well."""
    return detect("auto").name


@pytest.fixture(scope="session")
def shared_cloud(best: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(best, log=tmp_path_factory.mktemp("sandbox") / "log") as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, well again after each test, with nothing left running."""
    yield shared_cloud
    shared_cloud.reset()


@pytest.fixture
def lesser_cloud(shared_lesser: Sandbox) -> Iterator[Sandbox]:
    yield shared_lesser
    shared_lesser.reset()


@pytest.fixture
def booted(cloud: Sandbox) -> Sandbox:
    if cloud.mode != "booted":
        pytest.skip(f"machines cannot boot here: {why_not_booted()}")
    return cloud


@pytest.fixture(scope="session")
def shared_lesser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start("lesser", log=tmp_path_factory.mktemp("lesser") / "log") as cloud:
        yield cloud


@pytest.fixture(params=["best", "lesser"])
def any_cloud(request: pytest.FixtureRequest) -> Sandbox:
    """Each of the two kinds of machines in turn: what must hold for both."""
    name = "cloud" if request.param == "best" else "lesser_cloud"
    cloud: Sandbox = request.getfixturevalue(name)
    return cloud


@pytest.fixture
def standin(tmp_path: Path) -> Path:
    """Something to upload."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    return path
