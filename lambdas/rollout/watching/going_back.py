"""The way back after a promotion, as people order it: the `canary` command and the dashboard's button do this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout import clients
from rollout.contract import operator
from rollout.contract.errors import NothingToRelease
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.names import other_slot
from rollout.contract.way_back import WayBack
from rollout.executions import describe, start, unused_name
from rollout.way_back import former_of

if TYPE_CHECKING:
    from rollout.contract.operator import Request
    from rollout.contract.order import Order
    from rollout.endpoint import Endpoint
    from rollout.ledger import Ledger

SPENT = "{} is rejected: it needs a new version to be tried again."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be done. `lock`: of the hold-back that would be ended, or of a way back that only has to be started.

    `left`: the slot that loses its traffic. `question`: for the person who decides.
    """

    leaves: str
    to: str
    left: str
    question: str
    lock: Lock | None = None


@dataclass(frozen=True, kw_only=True)
class GoingBack:
    """What a way back is read from, and ordered with. `executions`: a client of Step Functions."""

    ledger: Ledger
    endpoint: Endpoint
    executions: Any
    state_machine_arn: str

    def plan(self) -> Plan:
        """Return what would be done now.

        Raises:
            NothingToRelease: when there is no way back; with a sentence.
            EndpointUnusable: when both slots serve, or none.
        """
        lock = self.ledger.lock()
        if lock is not None:
            return self._of_lock(lock)
        view = self.endpoint.describe()
        stable = view.stable_slot()
        releases = {
            slot: self.ledger.release_in(placed.model_name)
            for slot, placed in self.endpoint.config(view.config_name).items()
        }
        serving, former = former_of(self.ledger, releases, stable)
        instances = view.variants[other_slot(stable)].instances
        return Plan(
            leaves=serving.version,
            to=former.version,
            left=stable,
            question=f"All the traffic goes from {serving.version} back to {former.version} "
            f"({other_slot(stable)}, {instances} instances now; what is missing for all the traffic comes first). "
            f"{SPENT.format(serving.version)}",
        )

    def begin(self, plan: Plan, order: Order) -> str:
        """Order it, and return the name of the execution that does it.

        When the order is written and the start fails, the next who begins it starts it, or the clock within a quarter
        of an hour.

        Raises:
            NothingToRelease: when something else came between; nothing was changed.
            Throttled, Unavailable: when AWS did not answer; it is not known whether the order is written.
        """
        if plan.lock is not None and plan.lock.way_back is None:
            self._ask(operator.take_back(plan.lock.holder, order))
            return plan.lock.holder
        execution = self._ordered(plan, order) if plan.lock is None else plan.lock.holder
        with clients.named_failures():
            start(self.executions, self.state_machine_arn, execution)
        return execution

    def _ordered(self, plan: Plan, order: Order) -> str:
        execution = unused_name(self.ledger, self.executions, self.state_machine_arn, plan.to)
        request = operator.roll_back(
            execution,
            WayBack(leaves=plan.leaves, to=plan.to, order=order),
            state_machine=self.state_machine_arn,
            stable=plan.left,
            canary=other_slot(plan.left),
        )
        self._ask(request)
        return execution

    def _ask(self, request: Request) -> None:
        if not self.ledger.ask(request):
            self.plan()  # it says what came between, if that stands in the way still
            raise NothingToRelease("something else came between; see `canary status`, and try again")

    def _of_lock(self, lock: Lock) -> Plan:
        if lock.kind != ROLLOUT:
            raise NothingToRelease("a deploy is in progress; wait for its end (`canary status`), then roll back")
        if lock.way_back is not None:
            return self._begun(lock, lock.way_back)
        if lock.sealed:
            raise NothingToRelease(
                f"rollout {lock.holder} is completing its promotion; roll back in a minute, when the lock is free"
            )
        if not lock.promoted_at:
            raise NothingToRelease(
                f"rollout {lock.holder} runs, and its release is not promoted yet: `canary abort` takes its traffic"
            )
        if not lock.is_held_back:
            raise NothingToRelease(f"the traffic goes back already: {lock.halted}")
        record = self.ledger.rollout(lock.holder) or {}
        leaves, to = record.get("version", ""), record.get("former", "") or "the release before"
        return Plan(
            leaves=leaves,
            to=to,
            left=lock.canary,
            lock=lock,
            question=f"The hold-back of {leaves} ends, and all the traffic goes back to {to}, which has its instances "
            f"still. {SPENT.format(leaves)}",
        )

    def _begun(self, lock: Lock, back: WayBack) -> Plan:
        """Return a way back whose execution nobody has started: what ordered it broke off."""
        runs = describe(self.executions, self.state_machine_arn, lock.holder).get("status") == "RUNNING"
        if runs or lock.halted or lock.sealed:
            raise NothingToRelease(
                f"the way back from {back.leaves} to {back.to} is under way, ordered by {back.order.sentence}; see "
                "`canary watch`"
            )
        return Plan(
            leaves=back.leaves,
            to=back.to,
            left=lock.stable,
            lock=lock,
            question=f"The way back from {back.leaves} to {back.to} was ordered by {back.order.sentence}, and is "
            "started now.",
        )
