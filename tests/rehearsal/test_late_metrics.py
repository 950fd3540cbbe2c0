"""Metrics that come late, on one side only, in part, or never: what came is used, and what did not is no evidence."""

from collections.abc import Callable
from typing import Any

import pytest

from canary_tools.rehearsal.record.rehearsed import Rehearsed, Result
from tests.rehearsal.conftest import STEADY

Rehearse = Callable[..., Rehearsed]

FAILING = {"error_rate": 0.15}
"""Under the limit of the alarm."""
ALWAYS = {"from_s": 0, "to_s": 86_400}
DELAYS: list[Any] = [
    30, [30, 180], 180, 240, 600, {"stable": 30, "canary": 600}, {"stable": 600, "canary": 30},
    {"stable": [30, 180], "canary": [60, 300]},
]  # fmt: skip


def longest(delay: Any) -> float:
    """Return the longest delay, in seconds."""
    if isinstance(delay, dict):
        return max(map(longest, delay.values()))
    return float(max(delay) if isinstance(delay, list) else delay)


@pytest.mark.parametrize("delay", DELAYS, ids=str)
def test_a_failing_release_is_rolled_back_by_its_gate_however_late_its_metrics_are(
    rehearsing: Rehearse, delay: Any
) -> None:
    result = rehearsing(canary=FAILING, metrics={"delay_s": delay}).result
    assert result["outcome"] == "ROLLED_BACK"
    assert "errors: canary" in result["reason"]
    assert result["seconds_to_detect"] < longest(delay) + 10 * 60
    assert result["unsafe"] == []


@pytest.mark.parametrize("delay", [[30, 180], 600, {"stable": 600, "canary": 30}], ids=str)
def test_a_healthy_release_is_promoted_however_late_its_metrics_are(rehearsing: Rehearse, delay: Any) -> None:
    assert rehearsing(metrics={"delay_s": delay}).result["outcome"] == "PROMOTED"


def test_how_late_metrics_come_is_told(rehearsing: Rehearse) -> None:
    reason = rehearsing(metrics={"delay_s": 210, "missing": [{**ALWAYS, "who": "stable"}]}).result["reason"]
    assert "gate errors lacks the metrics of stable in" in reason
    slow = rehearsing(metrics={"delay_s": 210, "missing": [{**ALWAYS, "metric": "ModelLatency"}]}).result["reason"]
    late = int(slow.split("metrics come ")[1].split(" s late")[0])
    assert 210 <= late < 270


@pytest.mark.parametrize(
    ("missing", "canary", "said"),
    [
        ({"who": "stable"}, {"error_rate": 0.1}, "gate errors lacks the metrics of stable"),
        (
            {"who": "stable", "metric": "ModelLatency"},
            {"latency_ms": {"p50": 150, "p99": 900}},
            "gate latency lacks the metrics of stable",
        ),
        (
            {"who": "canary", "metric": "InvocationModelErrors"},
            {"error_rate": 0.1},
            "gate errors lacks the metrics of the canary",
        ),
        ({"who": "both", "metric": "Invocation5XXErrors"}, {}, "gate errors lacks the metrics of stable"),
    ],
    ids=str,
)
def test_a_release_is_never_promoted_without_a_comparison(
    rehearsing: Rehearse, missing: dict[str, Any], canary: dict[str, Any], said: str
) -> None:
    result = rehearsing(canary=canary, metrics={"delay_s": 60, "missing": [{**ALWAYS, **missing}]}).result
    assert result["outcome"] == "ROLLED_BACK"
    assert result["reason"].startswith("no decision in ")
    assert "too little to judge" in result["reason"]
    assert said in result["reason"]
    assert result["unsafe"] == []


def raised_s(result: Result) -> float:
    """Return when the newest step began, in seconds of the rollout."""
    return float(result["steps"][-1]["started_s"])


@pytest.mark.parametrize("who", ["both", "canary"])
def test_nothing_is_raised_while_nothing_is_seen_and_the_traffic_goes_back(rehearsing: Rehearse, who: str) -> None:
    gone = {"from_s": 400, "to_s": 6000, "who": who}
    result = rehearsing(metrics={"delay_s": 60, "missing": [gone]}).result
    assert raised_s(result) < 400
    assert result["outcome"] == "NOT_JUDGED"
    assert "no metrics of the canary for" in result["reason"]
    assert result["seconds"] < 400 + 40 * 60
    assert result["unsafe"] == []


def test_the_traffic_goes_back_at_100_percent_as_well(rehearsing: Rehearse, healthy: Rehearsed) -> None:
    blind_from = raised_s(healthy.result) + 60
    result = rehearsing(metrics={"delay_s": 60, "missing": [{"from_s": blind_from, "to_s": 86_400}]}).result
    assert result["outcome"] == "NOT_JUDGED"
    assert "at 100 %" in result["reason"]
    assert set(result["final"]["weights"].values()) == {0.0, 100.0}
    assert result["unsafe"] == []


def test_a_short_gap_delays_a_healthy_release_and_no_more(rehearsing: Rehearse) -> None:
    result = rehearsing(metrics={**STEADY, "missing": [{"from_s": 300, "to_s": 700}]}).result
    assert result["outcome"] == "PROMOTED"
    assert result["seconds"] > rehearsing(metrics=STEADY).result["seconds"] + 300


def test_a_cloudwatch_that_refuses_for_ten_minutes_is_waited_for(rehearsing: Rehearse) -> None:
    refused = {"at_s": 300, "for_s": 600, "call": "cloudwatch:GetMetricData", "error": "ThrottlingException"}
    result = rehearsing(faults=[refused]).result
    assert result["outcome"] == "PROMOTED"


def test_absurd_counts_delay_a_healthy_release_and_are_written_down(rehearsing: Rehearse) -> None:
    rehearsed = rehearsing(controls=[{"at_s": 300, "do": "blow-up-metrics"}])
    assert rehearsed.result["outcome"] == "PROMOTED"
    assert rehearsed.result["unsafe"] == []
