"""Whether a release could start now: one check after the other, decided from what was read. Nothing is asked here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollout.contract.errors import EndpointUnusable
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.names import CALLER, ROLLED_BACK, SLOTS, other_slot
from rollout.contract.plan import Plan
from rollout.contract.scalings import Scalings
from rollout.decisions.capacity import floors_at_rest, instances_needed
from rollout.decisions.windows import closed
from rollout.endpoint import EndpointView
from rollout.ledger import Release
from rollout.metrics import DELETED, UNKNOWN, raised_in
from rollout.scaling import SlotScaling
from rollout.watching.counts import LOOK_BACK_SECONDS, Counts

FINE, LOOK, BLOCKS, NOT_KNOWN = "fine", "look", "blocks", "not known"
LATE_SECONDS = 5 * 60
"""Metrics that come later than this slow a rollout down; see docs/late-metrics.md."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found. `state`: `fine`, `look` (a release could start), `blocks` (none could), or `not known`.

    `see`: a section of docs/runbook.md; empty when there is nothing to do.
    """

    check: str
    state: str
    sentence: str
    see: str = ""


def of_endpoint(view: EndpointView) -> Finding:
    """Tell whether SageMaker takes changes, and exactly one slot serves."""
    try:
        if view.working:
            status = f"the endpoint is {view.status}; a rollout waits up to 15 minutes until it is quiet"
            return Finding(check="endpoint", state=LOOK, sentence=status, see="endpointbusy")
        view.refuse_unless_quiet()
        stable = view.stable_slot()
    except EndpointUnusable as error:
        return Finding(check="endpoint", state=BLOCKS, sentence=str(error), see="endpointunusable")
    return Finding(check="endpoint", state=FINE, sentence=f"{view.status}, and {stable} serves all the traffic")


def of_lock(lock: Lock | None, *, execution_runs: bool) -> Finding:
    """Tell whether somebody changes the endpoint already."""
    if lock is None:
        return Finding(check="lock", state=FINE, sentence="free")
    if lock.kind == ROLLOUT and not execution_runs:
        sentence = f"rollout {lock.holder} holds the lock and does not run; it is ended within 15 minutes, by the clock"
        return Finding(check="lock", state=BLOCKS, sentence=sentence, see="lock-left-behind")
    sentence = f"{lock.kind} {lock.holder} holds the lock since {lock.taken_at}"
    if lock.halted:
        sentence += f", and was ordered to zero: {lock.halted}"
    return Finding(check="lock", state=BLOCKS, sentence=sentence, see="lock-held")


def of_release(
    declared: Release | None, view: EndpointView, versions: Mapping[str, str], *, start_on_deploy: bool
) -> Finding:
    """Tell whether a release waits in the idle slot."""
    serving = view.serving_slots()
    if declared is None:
        return Finding(check="release", state=LOOK, sentence="no deploy has declared a release yet")
    if len(serving) != 1 or set(versions) != set(SLOTS):
        sentence = f"the version in a variant is not known to the ledger; {declared.version} was deployed last"
        return Finding(check="release", state=NOT_KNOWN, sentence=sentence, see="drift")
    if versions[serving[0]] == declared.version:
        return Finding(check="release", state=FINE, sentence=f"{declared.version} serves; deploy a new version")
    if versions[other_slot(serving[0])] != declared.version:
        sentence = f"{declared.version} was deployed last and is in no variant"
        return Finding(check="release", state=BLOCKS, sentence=sentence, see="nothingtorelease")
    if declared.outcome == ROLLED_BACK:
        sentence = f"{declared.version} was rolled back, so it cannot start again; deploy it under a new version"
        return Finding(check="release", state=BLOCKS, sentence=sentence, see="rolled-back")
    how = "the next deploy starts it" if start_on_deploy else "start the state machine with the input {}"
    sentence = f"{declared.version} waits in {other_slot(serving[0])}; {how}"
    return Finding(check="release", state=FINE, sentence=sentence)


def waiting_in(declared: Release | None, view: EndpointView, versions: Mapping[str, str]) -> str:
    """Return the slot in which the release of the last deploy waits; empty when it does not."""
    serving = view.serving_slots()
    if declared is None or len(serving) != 1 or versions.get(serving[0]) == declared.version:
        return ""
    idle = other_slot(serving[0])
    return idle if versions.get(idle) == declared.version and declared.outcome != ROLLED_BACK else ""


def of_windows(plan: Plan, now: float) -> Finding:
    """Tell whether a share may rise now."""
    outside = closed(plan.windows, now)
    if outside is not None:
        return Finding(check="windows", state=LOOK, sentence=outside.sentence, see="outside-the-windows")
    titles = "; ".join(window.title for window in plan.windows)
    return Finding(check="windows", state=FINE, sentence=f"a window is open ({titles})")


def of_alarms(plan: Plan, states: Mapping[str, str], canary: str) -> Finding:
    """Tell what the alarms that can end a rollout would say at its start."""
    names = plan.settings.alarms_that_stop(canary) if canary else list(states)
    of_those = {name: states[name] for name in names if name in states}
    deleted = [name for name, state in of_those.items() if state == DELETED]
    if deleted:
        sentence = f"{', '.join(deleted)} do not exist any more, so no rollout begins; create them again, or deploy"
        return Finding(check="alarms", state=BLOCKS, sentence=sentence, see="alarms-deleted")
    raised, callers = raised_in(of_those), plan.settings.alarms.get(CALLER, ())
    blocking = [name for name in raised if name in callers]
    if blocking:
        sentence = f"{', '.join(blocking)} in ALARM: a rollout waits 15 minutes for it to end, and then does not begin"
        return Finding(check="alarms", state=BLOCKS, sentence=sentence, see="alarm-before-the-rollout")
    if raised:
        sentence = f"{', '.join(raised)} in ALARM: a rollout waits for it to end, 15 minutes at most"
        return Finding(check="alarms", state=LOOK, sentence=sentence, see="alarm-before-the-rollout")
    unknown = [name for name, state in of_those.items() if state == UNKNOWN and name in callers]
    if unknown:
        sentence = f"{', '.join(unknown)} have no data: no step passes while that lasts"
        return Finding(check="alarms", state=LOOK, sentence=sentence, see="alarm-without-data")
    return Finding(check="alarms", state=FINE, sentence=f"{len(of_those)} alarms, none in ALARM")


def of_metrics(view: EndpointView, counts: Sequence[Counts], now: float) -> Finding:
    """Tell whether CloudWatch sees the slot that serves, and how late."""
    seen = [each for each in counts if any(slot in each.requests for slot in view.serving_slots())]
    minutes = LOOK_BACK_SECONDS // 60
    if not seen:
        sentence = (
            f"no request of the variant that serves was published in the last {minutes} minutes: without traffic no "
            "step passes"
        )
        return Finding(check="metrics", state=LOOK, sentence=sentence, see="silent-metrics")
    late = now - seen[0].ended_at
    requests = sum(sum(each.requests.values()) for each in seen)
    sentence = f"{requests:,.0f} requests in the last {minutes} minutes; the newest period ended {late:.0f} s ago"
    if late > LATE_SECONDS:
        return Finding(check="metrics", state=LOOK, sentence=sentence, see="silent-metrics")
    return Finding(check="metrics", state=FINE, sentence=sentence)


def of_scaling(
    scalings: Scalings, view: EndpointView, registered: Mapping[str, SlotScaling], *, rests: bool
) -> Finding:
    """Tell whether scaling is as the roles declare it. `rests`: nobody changes the endpoint, nor did so lately."""
    missing = [slot for slot in SLOTS if slot not in registered]
    if missing:
        sentence = f"{', '.join(missing)} is no scalable target, so a rollout ends at its first step; deploy again"
        return Finding(check="scaling", state=BLOCKS, sentence=sentence, see="drift")
    serving = view.serving_slots()
    if not rests or len(serving) != 1:
        return Finding(check="scaling", state=FINE, sentence="both variants are registered; a change is under way")
    suspended = [slot for slot, one in registered.items() if one.scale_in_suspended or one.scale_out_suspended]
    wanted = floors_at_rest(serving[0], other_slot(serving[0]), scalings)
    others = [
        f"{slot} has {registered[slot].floor} and should have {floor}"
        for slot, floor in wanted.items()
        if registered[slot].floor != floor
    ]
    problems = [*(f"scaling of {slot} is suspended" for slot in suspended), *others]
    if problems:
        sentence = f"{'; '.join(problems)}: no rollout runs, so another hand did that; any deploy puts it right"
        return Finding(check="scaling", state=LOOK, sentence=sentence, see="drift")
    return Finding(check="scaling", state=FINE, sentence="the floors of both variants are as declared")


def instances_of_a_rollout(
    view: EndpointView, types: Mapping[str, str], scalings: Scalings | None, *, per_minute: float, waits: str
) -> dict[str, int]:
    """Return how many instances of each type a rollout of the present traffic needs.

    `types`: of the instances, by slot. `waits`: the slot in which a release waits; without one the next release is
    taken to be of the type that serves, and needs as many again. One of another type needs as many as its own scaling
    says (`per_minute`: requests), beside those that serve.
    """
    serving = view.serving_slots()
    run = {types[slot]: view.variants[slot].most_instances for slot in serving}
    if len(run) > 1:
        return run
    if waits and types[waits] not in run:
        scaling = None if scalings is None else scalings.of(waits)
        return run if scaling is None else {**run, types[waits]: instances_needed(per_minute, scaling)}
    return {each: 2 * max(view.variants[slot].most_instances for slot in serving) for each in run}


def of_quota(instance_type: str, *, needed: int, quota: float | None) -> Finding:
    """Tell whether the account may run the instances of a whole rollout."""
    if quota is None:
        sentence = f"AWS tells no quota for {instance_type} for endpoint usage"
        return Finding(check="quota", state=NOT_KNOWN, sentence=sentence, see="capacity")
    sentence = (
        f"{quota:g} {instance_type} for endpoints in this account; a rollout of the present traffic needs {needed}"
    )
    if quota < needed:
        return Finding(check="quota", state=BLOCKS, sentence=sentence, see="capacity")
    return Finding(check="quota", state=FINE, sentence=sentence)
