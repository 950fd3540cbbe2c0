"""Turns a recording into ``demo-report.json``."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from examples.recommender.demo.lift import Lift, lift
from examples.recommender.demo.recording import Recording, seconds_from_alarm_to_weight_zero, step_traffic
from examples.recommender.demo.rollouts import Rollout, Step
from examples.recommender.shop.traffic import Outcome, Request, grouped, summarise

UNKNOWN = "unknown"
"""The version of answers that do not name their release, for example when the queue of an instance is full."""


class StepReport(TypedDict):
    """A step: the share asked for in percent, the one observed from 0 to 1, and how long it lasted."""

    percent: float
    observed_share: float
    canary_requests: int
    seconds: float | None


class RateReport(TypedDict):
    """Recommendations shown and clicked."""

    shown: int
    clicked: int


class LiftReport(TypedDict):
    """Clicks of a release and of the stable one while both served; the 95 % interval is of the difference, -1 to 1."""

    canary: RateReport
    stable: RateReport
    difference: float
    low: float
    high: float


class ReleaseReport(TypedDict):
    """A release that went through a rollout."""

    version: str
    outcome: str
    reason: str
    steps: list[StepReport]
    seconds_from_alarm_to_weight_zero: float | None
    conversion: LiftReport | None


class AnswerReport(TypedDict):
    """The answers of one release; latency of the slowest hundredth, `None` without answers."""

    ok: int
    model_error: int
    p99_ms: float | None


class RequestReport(TypedDict):
    """All requests of the demonstration."""

    sent: int
    answered: int
    unanswered: int
    by_version: dict[str, AnswerReport]


class Report(TypedDict):
    """The whole file."""

    releases: list[ReleaseReport]
    requests: RequestReport


def make_report(recording: Recording) -> Report:
    """Combine the releases that had a rollout with the shoppers' requests."""
    return Report(
        releases=[_release_report(rollout, recording) for rollout in recording.rollouts],
        requests=_request_report(recording.requests),
    )


def write_report(recording: Recording, path: Path) -> Report:
    """Write the report as JSON and return it."""
    report = make_report(recording)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _release_report(rollout: Rollout, recording: Recording) -> ReleaseReport:
    delay = seconds_from_alarm_to_weight_zero(rollout, recording)
    return ReleaseReport(
        version=rollout.version,
        outcome=rollout.outcome,
        reason=rollout.reason,
        steps=[_step_report(step, rollout, recording) for step in rollout.steps],
        seconds_from_alarm_to_weight_zero=None if delay is None else round(delay, 2),
        conversion=_lift_report(lift(rollout, recording)),
    )


def _lift_report(seen: Lift | None) -> LiftReport | None:
    if seen is None:
        return None
    return LiftReport(
        canary=RateReport(shown=seen.canary.shown, clicked=seen.canary.clicked),
        stable=RateReport(shown=seen.stable.shown, clicked=seen.stable.clicked),
        difference=round(seen.difference, 4),
        low=round(seen.low, 4),
        high=round(seen.high, 4),
    )


def _step_report(step: Step, rollout: Rollout, recording: Recording) -> StepReport:
    traffic = step_traffic(step, rollout, recording)
    ended_at = step.ended_at or rollout.ended_at
    return StepReport(
        percent=step.percent,
        observed_share=round(traffic.observed_share, 4),
        canary_requests=traffic.canary_requests,
        seconds=None if ended_at is None else round(ended_at - step.shifted_at, 1),
    )


def _request_report(requests: Sequence[Request]) -> RequestReport:
    total = summarise(requests)
    answered = [request for request in requests if request.outcome is not Outcome.UNANSWERED]
    versions = grouped(answered, lambda request: request.version or UNKNOWN)
    return RequestReport(
        sent=total.sent,
        answered=len(answered),
        unanswered=total.unanswered,
        by_version={version: _answer_report(versions[version]) for version in sorted(versions)},
    )


def _answer_report(requests: Sequence[Request]) -> AnswerReport:
    summary = summarise(requests)
    p99_ms = None if math.isnan(summary.p99_ms) else round(summary.p99_ms, 1)
    return AnswerReport(ok=summary.ok, model_error=summary.model_errors, p99_ms=p99_ms)
