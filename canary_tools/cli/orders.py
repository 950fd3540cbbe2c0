"""What a person orders of the rollout that runs: one conditional write to its lock each, which the rollout reads.

An abort acts within seconds. Everything else acts at the next look at the rollout.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from rollout import clock
from rollout.contract import operator
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.operator import LONGEST_WHY, Request
from rollout.contract.order import Order
from rollout.watching.reading import Reader

from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.session import Session
from canary_tools.cli.statuses import Status

_serialize = TypeSerializer().serialize


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """What was ordered of which rollout."""

    execution: str
    sentence: str


def order_now(who: str, why: str) -> Order:
    """Return an order of this moment.

    Raises:
        CannotAct: when the reason is longer than the ledger keeps.
    """
    if len(why) > LONGEST_WHY:
        raise CannotAct(f"--reason must have at most {LONGEST_WHY} characters, got {len(why)}")
    return Order(who=who, at=f"{clock.iso(clock.now())[:19]}Z", why=why)


def running_lock(reader: Reader, what: str) -> Lock:
    """Return the lock of the rollout that runs. `what`: the command, such as "abort".

    Raises:
        CannotAct: when no rollout runs, or it is over but for its records.
    """
    lock = reader.ledger.lock()
    if lock is None:
        raise CannotAct(f"there is nothing to {what}: no rollout runs", Status.NOTHING)
    if lock.kind != ROLLOUT:
        raise CannotAct(f"there is nothing to {what}: a deploy runs, and no rollout yet", Status.NOTHING)
    if lock.sealed:
        raise CannotAct(
            f"there is nothing to {what} any more: the promotion of rollout {lock.holder} is decided; to go back, "
            "`canary rollback` in a minute",
            Status.NOTHING,
        )
    return lock


def send(session: Session, reader: Reader, request: Request) -> bool:
    """Write one request into the ledger. `False`: it does not fit the rollout (any more), and nothing was changed.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """
    client = session.client("dynamodb")
    try:
        client.update_item(
            TableName=reader.target.ledger,
            Key=_item({"endpoint": reader.target.endpoint, "record": "lock"}),
            UpdateExpression=request.changes,
            ConditionExpression=request.condition,
            ExpressionAttributeValues=_item(request.values),
        )
    except client.exceptions.ConditionalCheckFailedException:
        lock = reader.ledger.lock()
        return lock is not None and request.is_written_in(lock)
    return True


def approve(session: Session, reader: Reader, *, reason: str) -> Ordered:
    """Say yes to the step that waits for a person. Raises `CannotAct` when none does."""
    lock, step = _waiting(reader, "approve")
    if lock.answer is not None:
        when = next_look(reader, held=True)
        raise CannotAct(
            f"step {step + 1} is approved already, by {lock.answer.sentence}; it goes on {when}", Status.NOTHING
        )
    request = operator.approve(lock.holder, step, order_now(session.who, reason), what=lock.awaits_what)
    return sent(
        session, reader, request, lock, f"step {step + 1} is approved; it goes on {next_look(reader, held=True)}"
    )


def reject(session: Session, reader: Reader, *, reason: str) -> Ordered:
    """Say no to the step that waits for a person: the rollout ends. Raises `CannotAct` when none does."""
    lock, step = _waiting(reader, "reject")
    request = operator.reject(lock.holder, step, order_now(session.who, reason))
    return sent(session, reader, request, lock, f"step {step + 1} is refused; the traffic goes back within seconds")


def pause(session: Session, reader: Reader, *, reason: str) -> Ordered:
    """Let nothing be decided that raises the share. Raises `CannotAct` when the rollout cannot be paused."""
    lock = running_lock(reader, "pause")
    if lock.paused is not None:
        raise CannotAct(f"rollout {lock.holder} is paused already, by {lock.paused.sentence}", Status.NOTHING)
    if lock.promoted_at:
        raise CannotAct("the release is promoted, and in its hold-back nothing is raised", Status.NOTHING)
    if lock.way_back is not None:
        raise CannotAct("a way back waits for nothing but instances; `canary abort` stops it", Status.NOTHING)
    request = operator.pause(lock.holder, order_now(session.who, reason))
    sentence = f"it is held from the next look on, {next_look(reader)}; gates and alarms go on, and can end it"
    return sent(session, reader, request, lock, sentence)


def resume(session: Session, reader: Reader, *, reason: str) -> Ordered:
    """Let a paused rollout go on. Raises `CannotAct` when it is not paused."""
    lock = running_lock(reader, "resume")
    if lock.paused is None:
        raise CannotAct(f"rollout {lock.holder} is not paused", Status.NOTHING)
    request = operator.resume(lock.holder, order_now(session.who, reason))
    return sent(session, reader, request, lock, f"it goes on {next_look(reader, held=True)}")


ORDERS: Mapping[str, Callable[..., Ordered]] = {
    "approve": approve, "reject": reject, "pause": pause, "resume": resume,
}  # fmt: skip


def _waiting(reader: Reader, what: str) -> tuple[Lock, int]:
    lock = running_lock(reader, what)
    if lock.halted:
        raise CannotAct(f"rollout {lock.holder} is ending: {lock.halted}", Status.NOTHING)
    if lock.awaits is None:
        raise CannotAct(f"rollout {lock.holder} waits for no approval now; see `canary status`", Status.NOTHING)
    return lock, lock.awaits


def sent(session: Session, reader: Reader, request: Request, lock: Lock, sentence: str) -> Ordered:
    """Write a request, and return the sentence. Raises `CannotAct` when it does not fit the rollout any more."""
    if send(session, reader, request):
        return Ordered(execution=lock.holder, sentence=sentence)
    now = reader.ledger.lock()
    if now is not None and now.holder == lock.holder and now.halted:
        raise CannotAct(f"rollout {lock.holder} is ending: {now.halted}", Status.NOTHING)
    raise CannotAct(f"rollout {lock.holder} has gone on meanwhile; see `canary status`", Status.NOTHING)


def next_look(reader: Reader, *, held: bool = False) -> str:
    """Return when the rollout reads an order at the latest. `held`: it is looked at less often."""
    plan = reader.plan
    seconds = plan.hold_interval_seconds if held else plan.evaluation_interval_seconds
    return f"within {seconds or plan.evaluation_interval_seconds} s"


def _item(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in values.items()}
