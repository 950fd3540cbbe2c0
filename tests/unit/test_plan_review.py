"""What a reviewer of the template is told about a plan."""

import pytest
from aws_cdk import Duration

from canary_construct import AlarmThresholds, InstanceScaling, TrafficRouting
from canary_construct.plan_review import PlanReview


def review(expected_rps: float | None, *, scaling: InstanceScaling | None = None) -> PlanReview:
    return PlanReview(
        routing=TrafficRouting.steps([1, 100], bake=Duration.minutes(10)),
        scaling=InstanceScaling() if scaling is None else scaling,
        thresholds=AlarmThresholds(),
        metric_period_seconds=60,
        evaluation_interval_seconds=60,
        expected_rps=expected_rps,
    )


def test_the_summary_bounds_the_time_and_the_history() -> None:
    summary = review(None).summary()
    assert summary["Steps"] == [1, 100]
    assert summary["ShortestSeconds"] == 1200
    assert summary["LongestSeconds"] == 4800 + 2 * 180 + 900 + 2 * 2100
    assert summary["LongestHistoryEvents"] < summary["HistoryEventsAllowed"] == 25_000


def test_the_expected_requests_are_told_when_the_traffic_is() -> None:
    assert review(10).summary()["ExpectedCanaryRequests"] == {"1 %": 60, "100 %": 6000}


def test_a_bake_too_short_for_its_requests_is_warned_of() -> None:
    (requests, alarms) = review(10).warnings()
    assert "about 60 requests in the bake of 600 s at 1 %, under min_requests (100)" in requests
    assert "about 6 requests in a metric period at 1 %, under the alarms' min_requests (25)" in alarms


def test_enough_traffic_and_unknown_traffic_are_no_reason_to_warn() -> None:
    assert review(100).warnings() == []
    assert review(None).warnings() == []


def test_traffic_beyond_the_largest_fleet_is_refused() -> None:
    scaling = InstanceScaling(max_instances=2, invocations_per_instance=600)
    assert review(20, scaling=scaling).summary()["ExpectedRps"] == 20
    with pytest.raises(ValueError, match=r"expected_rps of 21 needs more than max_instances \(2\) at 600"):
        review(21, scaling=scaling)


def test_negative_traffic_is_refused() -> None:
    with pytest.raises(ValueError, match="expected_rps must be 0 or more, got -1"):
        review(-1)
