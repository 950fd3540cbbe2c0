"""A CloudWatch alarm went off: take the canary's traffic at once, without waiting for the state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from rollout import clients, clock, sentences
from rollout.alarm_looks import AlarmLook
from rollout.clock import seconds_of
from rollout.contract.errors import AlarmRaised, EndpointBusy, MetricsMissing
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import CALLER
from rollout.contract.plan import Settings
from rollout.decisions.blame import Fault, Finding, of_caller
from rollout.exposure import halt_and_lower, lower_until_zero
from rollout.patience import NOT_READY, deadline, insist, insist_loudly
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.contract.errors import RolloutError
    from rollout.contract.events import AlarmChanged
    from rollout.contract.lock import Lock
    from rollout.patience import Context

READ_SECONDS = 5
SILENCE_SECONDS = 10
"""How long CloudWatch may refuse before its silence is taken for the worst."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2, 30
"""Between two looks: half a minute is a part of what metrics are late."""
PATIENCE_SECONDS = 5 * 60
"""How long an alarm may wait for the counts that explain it: the slots' metrics come minutes apart."""
CLOCKS_DIFFER_SECONDS = 5
"""EventBridge's times are also whole seconds."""


def handler(event: AlarmChanged, context: Context) -> None:
    """Lower exposure to zero if the alarm concerns the rollout that runs now."""
    until = deadline(context)
    world = World.of(Settings.parse(event["settings"]))
    name, raised_at = event["alarm_name"], event.get("raised_at", "")
    insist_loudly(world.settings.endpoint, lambda: panic(world, name, until, raised_at=raised_at), until=until)


def panic(world: World, alarm_name: str, until: float, *, raised_at: str = "") -> None:
    """Order zero and see it done. An alarm of the stable slot, without a rollout or on a way back, changes nothing.

    Nor does one of the canary that is not the canary's own fault.

    An alarm from before the rollout (`raised_at`, in ISO 8601) changes nothing either: such an event came late or
    again. If that alarm is still in ALARM, the rollout does not begin.

    Raises:
        EndpointBusy: when SageMaker was not ready in time; the event is delivered again.
        AlarmRaised: when nobody can say yet whose fault the alarm is; the event is delivered again.
        Throttled, Unavailable: when the ledger did not answer; what could be lowered without it is lowered.
    """
    lock = world.ledger.lock()
    if lock is None or lock.kind != ROLLOUT or not lock.canary or lock.sealed or lock.way_back:
        return
    if alarm_name not in world.settings.alarms_that_stop(lock.canary) or _is_older(raised_at, lock):
        return
    order = _order(world, alarm_name, lock, until, raised_at=raised_at)
    if order is None or not halt_and_lower(world, lock, order.reason, by=order.by.__name__):
        return
    if not lower_until_zero(world, lock, until=until):
        endpoint = world.settings.endpoint
        raise EndpointBusy(sentences.WEIGHT_ZERO_NOT_TAKEN.format(endpoint=endpoint, canary=lock.canary))


class _Order(NamedTuple):
    """Why exposure must be lowered, and the error that it stands for."""

    reason: str
    by: type[RolloutError] = AlarmRaised


def _order(world: World, alarm_name: str, lock: Lock, until: float, *, raised_at: str) -> _Order | None:
    """Return why exposure must be lowered; `None` when it need not be.

    An alarm of the caller is obeyed. One of the canary is looked into, again and again: CloudWatch tells of a change of
    state once, and what both slots suffer from now may be the canary's alone a minute later.

    Raises:
        AlarmRaised: when that is still open at the end of this invocation. Lambda repeats it twice, and whatever comes
            of that, `Evaluate` looks as well.
    """
    if (lock.halted and not lock.is_held_back) or alarm_name in world.settings.alarms[CALLER]:
        error = of_caller([alarm_name], had_requests=lock.had_requests)
        return _Order(str(error), type(error))
    impatient_at = PATIENCE_SECONDS + (seconds_of(raised_at) if raised_at else clock.now())
    for finding in _looks(world, lock):
        impatient = clock.now() >= impatient_at
        order = _order_of(finding, alarm_name, impatient=impatient)
        if order is not None or (finding.fault is Fault.NOTHING and impatient):
            return order
        if clock.now() >= until:
            raise AlarmRaised(finding.explains([alarm_name]))
    return None


def _order_of(finding: Finding, alarm_name: str, *, impatient: bool) -> _Order | None:
    """Return what one look is enough for. Where nobody can tell whose fault it is, nobody is judged.

    While a trouble of both lasts, the newest periods wait for stable at most looks: its metrics come later, not never.
    """
    if finding.fault is Fault.CANARY:
        return _Order(finding.explains([alarm_name]), finding.error)
    silent = finding.fault is Fault.UNSEEN and not finding.partly_seen
    if finding.fault is Fault.UNREAD or (silent and impatient):
        return _Order(finding.explains([alarm_name]), MetricsMissing)
    return None


def _looks(world: World, lock: Lock) -> Iterator[Finding]:
    """Look at both slots at once, and again and again while the rollout goes on."""
    client = clients.single_attempt_client("cloudwatch", read_timeout=READ_SECONDS)
    alarm_look = AlarmLook(world=world, lock=lock, client=client)
    pause: float = FIRST_PAUSE_SECONDS
    yield _look_now(alarm_look)
    while _goes_on(world, lock):
        clock.pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        yield _look_now(alarm_look)


def _look_now(alarm_look: AlarmLook) -> Finding:
    """Look, and take a silence of CloudWatch for the worst."""
    try:
        return insist(alarm_look.look, until=clock.now() + SILENCE_SECONDS)
    except (*NOT_READY, ClientError) as error:
        return Finding(fault=Fault.UNREAD, reason=sentences.NOT_ANSWERED.format(error=error))


def _goes_on(world: World, lock: Lock) -> bool:
    now = world.ledger.lock()
    return now is not None and now.holder == lock.holder and not now.halted and not now.sealed


def _is_older(raised_at: str, lock: Lock) -> bool:
    return bool(raised_at) and seconds_of(raised_at) + CLOCKS_DIFFER_SECONDS < seconds_of(lock.taken_at)
