"""All that a handler touches for one endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.cohorts import Cohorts
from rollout.contract.errors import Halted, LockLost
from rollout.endpoint import Endpoint
from rollout.ledger import Ledger, Lock
from rollout.metrics import Metrics
from rollout.scaling import SlotScalers

if TYPE_CHECKING:
    from rollout.plan import Settings


@dataclass(frozen=True, kw_only=True)
class World:
    """The adapters of one endpoint."""

    settings: Settings
    endpoint: Endpoint
    scalers: SlotScalers
    ledger: Ledger
    metrics: Metrics
    cohorts: Cohorts

    @classmethod
    def of(cls, settings: Settings) -> World:
        """Connect to the services of this environment."""
        ledger = Ledger(settings.endpoint)
        return cls(
            settings=settings,
            endpoint=Endpoint(settings.endpoint),
            scalers=SlotScalers(settings.endpoint, settings.scaling),
            ledger=ledger,
            metrics=Metrics(settings.endpoint, settings.metric_period_seconds),
            cohorts=Cohorts(ledger=ledger, stages=settings.api_stages),
        )

    def own_lock(self, execution: str) -> Lock:
        """Prove that this rollout may go on.

        Raises:
            LockLost: when the lock is not this rollout's.
            Halted: when exposure was ordered to zero.
        """
        lock = self.ledger.lock()
        if lock is None or lock.holder != execution:
            holder = "nobody" if lock is None else f"{lock.kind} {lock.holder}"
            raise LockLost(f"the lock of endpoint {self.settings.endpoint} is held by {holder}, not by {execution}")
        if lock.halted:
            raise Halted(lock.halted)
        return lock
