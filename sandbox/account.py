"""What belongs to the AWS account rather than to one instance, and a test's say in it. The part of Cloud that has no machines."""

from __future__ import annotations

from typing import Any

from sandbox import schedules
from sandbox.front import Front
from sandbox.patching import replace
from sandbox.schedule_calls import Caller


class Account:
    front: Front
    port: int

    def _make_account(self) -> None:
        self.scheduler = schedules.Scheduler(Caller(lambda: self.port, self.front.sources))
        schedules.install(self.scheduler, replace)

    def _reset_account(self) -> None:
        self.scheduler.reset()

    def do_scheduler_advance(self, seconds: float) -> dict[str, int]:
        """The scheduler's clock runs ahead by that much, and fires what falls due on the way."""
        return {"fired": self.scheduler.advance(seconds)}

    def do_scheduler(self, **settings: Any) -> dict[str, float]:
        """speed, lateness (seconds within the minute), role_delay (until a new role is assumable), real_time=True."""
        return self.scheduler.settings(**settings)

    def do_invocations(self) -> list[dict[str, Any]]:
        return list(self.scheduler.invocations)
