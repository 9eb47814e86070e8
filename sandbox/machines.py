"""Which class plays the machines in which mode."""

from __future__ import annotations

from pathlib import Path

from sandbox.booted import BootedMachine
from sandbox.cgroups import Group
from sandbox.cloud import MachineMaker
from sandbox.machine import Machine, Options


def maker(mode: str, image: str | None) -> MachineMaker:
    def booted(name: str, base: Path, group: Group, options: Options) -> Machine:
        assert image
        return BootedMachine(name, base, group, options, Path(image))

    if mode == "booted":
        return booted
    raise NotImplementedError(mode)
