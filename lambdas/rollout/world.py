"""All that a handler touches for one endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.cohorts import Cohorts
from rollout.contract.errors import Halted, LockLost
from rollout.contract.scalings import Scalings
from rollout.decisions.minimum import in_force
from rollout.endpoint import Endpoint
from rollout.ledger import Ledger
from rollout.metrics import Metrics
from rollout.scaling import SlotScalers

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Settings
    from rollout.decisions.placement import Slots
    from rollout.endpoint import EndpointView
    from rollout.ledger import Release


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
            scalers=SlotScalers(settings.endpoint),
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
            words = {"endpoint": self.settings.endpoint, "holder": holder, "execution": execution}
            raise LockLost(sentences.LOCK_HELD.format(**words))
        if lock.halted:
            raise Halted(lock.halted)
        return lock

    def scalings(self) -> Scalings:
        """Return the scaling of both slots as the last accepted deploy asked for it, with the minimums of this moment.

        A late event carries older settings; they count only before anything is declared.
        """
        declared = self.ledger.declared_scalings()
        found = Scalings(endpoint=self.settings.scaling) if declared is None else declared
        now = clock.now()
        own = {slot: in_force(scaling, now) for slot, scaling in found.own.items()}
        return Scalings(endpoint=in_force(found.endpoint, now), own=own)

    def releases_in_slots(self, view: EndpointView) -> dict[str, Release | None]:
        """Return the release that each slot's model holds; `None` for a model that no deploy has declared."""
        return self.releases_in(self.endpoint.config(view.config_name))

    def releases_in(self, slots: Slots) -> dict[str, Release | None]:
        """Return the same for slots that are known already."""
        return {slot: self.ledger.release_in(placed.model_name) for slot, placed in slots.items()}
