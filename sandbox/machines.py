"""Which class plays the machines in which mode."""

from __future__ import annotations

from pathlib import Path

from sandbox.booted import BootedMachine
from sandbox.cgroups import Group
from sandbox.cloud import MachineMaker
from sandbox.lesser import BareMachine, LesserMachine
from sandbox.machine import Machine, Options


def maker(mode: str, image: Path | None) -> MachineMaker:
    def booted(name: str, base: Path, group: Group, options: Options) -> Machine:
        assert image is not None
        return BootedMachine(name, base, group, options, image)

    return {"booted": booted, "lesser": LesserMachine, "bare": BareMachine}[mode]
