"""Goes back after a promotion: all the traffic for the release before, from its idle slot."""

from dataclasses import dataclass
from itertools import count

from rollout import clock
from rollout.contract import operator
from rollout.contract.errors import NothingToRelease
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.names import other_slot
from rollout.contract.way_back import WayBack
from rollout.endpoint import LOOK_AGAIN_SECONDS, EndpointView
from rollout.executions import describe, execution_name, start
from rollout.watching.reading import Reader
from rollout.way_back import former_of

from canary_tools.cli.orders import order_now, send
from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.session import Session
from canary_tools.cli.statuses import Status

PATIENCE_SECONDS = 5 * 60
"""How long it is watched whether the traffic goes back. Instances that are missing come first, and may take longer."""


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
class RolledBack:
    """What was ordered. `seconds`: until the release that is left had no weight; `None`: not seen in time."""

    execution: str
    sentence: str
    seconds: float | None


def way_back(reader: Reader) -> Plan:
    """Return what a rollback would do now.

    Raises:
        CannotAct: when there is no way back; with a sentence.
    """
    lock = reader.ledger.lock()
    if lock is not None:
        return _of_lock(reader, lock)
    view = reader.endpoint.describe()
    stable = view.stable_slot()
    releases = {
        slot: reader.ledger.release_in(placed.model_name)
        for slot, placed in reader.endpoint.config(view.config_name).items()
    }
    try:
        serving, former = former_of(reader.ledger, releases, stable)
    except NothingToRelease as error:
        raise CannotAct(str(error), Status.NOTHING) from error
    instances = view.variants[other_slot(stable)].instances
    return Plan(
        leaves=serving.version,
        to=former.version,
        left=stable,
        question=f"All the traffic goes from {serving.version} back to {former.version} "
        f"({other_slot(stable)}, {instances} instances now; what is missing for all the traffic comes first). "
        f"{_SPENT.format(serving.version)}",
    )


def roll_back(session: Session, reader: Reader, plan: Plan, *, reason: str) -> RolledBack:
    """Order it, and see the traffic go back. Raises `CannotAct` when something else came between."""
    began_at, order = clock.now(), order_now(session.who, reason)
    if plan.lock is not None and plan.lock.way_back is None:
        execution = plan.lock.holder
        if not send(session, reader, operator.take_back(execution, order)):
            raise _came_between(reader)
        return _seen(reader, execution, plan, began_at)
    execution = _unused_name(session, reader, plan.to) if plan.lock is None else plan.lock.holder
    if plan.lock is None:
        request = operator.roll_back(
            execution,
            WayBack(leaves=plan.leaves, to=plan.to, order=order),
            state_machine=reader.target.state_machine_arn,
            stable=plan.left,
            canary=other_slot(plan.left),
        )
        if not send(session, reader, request):
            raise _came_between(reader)
    start(session.client("stepfunctions"), reader.target.state_machine_arn, execution)
    return _seen(reader, execution, plan, began_at)


_SPENT = "{} is rejected: it needs a new version to be tried again."


def _of_lock(reader: Reader, lock: Lock) -> Plan:
    if lock.kind != ROLLOUT:
        raise CannotAct("a deploy is in progress; wait for its end (`canary status`), then roll back", Status.NOTHING)
    if lock.way_back is not None:
        return _begun(reader, lock, lock.way_back)
    if lock.sealed:
        raise CannotAct(
            f"rollout {lock.holder} is completing its promotion; roll back in a minute, when the lock is free",
            Status.NOTHING,
        )
    if not lock.promoted_at:
        raise CannotAct(
            f"rollout {lock.holder} runs, and its release is not promoted yet: `canary abort` takes its traffic",
            Status.NOTHING,
        )
    if not lock.is_held_back:
        raise CannotAct(f"the traffic goes back already: {lock.halted}", Status.NOTHING)
    record = reader.ledger.rollout(lock.holder) or {}
    leaves, to = record.get("version", ""), record.get("former", "") or "the release before"
    return Plan(
        leaves=leaves,
        to=to,
        left=lock.canary,
        lock=lock,
        question=f"The hold-back of {leaves} ends, and all the traffic goes back to {to}, which has its instances "
        f"still. {_SPENT.format(leaves)}",
    )


def _begun(reader: Reader, lock: Lock, back: WayBack) -> Plan:
    """Return a way back whose execution nobody has started: the command that ordered it broke off."""
    if reader.executing(lock) is not None or lock.halted or lock.sealed:
        raise CannotAct(
            f"the way back from {back.leaves} to {back.to} is under way, ordered by {back.order.sentence}; see "
            "`canary watch`",
            Status.NOTHING,
        )
    return Plan(
        leaves=back.leaves,
        to=back.to,
        left=lock.stable,
        lock=lock,
        question=f"The way back from {back.leaves} to {back.to} was ordered by {back.order.sentence}, and is "
        "started now.",
    )


def _unused_name(session: Session, reader: Reader, version: str) -> str:
    """Return the next name that neither the ledger nor Step Functions knows."""
    client, machine = session.client("stepfunctions"), reader.target.state_machine_arn
    names = (execution_name(version, attempt) for attempt in count(reader.ledger.next_attempt()))
    return next(name for name in names if reader.ledger.rollout(name) is None and not describe(client, machine, name))


def _came_between(reader: Reader) -> CannotAct:
    try:
        way_back(reader)
    except CannotAct as refusal:
        return refusal
    return CannotAct("something else came between; see `canary status`, and try again", Status.NOTHING)


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
