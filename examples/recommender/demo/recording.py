"""Everything that one demonstration recorded, and what its recordings say together."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from examples.recommender.demo.observe import Observation
from examples.recommender.demo.rollouts import Rollout, Step
from examples.recommender.shop.traffic import Outcome, Request


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """One ``cdk deploy``; times are seconds since the epoch."""

    version: str
    started_at: float
    ended_at: float


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Requests by the time at which they were sent, observations and deploys, the oldest first."""

    requests: Sequence[Request]
    observations: Sequence[Observation]
    deploys: Sequence[Deploy]
    rollouts: Sequence[Rollout]


class MarkKind(Enum):
    """What a mark on the time axis stands for."""

    DEPLOY = "deploy"
    STEP = "step"
    ALARM = "alarm"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment worth a line in the picture and in the live view."""

    at: float
    kind: MarkKind
    text: str


@dataclass(frozen=True, kw_only=True)
class StepTraffic:
    """What the shoppers saw during a step, while the endpoint was seen with the weight of the step."""

    step: Step
    requests: int
    canary_requests: int

    @property
    def observed_share(self) -> float:
        """The canary's share of the answers, from 0 to 1; 0 without any."""
        return self.canary_requests / self.requests if self.requests else 0.0


def canary_variant(rollout: Rollout, recording: Recording) -> str | None:
    """Name the slot that the release of the rollout answered from; ``None`` if it never answered."""
    until = rollout.ended_at or float("inf")
    variants = Counter(
        request.variant
        for request in recording.requests
        if request.version == rollout.version and rollout.started_at <= request.sent_at <= until
    )
    return variants.most_common(1)[0][0] if variants else None


def step_traffic(step: Step, rollout: Rollout, recording: Recording) -> StepTraffic:
    """Count the answers between the first and the last poll that saw the weight of the step."""
    start, end = _steady_window(step, rollout, recording)
    answered = [
        request
        for request in recording.requests
        if start <= request.sent_at <= end and request.outcome is not Outcome.UNANSWERED
    ]
    canary = sum(request.version == rollout.version for request in answered)
    return StepTraffic(step=step, requests=len(answered), canary_requests=canary)


def _steady_window(step: Step, rollout: Rollout, recording: Recording) -> tuple[float, float]:
    """From the end of the first such poll to the start of the last; empty (1, 0) if no poll saw the weight."""
    canary = canary_variant(rollout, recording)
    until = step.ended_at or rollout.ended_at or float("inf")
    steady = [
        observation
        for observation in recording.observations
        if step.shifted_at <= observation.asked_at <= until
        and canary is not None
        and canary in observation.slots
        and _has_share(observation, canary, step.percent)
    ]
    return (steady[0].answered_at, steady[-1].asked_at) if steady else (1.0, 0.0)


def _has_share(observation: Observation, slot: str, percent: float) -> bool:
    return math.isclose(observation.slots[slot].weight, percent, abs_tol=1e-6)


def alarm_moments(recording: Recording) -> dict[float, str]:
    """Map each moment at which an alarm went into ALARM to the alarm's name."""
    return {
        alarm.since: name
        for observation in recording.observations
        for name, alarm in observation.alarms.items()
        if alarm.state == "ALARM"
    }


def seconds_from_alarm_to_weight_zero(rollout: Rollout, recording: Recording) -> float | None:
    """Return for how many seconds users still reached the canary after the first alarm; ``None`` without an alarm.

    The end is the time of a poll, so the true time is shorter by up to one polling interval.
    """
    until = rollout.ended_at or float("inf")
    alarms = [at for at in alarm_moments(recording) if rollout.started_at <= at <= until]
    canary = canary_variant(rollout, recording)
    if not alarms or canary is None:
        return None
    zero = (
        observation.answered_at
        for observation in recording.observations
        if observation.asked_at >= min(alarms) and observation.slots[canary].weight == 0
    )
    moment = next(zero, None)
    return None if moment is None else moment - min(alarms)


def marks(recording: Recording) -> list[Mark]:
    """List the events with their times, the earliest first."""
    deploys = [
        Mark(at=deploy.started_at, kind=MarkKind.DEPLOY, text=f"cdk deploy {deploy.version}")
        for deploy in recording.deploys
    ]
    alarms = [Mark(at=at, kind=MarkKind.ALARM, text=name) for at, name in sorted(alarm_moments(recording).items())]
    rollouts = [mark for rollout in recording.rollouts for mark in _rollout_marks(rollout)]
    return sorted([*deploys, *alarms, *rollouts], key=lambda mark: mark.at)


def _rollout_marks(rollout: Rollout) -> list[Mark]:
    steps = [
        Mark(at=step.shifted_at, kind=MarkKind.STEP, text=f"{rollout.version} gets {step.percent:g} %")
        for step in rollout.steps
    ]
    if rollout.ended_at is None:
        return steps
    kind = MarkKind[rollout.outcome]
    return [*steps, Mark(at=rollout.ended_at, kind=kind, text=f"{rollout.version} {kind.value}")]
