"""What the states of all alarms mean for a rollout: whether it ends, or may shift no traffic now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clients, sentences
from rollout.alarm_looks import AlarmLook
from rollout.contract.errors import Throttled, Unavailable
from rollout.contract.names import CALLER
from rollout.decisions.blame import Fault, Finding, of_caller
from rollout.metrics import DELETED, UNKNOWN, raised_in

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.world import World


def held_by_alarms(world: World, lock: Lock, *, must_be_known: bool) -> str:
    """Return why no traffic may be shifted now; empty when nothing prevents it.

    A state is told by one event only. So whoever waits looks at the states of all alarms, whatever came of their
    events. `must_be_known`: a step passes only when every alarm has a state. Before a shift that is not asked: an alarm
    that looks at the canary's requests has no data until there are some.

    Raises:
        AlarmRaised: when an alarm of the caller is in ALARM, or one of the canary through its own fault.
        CannotBegin: when an alarm of the caller is, and the release has had no request yet.
        AlarmRaisedAlone: when one of the canary is, and stable serves nobody to compare it with.
        Throttled, Unavailable: when CloudWatch does not tell the states.
    """
    finding = _look(world, lock)
    states = world.metrics.alarm_states(world.settings.alarms_that_stop(lock.canary))
    callers = world.settings.alarms[CALLER]
    raised = raised_in(states)
    raised_by_caller = [name for name in raised if name in callers]
    if raised_by_caller:
        raise of_caller(raised_by_caller, had_requests=lock.had_requests)
    if raised and finding.fault is Fault.CANARY:
        raise finding.error(finding.explains(raised))
    if finding.holds or (raised and finding.leaves_alarms_open):
        return finding.explains(raised) if raised else finding.reason
    if not must_be_known:
        return ""
    unknown = [name for name, state in states.items() if state == DELETED or (state == UNKNOWN and name in callers)]
    return sentences.ALARMS_UNKNOWN.format(alarms=", ".join(unknown)) if unknown else ""


def _look(world: World, lock: Lock) -> Finding:
    """Look whose fault an alarm of the canary would be; while CloudWatch does not answer, nobody knows."""
    try:
        return AlarmLook(world=world, lock=lock, client=clients.client("cloudwatch")).look()
    except (Throttled, Unavailable) as error:
        return Finding(fault=Fault.UNREAD, reason=sentences.NOT_ANSWERED.format(error=error))
