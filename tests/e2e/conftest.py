"""The sandbox and its buckets for the end-to-end tests; where one fails, what its machines had to say."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.e2e.helpers", "tests.e2e.launching")

from sandbox import Instance, Sandbox
from sandbox.mode import why_not_booted
from tests.e2e import helpers
from tests.e2e.launching import Launcher

_MACHINES = pytest.StashKey[list[Instance]]()
_TAIL = 6_000


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: waits for more than a minute, and uses nothing meanwhile")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spreads the long ones evenly over all tests, for each worker of xdist begins with a part of its own."""
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    for number, item in enumerate(long):
        rest.insert(number * (len(items) // len(long)), item)
    items[:] = rest


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One for all tests of a worker."""
    if why := why_not_booted():
        helpers.cannot_be_tested(f"machines can't boot here: {why}")
    if not helpers.CURFEW.exists():
        pytest.fail(f"there is no {helpers.CURFEW}: build it, or set CURFEW_BINARY")
    with Sandbox.start("booted", log=tmp_path_factory.mktemp("sandbox") / "log") as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: Sandbox) -> Iterator[Sandbox]:
    """Well again after each test, with nothing left running."""
    yield shared_cloud
    shared_cloud.reset()


@pytest.fixture
def bucket(cloud: Sandbox) -> str:
    """An empty one, of this test's own."""
    return cloud.bucket(f"results-{secrets.token_hex(4)}")


@pytest.fixture
def launcher(cloud: Sandbox, bucket: str, tmp_path: Path) -> Iterator[Launcher]:
    """`curfew launch` on this host, with the bucket for staging."""
    cloud.reset()
    launcher = Launcher(cloud, bucket, tmp_path / "home")
    yield launcher
    launcher.end()


@pytest.fixture
def machine(cloud: Sandbox, request: pytest.FixtureRequest) -> Callable[..., Instance]:
    """helpers.boot, with a report of each machine where the test fails."""
    machines = request.node.stash.setdefault(_MACHINES, [])

    def boot(**more: object) -> Instance:
        instance = helpers.boot(cloud, **more)  # type: ignore[arg-type]
        machines.append(instance)
        return instance

    return boot


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.failed:  # type: ignore[attr-defined]
        for instance in item.stash.get(_MACHINES, []):
            report.sections.append((f"{instance.id}", _story(instance)))  # type: ignore[attr-defined]
    return report


def _story(instance: Instance) -> str:
    """Its events, what curfew said in it, and the last lines of its console."""
    parts = []
    try:
        parts += [str(event) for event in instance.events]
        for name in ("run", "other", "again"):
            run = helpers.Run(instance, name)
            for title, text in (("stdout", run.out()), ("stderr", run.err()), ("log", run.log())):
                if text:
                    parts.append(f"--- {name} {title}\n{text[-_TAIL:]}")
            if (code := run.code()) is not None:
                parts.append(f"--- {name} exit code {code}")
        parts.append(
            "--- console\n"
            + "\n".join(line for line in instance.console().splitlines() if line.strip())[-1_500:]
        )
        if instance.facts()["alive"]:
            journal = instance.exec(
                ["journalctl", "-q", "-u", "curfew*", "-n", "60", "--no-pager"], timeout=10
            )
            parts.append(f"--- journal\n{journal.out[-_TAIL:]}")
    except (OSError, RuntimeError, ValueError) as error:  # the report is about the test's own failure
        parts.append(f"--- no more can be told: {error!r}")
    return "\n".join(parts)
