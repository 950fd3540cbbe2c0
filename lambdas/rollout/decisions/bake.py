"""Whether a step has shown enough."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from rollout.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.evidence import SlotCount
    from rollout.gates import Assessment
    from rollout.plan import Step


class Next(Enum):
    """What a step leads to."""

    STAY = "STAY"
    NEXT_STEP = "NEXT_STEP"
    PROMOTE = "PROMOTE"
    REJECT = "REJECT"
    GIVE_UP = "GIVE_UP"


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

    The order is: a failed gate, an early pass, the end of the bake. What lacks evidence, or is in an `outage` (a
    sentence that says so), stays until `max_bake`.
    """
    if now.verdict is Verdict.FAIL:
        return Decision(Next.REJECT, now.reason)
    baked = baked_seconds >= step.bake_seconds
    assessment = at_bake_end if baked else now
    held = f"the state of {', '.join(unknown_alarms)} is unknown" if unknown_alarms else outage
    if assessment.verdict is Verdict.PASS and not held:
        return Decision(Next.PROMOTE if last else Next.NEXT_STEP, assessment.reason)
    reason = held or assessment.reason
    if baked_seconds >= step.max_bake_seconds:
        return Decision(Next.GIVE_UP, f"no decision in {baked_seconds:,.0f} s at {step.title}: {reason}")
    return Decision(Next.STAY, f"{baked_seconds:,.0f} of {step.bake_seconds:,} s at {step.title}: {reason}")


def outage(limits: Mapping[str, Any] | None, errors: SlotCount | None, *, before: str) -> str:
    """Return a sentence when the canary's newest period would raise its alarm if it served alone, else `""`.

    An outage of what both releases need is not held against the canary while stable serves beside it. At 100 % its
    alarm has nothing to compare with: a rollout that went on in an outage would be rolled back for it.

    `limits` are the alarm's; `None` in rollouts that an older library started. `None` as `errors` is nothing new.
    """
    if limits is None or errors is None:
        return before
    limit = limits["failed_percent"]
    if not (errors.total >= limits["min_requests"] and limit / 100 * errors.total < errors.bad <= errors.total):
        return ""
    return (
        f"{errors.bad:,.0f} of the canary's {errors.total:,.0f} requests failed in the newest metric period "
        f"({100 * errors.bad / errors.total:.2f} %), and no traffic is shifted while more than {limit:g} % do"
    )
