"""Goes back after a promotion: all the traffic for the release before, from its idle slot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rollout import clock
from rollout.contract.errors import NothingToRelease
from rollout.endpoint import LOOK_AGAIN_SECONDS, EndpointView
from rollout.watching.going_back import GoingBack, Plan
from rollout.watching.reading import Reader

from canary_tools.cli.orders import order_now
from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.session import Session
from canary_tools.cli.statuses import Status

PATIENCE_SECONDS = 5 * 60
"""How long it is watched whether the traffic goes back. Instances that are missing come first, and may take longer."""


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """What was ordered. `seconds`: until the release that is left had no weight; `None`: not seen in time."""

    execution: str
    sentence: str
    seconds: float | None


def way_back(session: Session, reader: Reader) -> Plan:
    """Return what a rollback would do now.

    Raises:
        CannotAct: when there is no way back; with a sentence.
    """
    with _refused():
        return _going_back(session, reader).plan()


def roll_back(session: Session, reader: Reader, plan: Plan, *, reason: str) -> RolledBack:
    """Order it, and see the traffic go back. Raises `CannotAct` when something else came between."""
    began_at, order = clock.now(), order_now(session.who, reason)
    with _refused():
        execution = _going_back(session, reader).begin(plan, order)
    return _seen(reader, execution, plan, began_at)


def _going_back(session: Session, reader: Reader) -> GoingBack:
    return GoingBack(
        ledger=reader.ledger,
        endpoint=reader.endpoint,
        executions=session.client("stepfunctions"),
        state_machine_arn=reader.target.state_machine_arn,
    )


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except NothingToRelease as refusal:
        raise CannotAct(str(refusal), Status.NOTHING) from refusal


def _seen(reader: Reader, execution: str, plan: Plan, began_at: float) -> RolledBack:
    words = f"{plan.leaves} is left for {plan.to}"
    while True:
        is_over = _is_over(reader, execution)  # before the weights: they are moved first
        if _has_no_weight(reader.endpoint.describe(), plan.left):
            seconds = clock.now() - began_at
            return RolledBack(execution=execution, sentence=f"{words}: weight 0 after {seconds:.0f} s", seconds=seconds)
        if is_over:
            record = reader.ledger.rollout(execution) or {}
            why = record.get("reason", "the slots do not hold what the order names any more")
            raise CannotAct(f"the traffic did not go back: {why}")
        if clock.now() - began_at > PATIENCE_SECONDS:
            words += ": it has weight still; `canary watch` shows what is waited for"
            return RolledBack(execution=execution, sentence=words, seconds=None)
        clock.pause(LOOK_AGAIN_SECONDS)


def _has_no_weight(view: EndpointView, slot: str) -> bool:
    return slot not in view.variants or not view.variants[slot].serves


def _is_over(reader: Reader, execution: str) -> bool:
    """Tell whether the way back has ended."""
    lock = reader.ledger.lock()
    return lock is None or lock.holder != execution
