"""The second look: an alarm that went off while stable served nobody is judged when stable has its traffic back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rollout import clients, clock, sentences
from rollout.alarm_looks import AlarmLook
from rollout.clock import seconds_of
from rollout.contract.errors import AlarmRaised, AlarmRaisedAlone, EndpointBusy, Throttled, Unavailable
from rollout.contract.states import Failure
from rollout.contract.timing import SERVES_AGAIN_SECONDS
from rollout.decisions.blame import Fault, Finding

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.world import World


def cause_of_halt(world: World, lock: Lock) -> Failure:
    """Return why the traffic of this rollout was taken: the canary's fault, unless stable has the same trouble.

    Raises:
        EndpointBusy: while that is open, for `SERVES_AGAIN_SECONDS` after the order; come again.
    """
    first = Failure(error=lock.halted_by, cause=lock.halted)
    if first.error != AlarmRaisedAlone.__name__:
        return first
    finding = _look(world, lock)
    if finding.fault is Fault.CANARY:
        return Failure(error=AlarmRaised.__name__, cause=f"{first.cause}; {finding.reason}")
    if finding.fault is Fault.BOTH:
        return Failure(error=first.error, cause=f"{first.cause}; {finding.reason}")
    if clock.now() < seconds_of(lock.halted_at) + SERVES_AGAIN_SECONDS:
        words = {"endpoint": world.settings.endpoint, "stable": lock.stable}
        raise EndpointBusy(sentences.SEEN_SOON.format(**words))
    return Failure(error=first.error, cause=f"{first.cause}; {sentences.NOT_SEEN_AGAIN}")


def _look(world: World, lock: Lock) -> Finding:
    """Look once. A refusal of CloudWatch does not keep the lock: the traffic is back, and only the reason is open."""
    look = AlarmLook(world=world, lock=lock, client=clients.client("cloudwatch"))
    try:
        return look.look_again(seconds_of(lock.halted_at))
    except (Throttled, Unavailable, ClientError):
        return Finding(fault=Fault.UNREAD)
