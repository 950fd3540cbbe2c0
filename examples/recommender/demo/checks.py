"""The claims of the demonstration, checked on its recording by pure functions."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from examples.recommender.demo.binomial import acceptance_interval
from examples.recommender.demo.lift import lift
from examples.recommender.demo.observe import Observation, Slot
from examples.recommender.demo.recording import Recording, step_traffic
from examples.recommender.demo.rollouts import Rollout, latest_of
from examples.recommender.shop.traffic import Outcome, grouped, summarise

CONFIDENCE = 0.999
LIKE_STABLE = 1.5
"""A release is about as fast as stable when its median latency is below this many times stable's."""
LONGEST_SILENCE_SECONDS = 5.0
"""The longest allowed time between two answers. At thirty requests a second no slow answer explains a longer one."""
SERVING_STATUSES = {"InService", "Updating", "SystemUpdating", "RollingBack"}
"""The endpoint answers in each of them.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
"""


@dataclass(frozen=True)
class Ending:
    """How a rollout must end: its outcome, and a pattern that its reason must match in any case.

    A rollback for any other reason than the release's own fault proves nothing.
    """

    outcome: str
    reason: str = ""
    converts_better: bool = False
    """Whether users must click its recommendations more often than stable's, beyond what chance explains."""
    answers_well: bool = False
    """Whether it must answer every request, with a median latency close to stable's."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A claim, whether it holds, and the numbers behind it."""

    claim: str
    holds: bool
    evidence: str

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'FAILED'}: {self.claim} ({self.evidence})"


def check(recording: Recording, endings: Mapping[str, Ending]) -> list[Check]:
    """Judge a recording; ``endings`` maps versions to how their rollouts must have ended."""
    return [
        *(_ending(recording, version, ending) for version, ending in endings.items()),
        *(_converts_better(recording, version) for version, ending in endings.items() if ending.converts_better),
        *(_answers_well(recording, version) for version, ending in endings.items() if ending.answers_well),
        *(share for rollout in recording.rollouts for share in _shares(rollout, recording)),
        _everything_answered(recording),
        _never_silent(recording),
        _endpoint_stayed_up(recording),
    ]


def at_rest(observation: Observation, *, stable_floor: int, idle_floor: int) -> bool:
    """Tell whether one slot has all the weight, and each slot at least the scaling floor of its role.

    After a rollout the instances stay for a quarter of an hour: for so long auto scaling looks back.
    """
    slots = sorted((slot.weight, slot.floor or 0) for slot in observation.slots.values())
    floors = [floor for _, floor in slots]
    return [weight for weight, _ in slots] == [0, 100] and floors[0] >= idle_floor and floors[1] >= stable_floor


def check_rest(observation: Observation | None, *, stable_floor: int, idle_floor: int) -> Check:
    """Check the last observation with ``at_rest``."""
    holds = observation is not None and at_rest(observation, stable_floor=stable_floor, idle_floor=idle_floor)
    slots: Mapping[str, Slot] = {} if observation is None else observation.slots
    seen = [f"{name}: weight {slot.weight:g}, floor {slot.floor}" for name, slot in sorted(slots.items())]
    return Check(
        claim="at the end one slot has all the weight, and each slot has at least the scaling floor of its role",
        holds=holds,
        evidence="; ".join(seen) or "nothing was seen",
    )


def _ending(recording: Recording, version: str, expected: Ending) -> Check:
    rollout = latest_of(recording.rollouts, version)
    because = f' because of "{expected.reason}"' if expected.reason else ""
    return Check(
        claim=f"the rollout of {version} ends {expected.outcome}{because}",
        holds=rollout is not None
        and rollout.outcome == expected.outcome
        and re.search(expected.reason, rollout.reason, re.IGNORECASE) is not None,
        evidence="it had no rollout" if rollout is None else f"it ended {rollout.outcome}: {rollout.reason}",
    )


def _converts_better(recording: Recording, version: str) -> Check:
    rollout = latest_of(recording.rollouts, version)
    seen = None if rollout is None else lift(rollout, recording)
    return Check(
        claim=f"{version} converts better than the release it replaces: the 95 % interval of the difference is above 0",
        holds=seen is not None and seen.low > 0,
        evidence="they were never compared" if seen is None else f"{seen.low:+.1%} to {seen.high:+.1%}",
    )


def _answers_well(recording: Recording, version: str) -> Check:
    rollout = latest_of(recording.rollouts, version)
    began, ended = (0.0, 0.0) if rollout is None else (rollout.started_at, rollout.ended_at or math.inf)
    meanwhile = grouped(
        (request for request in recording.requests if began <= request.sent_at < ended),
        lambda request: request.version == version,
    )
    canary, stable = (summarise(meanwhile.get(is_canary, [])) for is_canary in (True, False))
    return Check(
        claim=f"{version} never fails, and its median latency is close to that of stable",
        holds=canary.ok > 0 and canary.ok == canary.sent and canary.p50_ms < LIKE_STABLE * stable.p50_ms,
        evidence=f"{canary.sent - canary.ok} of {canary.sent} failed; "
        f"median {canary.p50_ms:.1f} ms, stable {stable.p50_ms:.1f} ms",
    )


def _shares(rollout: Rollout, recording: Recording) -> Iterator[Check]:
    for step in rollout.steps:
        traffic = step_traffic(step, rollout, recording)
        low, high = acceptance_interval(traffic.requests, step.percent / 100, CONFIDENCE)
        yield Check(
            claim=f"{rollout.version} gets its {step.percent:g} % within what chance explains in 99.9 % of cases",
            holds=traffic.requests > 0 and low <= traffic.canary_requests <= high,
            evidence=f"{traffic.canary_requests} of {traffic.requests} answers, {low} to {high} expected",
        )


def _everything_answered(recording: Recording) -> Check:
    total = summarise(recording.requests)
    lost = grouped(recording.requests, lambda request: request.outcome).get(Outcome.UNANSWERED, [])
    first = f", first reason: {lost[0].reason}" if lost else ""
    return Check(
        claim="no request goes unanswered",
        holds=total.sent > 0 and total.unanswered == 0,
        evidence=f"{total.unanswered} of {total.sent} unanswered{first}",
    )


def _never_silent(recording: Recording) -> Check:
    answers = sorted(
        request.sent_at + request.latency_ms / 1000
        for request in recording.requests
        if request.outcome is not Outcome.UNANSWERED
    )
    longest = max((later - earlier for earlier, later in pairwise(answers)), default=float("inf"))
    return Check(
        claim=f"the service is never silent for {LONGEST_SILENCE_SECONDS:.0f} s",
        holds=longest <= LONGEST_SILENCE_SECONDS,
        evidence=f"longest time between two answers {longest:.2f} s",
    )


def _endpoint_stayed_up(recording: Recording) -> Check:
    statuses = {observation.status for observation in recording.observations}
    return Check(
        claim="the endpoint serves throughout",
        holds=bool(statuses) and statuses <= SERVING_STATUSES,
        evidence=f"statuses seen: {', '.join(sorted(statuses)) or 'none'}",
    )
