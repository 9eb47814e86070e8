"""What belongs to the AWS account rather than to one instance, and a test's say in it. The part of Cloud that has no machines."""

from __future__ import annotations

from typing import Any

from sandbox import launches, motobuckets, parameters, schedules, spot_prices
from sandbox.capacity import Capacity
from sandbox.front import Front
from sandbox.patching import replace
from sandbox.quotas import Quotas
from sandbox.schedule_calls import Caller


class Account:
    front: Front
    port: int

    def _make_account(self) -> None:
        self.scheduler = schedules.Scheduler(Caller(lambda: self.port, self.front.sources))
        self.quotas = Quotas()
        self.spot_prices = spot_prices.SpotPrices(lambda *pool: self.capacity.offered(*pool))
        self.capacity = Capacity(self.spot_prices.refusal)
        self.launches = launches.Launches(self.quotas, self.capacity)
        self.front.answers["servicequotas"] = self.quotas.answer

    def _install_account(self) -> None:
        """In place of moto's own; after motofix, whose answers it wraps."""
        schedules.install(self.scheduler, replace)
        launches.install(self.launches, replace)
        motobuckets.install(replace)
        parameters.install(replace)
        spot_prices.install(self.spot_prices, replace)
        self.capacity.install(replace)

    def _reset_account(self) -> None:
        for each in (self.scheduler, self.quotas, self.spot_prices, self.launches):
            each.reset()
        self.capacity.clear()

    def _account_settings(
        self, visible_after: float | None = None, iam_delay: float | None = None
    ) -> dict[str, float]:
        if visible_after is not None:
            self.launches.visible_after = visible_after
        if iam_delay is not None:
            self.launches.iam_delay = self.scheduler.role_delay = iam_delay
        return {"visible_after": self.launches.visible_after, "iam_delay": self.launches.iam_delay}

    def do_scheduler_advance(self, seconds: float) -> dict[str, int]:
        """The scheduler's clock runs ahead by that much, and fires what falls due on the way."""
        return {"fired": self.scheduler.advance(seconds)}

    def do_scheduler(self, **settings: Any) -> dict[str, float]:
        """speed, lateness (seconds within the minute), real_time=True."""
        return self.scheduler.settings(**settings)

    def do_invocations(self) -> list[dict[str, Any]]:
        return list(self.scheduler.invocations)

    def do_quota(self, code: str, value: float, region: str | None = None) -> dict[str, Any]:
        self.quotas.set(code, value, region)
        return {}

    def do_new_account(self) -> dict[str, Any]:
        self.quotas.reset(new_account=True)
        return {}

    def do_capacity(self, **fields: Any) -> dict[str, int]:
        return {"id": self.capacity.add(**fields)}

    def do_clear_capacity(self, id: int | None = None) -> dict[str, Any]:
        self.capacity.clear(id)
        return {}

    def do_spot_price(self, **fields: Any) -> dict[str, Any]:
        self.spot_prices.set(**fields)
        return {}
