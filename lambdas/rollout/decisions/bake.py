"""Whether a step has shown enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.states import Next
from rollout.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.contract.plan import OutageLimits, Step
    from rollout.evidence.sources import SlotCount
    from rollout.gates import Assessment


class Decision(NamedTuple):
    """What to do, and why."""

    next: Next
    reason: str


def decide(
    step: Step,
    *,
    last: bool,
    baked_seconds: float,
    now: Assessment,
    at_bake_end: Assessment,
    unknown_alarms: Sequence[str],
    outage: str,
) -> Decision:
    """Decide about a step whose alarms are quiet. `baked_seconds` counts final metrics only.

    The order is: a failed gate, an early pass, the end of the bake. A step that lacks evidence, or has an `outage` (a
    sentence that says so), stays until `max_bake`.
    """
    if now.verdict is Verdict.FAIL:
        return Decision(Next.REJECT, now.reason)
    baked = baked_seconds >= step.bake_seconds
    assessment = at_bake_end if baked else now
    held = sentences.ALARMS_UNKNOWN.format(alarms=", ".join(unknown_alarms)) if unknown_alarms else outage
    if assessment.verdict is Verdict.PASS and not held:
        return Decision(Next.PROMOTE if last else Next.NEXT_STEP, assessment.reason)
    words = {"seconds": baked_seconds, "step": step.title, "why": held or assessment.reason}
    if baked_seconds >= step.max_bake_seconds:
        return Decision(Next.GIVE_UP, sentences.NO_DECISION.format(**words))
    return Decision(Next.STAY, sentences.BAKING.format(bake=step.bake_seconds, **words))


def outage(limits: OutageLimits, errors: SlotCount | None, *, before: str) -> str:
    """Return a sentence when the canary's newest period would raise its alarm if it served alone, else `""`.

    An outage of what both releases need is not held against the canary while stable serves beside it. At 100 % its
    alarm has nothing to compare with: a rollout that went on in an outage would be rolled back for it.

    `limits` are the alarm's. Without `errors` there is nothing new, and it is as `before`.
    """
    if errors is None:
        return before
    limit = limits.failed_percent
    if not (errors.total >= limits.min_requests and limit / 100 * errors.total < errors.bad <= errors.total):
        return ""
    words = {"bad": errors.bad, "total": errors.total, "percent": 100 * errors.bad / errors.total, "limit": limit}
    return sentences.OUTAGE.format(**words)
