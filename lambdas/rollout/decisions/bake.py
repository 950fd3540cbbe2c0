"""Whether a step has shown enough."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.plan import Step


class Next(Enum):
    """What a step leads to."""

    STAY = "STAY"
    NEXT_STEP = "NEXT_STEP"
    PROMOTE = "PROMOTE"
    GIVE_UP = "GIVE_UP"


class Verdict(NamedTuple):
    """What to do, and why."""

    next: Next
    reason: str


def judge(step: Step, *, last: bool, baked_seconds: float, requests: int, unknown_alarms: Sequence[str]) -> Verdict:
    """Decide about a step whose alarms are quiet. `baked_seconds` counts final metrics only.

    >>> from rollout.plan import Step
    >>> step = Step(percent=10, bake_seconds=600, max_bake_seconds=1200, min_requests=100)
    >>> judge(step, last=False, baked_seconds=300, requests=500, unknown_alarms=[]).next
    <Next.STAY: 'STAY'>
    >>> judge(step, last=False, baked_seconds=600, requests=500, unknown_alarms=[]).next
    <Next.NEXT_STEP: 'NEXT_STEP'>
    >>> judge(step, last=True, baked_seconds=1200, requests=99, unknown_alarms=[]).reason
    'in 1,200 s at 10 % the canary had 99 requests, at least 100 are needed'
    """
    if baked_seconds < step.bake_seconds:
        return Verdict(Next.STAY, f"{baked_seconds:,.0f} of {step.bake_seconds:,} s at {step.percent} %")
    lack = _lack_of_evidence(step, baked_seconds, requests, unknown_alarms)
    if not lack:
        reason = f"{requests:,} requests at {step.percent} % and every alarm quiet"
        return Verdict(Next.PROMOTE if last else Next.NEXT_STEP, reason)
    return Verdict(Next.STAY if baked_seconds < step.max_bake_seconds else Next.GIVE_UP, lack)


def _lack_of_evidence(step: Step, baked_seconds: float, requests: int, unknown_alarms: Sequence[str]) -> str:
    if unknown_alarms:
        return f"the state of {', '.join(unknown_alarms)} is unknown"
    if requests < step.min_requests:
        return (
            f"in {baked_seconds:,.0f} s at {step.percent} % the canary had {requests:,} requests, "
            f"at least {step.min_requests:,} are needed"
        )
    return ""
