"""What a reviewer of the template is told about a plan."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from aws_cdk import Duration, Token
from rollout.contract import timing
from rollout.contract.gate_rules import GateRule, JudgeRules
from rollout.gates.failing import LARGEST_STEP

from canary_construct import (
    AlarmThresholds,
    CohortRule,
    Gate,
    InstanceScaling,
    TrafficRouting,
    TrafficStep,
)
from canary_construct.review import plan_review
from canary_construct.review.plan_review import PlanReview
from canary_construct.rollout.gates import SHOWN_FOR_A_PROOF, RolloutGates

ROUTING = TrafficRouting.steps([1, 100], bake=Duration.minutes(10))
SCALABLE = InstanceScaling(min_instances=1, max_instances=8, idle_instances=1, invocations_per_instance=600)
ERRORS = Gate.error_rate()
TOKEN: Any = Token.as_number({"Ref": "Parameter"})


def review(
    expected_rps: Any, *, scaling: InstanceScaling | None = None, routing: TrafficRouting = ROUTING
) -> PlanReview:
    return PlanReview(
        routing=routing,
        scaling=InstanceScaling() if scaling is None else scaling,
        thresholds=AlarmThresholds(),
        metric_period_seconds=60,
        evaluation_interval_seconds=60,
        expected_rps=expected_rps,
    )


def gates(*of: Gate, routing: TrafficRouting = ROUTING) -> RolloutGates:
    return RolloutGates(of or [ERRORS], routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=60)


def conversion(*, delay: Duration | None = None, superior: bool = False) -> Gate:
    return Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=delay, superior=superior)


def two_steps(percent: int, minutes: int, *, max_bake: Duration | None = None) -> TrafficRouting:
    bake = Duration.minutes(minutes)
    return TrafficRouting.steps([TrafficStep(percent=percent, bake=bake, max_bake=max_bake), 100], bake=bake)


def test_the_summary_bounds_the_time_and_the_history() -> None:
    summary = review(None).summary(gates())
    assert summary["Steps"] == [1, 100]
    assert summary["ShortestSeconds"] == 5 * 60 + 600 + 2 * 120
    assert summary["BakeSeconds"] == 1200
    assert summary["LongestSeconds"] == 4800 + 2 * 180 + 900 + 2 * 2100
    assert summary["LongestHistoryEvents"] < summary["HistoryEventsAllowed"] == 25_000


def test_a_delayed_gate_may_pass_the_last_step_early_by_what_was_shown_before() -> None:
    routing = two_steps(50, 30)
    delayed = gates(conversion(delay=Duration.minutes(5)), routing=routing)
    assert review(None, routing=routing).summary(delayed)["ShortestSeconds"] == 10 * 60 + 5 * 60 + 2 * 120


def test_the_expected_requests_are_told_when_the_traffic_is() -> None:
    assert review(10).summary(gates())["ExpectedCanaryRequests"] == {"1 %": 60, "100 %": 6000}
    assert "ExpectedCanaryRequests" not in review(None).summary(gates())


def test_a_gate_needs_three_final_periods_after_its_waits() -> None:
    routing = two_steps(10, 30)
    of_gates = gates(ERRORS, Gate.latency(), conversion(delay=Duration.minutes(10)), routing=routing)
    guards = review(10, routing=routing).summary(of_gates)["Guards"]
    assert [(guard["Name"], guard["EarliestSeconds"]) for guard in guards] == [
        ("gate errors", 300), ("gate latency", 600), ("gate conversion", 900),
    ]  # fmt: skip
    assert guards[0]["ExpectedRequests"] == {"10 %": 300, "100 %": 3000}


def test_the_exposure_before_a_guard_is_left_out_without_traffic() -> None:
    assert review(None).summary(gates())["Guards"] == [{"Name": "gate errors", "EarliestSeconds": 300}]


def test_the_handlers_wait_as_long_as_the_review_says() -> None:
    assert plan_review.FINAL_AFTER_PERIODS == timing.FINAL_AFTER_PERIODS
    assert math.ceil(1 / LARGEST_STEP) == plan_review.ROLLBACK_PERIODS
    assert JudgeRules(gates=(GateRule(name="errors"),)).min_minutes == timing.GATE_PERIODS


@pytest.mark.parametrize(
    ("expected_rps", "scaling", "instances"),
    [
        (50, SCALABLE, (6, 10)),
        (0, SCALABLE, (2, 2)),
        (None, SCALABLE, None),
        (None, InstanceScaling(min_instances=3), (4, 6)),
        (1e6, InstanceScaling(min_instances=3), (4, 6)),
        (None, InstanceScaling(idle_instances=3), (4, 4)),
        (10, InstanceScaling(min_instances=TOKEN, invocations_per_instance=600), None),
    ],
)
def test_the_peak_is_told_when_fleet_or_traffic_is_known(
    expected_rps: float | None, scaling: InstanceScaling, instances: Sequence[int] | None
) -> None:
    summary = review(expected_rps, scaling=scaling).summary(gates())
    found = (summary.get("InstancesBefore"), summary.get("PeakInstances"))
    assert found == ((None, None) if instances is None else tuple(instances))


def test_a_bake_too_short_for_its_requests_is_warned_of() -> None:
    (requests, alarms) = review(10).warnings(gates())
    assert "about 60 requests in the bake of 600 s at 1 %, under min_requests (100)" in requests
    assert "about 6 requests in a metric period at 1 %, under the alarms' min_requests (25)" in alarms


def test_only_the_time_in_which_a_gate_counts_gives_it_requests() -> None:
    (requests, *_) = review(25).warnings(gates(ERRORS, Gate.latency()))
    assert (
        "about 75 requests in the bake of 600 s at 1 % that gate latency counts (all but its warm-up of 300 s), under"
        in requests
    )
    assert "min_requests (100): the step will" not in " ".join(review(25).warnings(gates()))


def test_enough_traffic_and_unknown_traffic_are_no_reason_to_warn() -> None:
    assert review(100).warnings(gates()) == []
    assert review(None).warnings(gates(conversion(superior=True))) == []


def test_a_proof_that_max_bake_is_too_short_for_is_warned_of() -> None:
    """As in docs/gates.md: at 3,000 shown a minute each, 14 minutes are enough for a lift of 10 %, 13 are not."""
    for minutes, warned in ((14, 0), (13, 1)):
        routing = two_steps(50, 5, max_bake=Duration.minutes(minutes))
        found = review(100, routing=routing).warnings(gates(ERRORS, conversion(superior=True), routing=routing))
        assert len(found) == warned
    assert "gate conversion compares about 39,000 requests of each variant in the max_bake of 780 s at 50 %" in found[0]
    assert f"10 % better than a rate of 5 % needs about {SHOWN_FOR_A_PROOF:,}" in found[0]


def test_a_proof_has_neither_the_delay_of_its_gate_nor_more_than_the_smaller_variant_shows() -> None:
    delayed = two_steps(50, 8, max_bake=Duration.minutes(9))
    gate = conversion(delay=Duration.minutes(1), superior=True)
    assert "24,000 requests" in review(100, routing=delayed).warnings(gates(gate, routing=delayed))[0]
    small = two_steps(10, 10, max_bake=Duration.minutes(20))
    found = review(100, routing=small).warnings(gates(conversion(superior=True), routing=small))
    assert "about 21,600 requests of each variant" in found[0]


def test_the_proof_is_measured_in_the_last_step_before_all_traffic() -> None:
    users = TrafficStep.cohort(CohortRule.share_of_users(1), bake=Duration.minutes(10))
    routing = TrafficRouting.steps([users, 50, 100], bake=Duration.minutes(10))
    assert review(100, routing=routing).warnings(gates(conversion(superior=True), routing=routing)) == []


def test_traffic_beyond_the_largest_fleet_is_refused() -> None:
    scaling = InstanceScaling(max_instances=2, invocations_per_instance=600)
    assert review(20, scaling=scaling).summary(gates())["ExpectedRps"] == 20
    with pytest.raises(ValueError, match=r"expected_rps of 21 needs more than max_instances \(2\) at 600"):
        review(21, scaling=scaling)


@pytest.mark.parametrize(
    ("expected_rps", "sentence"),
    [
        (-1, "expected_rps must be 0 or more, got -1"),
        (math.nan, "expected_rps must be a finite number, got nan"),
        (math.inf, "expected_rps must be a finite number, got inf"),
        (True, "expected_rps must be a finite number, got True"),
        ("100", "expected_rps must be a finite number, got '100'"),
    ],
)
def test_traffic_that_is_no_number_is_refused(expected_rps: Any, sentence: str) -> None:
    for scaling in (SCALABLE, InstanceScaling()):
        with pytest.raises(ValueError, match=sentence):
            review(expected_rps, scaling=scaling)


def test_values_known_only_at_deploy_are_not_checked() -> None:
    assert "ExpectedRps" not in review(TOKEN).summary(gates())
    unknown = InstanceScaling(max_instances=TOKEN, invocations_per_instance=600)
    assert review(1e6, scaling=unknown).summary(gates())["ExpectedRps"] == 1e6
