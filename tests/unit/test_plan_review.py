"""What a reviewer of the template is told about a plan."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import Duration, Stack, Token
from rollout.contract.timing import METRICS_SETTLED_SECONDS
from rollout.gates.failing import LARGEST_STEP

from canary_construct import (
    AlarmThresholds,
    CohortRule,
    Gate,
    InstanceScaling,
    OnInconclusive,
    TrafficRouting,
    TrafficStep,
)
from canary_construct.review.plan_review import PlanReview
from canary_construct.review.plan_warnings import SHOWN_FOR_A_PROOF, limit_warnings
from canary_construct.review.reaction_times import ROLLBACK_PERIODS
from canary_construct.rollout.gates import RolloutGates
from canary_construct.rollout.plan import RolloutPlan
from canary_construct.rollout.settings import EndpointSettings
from canary_construct.watching.rollout_alarms import RolloutAlarms

ROUTING = TrafficRouting.steps([1, 100], bake=Duration.minutes(10))
SCALABLE = InstanceScaling(min_instances=1, max_instances=8, idle_instances=1, invocations_per_instance=600)
SCALABLE_WIDELY = InstanceScaling(min_instances=1, max_instances=90, idle_instances=1, invocations_per_instance=600)
ERRORS = Gate.error_rate()
TOKEN: Any = Token.as_number({"Ref": "Parameter"})


def review(
    expected_rps: Any,
    *gates: Gate,
    scaling: InstanceScaling | None = None,
    own_scaling: InstanceScaling | None = None,
    routing: TrafficRouting = ROUTING,
) -> PlanReview:
    settings = EndpointSettings(
        endpoint_name="recommender",
        scaling=InstanceScaling() if scaling is None else scaling,
        alarms=RolloutAlarms(Stack(), slots=(), thresholds=AlarmThresholds(), callers=()),
        alarm_limits=AlarmThresholds().for_handlers(),
        metric_period_seconds=60,
        state_machine_arn="",
        start_on_deploy=True,
        api_stages=(),
        release_scaling=own_scaling,
    )
    plan = RolloutPlan(
        settings=settings,
        routing=routing,
        gates=RolloutGates(
            gates or [ERRORS], routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=60
        ),
        thresholds=AlarmThresholds(),
        smoke_test=None,
        on_inconclusive=OnInconclusive.ROLL_BACK,
    )
    return PlanReview(plan=plan, expected_rps=expected_rps)


def conversion(*, delay: Duration | None = None, superior: bool = False) -> Gate:
    return Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=delay, superior=superior)


def two_steps(percent: int, minutes: int, *, max_bake: Duration | None = None) -> TrafficRouting:
    bake = Duration.minutes(minutes)
    return TrafficRouting.steps([TrafficStep(percent=percent, bake=bake, max_bake=max_bake), 100], bake=bake)


def test_the_summary_bounds_the_time_and_the_history() -> None:
    summary = review(None).summary()
    assert summary["Steps"] == [1, 100]
    assert summary["ShortestSeconds"] == 5 * 60 + 600 + 2 * 60
    assert summary["BakeSeconds"] == 1200
    assert summary["LongestSeconds"] == 4800 + 2 * (METRICS_SETTLED_SECONDS + 2 * 60) + 900 + 2 * (2 * 1200 + 1500)
    assert summary["LongestHistoryEvents"] < summary["HistoryEventsAllowed"] == 25_000


def test_a_delayed_gate_may_pass_the_last_step_early_by_what_was_shown_before() -> None:
    routing = two_steps(50, 30)
    delayed = conversion(delay=Duration.minutes(5))
    assert review(None, delayed, routing=routing).summary()["ShortestSeconds"] == 10 * 60 + 5 * 60 + 2 * 60


def test_the_expected_requests_are_told_when_the_traffic_is() -> None:
    assert review(10).summary()["ExpectedCanaryRequests"] == {"1 %": 60, "100 %": 6000}
    assert "ExpectedCanaryRequests" not in review(None).summary()


def test_a_gate_needs_three_periods_after_its_waits_that_must_have_come() -> None:
    routing = two_steps(10, 30)
    delayed = conversion(delay=Duration.minutes(10))
    guards = review(10, ERRORS, Gate.latency(), delayed, routing=routing).summary()["Guards"]
    assert [(guard["Name"], guard["EarliestSeconds"]) for guard in guards] == [
        ("gate errors", 330), ("gate refused", 330), ("gate latency", 630), ("gate conversion", 930),
    ]  # fmt: skip
    assert guards[0]["ExpectedRequests"] == {"10 %": 330, "100 %": 3300}


def test_the_exposure_before_a_guard_is_left_out_without_traffic() -> None:
    assert review(None).summary()["Guards"] == [
        {"Name": "gate errors", "EarliestSeconds": 330},
        {"Name": "gate refused", "EarliestSeconds": 330},
    ]


def test_the_evidence_of_one_period_is_too_little_to_roll_back() -> None:
    assert math.ceil(1 / LARGEST_STEP) == ROLLBACK_PERIODS


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
    summary = review(expected_rps, scaling=scaling).summary()
    found = (summary.get("InstancesBefore"), summary.get("PeakInstances"))
    assert found == ((None, None) if instances is None else tuple(instances))


@pytest.mark.parametrize(
    ("own", "instances"),
    [
        (InstanceScaling(max_instances=2, invocations_per_instance=3000), (8, 9)),
        (InstanceScaling(max_instances=4, invocations_per_instance=3000, idle_instances=3), (8, 10)),
        (InstanceScaling(min_instances=3), (8, 10)),
        (InstanceScaling(concurrency_per_instance=4), None),
    ],
)
def test_the_release_counts_by_its_own_scaling_and_what_serves_by_the_endpoints(
    own: InstanceScaling, instances: Sequence[int] | None
) -> None:
    """70 requests a second are 4,200 a minute."""
    summary = review(70, scaling=SCALABLE, own_scaling=own).summary()
    found = (summary.get("InstancesBefore"), summary.get("PeakInstances"))
    assert found == ((None, None) if instances is None else tuple(instances))


def test_a_bake_too_short_for_its_requests_is_warned_of() -> None:
    (requests, alarms) = review(10).warnings()
    assert "about 60 requests in the bake of 600 s at 1 %, under min_requests (100)" in requests
    assert "about 6 requests in a metric period at 1 %, under the alarms' min_requests (25)" in alarms


def test_only_the_time_in_which_a_gate_counts_gives_it_requests() -> None:
    (requests, *_) = review(25, ERRORS, Gate.latency()).warnings()
    assert (
        "about 75 requests in the bake of 600 s at 1 % that gate latency counts (all but its warm-up of 300 s), under"
        in requests
    )
    assert "min_requests (100): the step will" not in " ".join(review(25).warnings())


def test_enough_traffic_and_unknown_traffic_are_no_reason_to_warn() -> None:
    assert review(100).warnings() == []
    assert review(None, conversion(superior=True)).warnings() == []


def test_a_proof_that_max_bake_is_too_short_for_is_warned_of() -> None:
    """As in docs/gates.md: at 3,000 shown a minute each, 14 minutes are enough for a lift of 10 %, 13 are not."""
    for minutes, warned in ((14, 0), (13, 1)):
        routing = two_steps(50, 5, max_bake=Duration.minutes(minutes))
        found = review(100, ERRORS, conversion(superior=True), routing=routing).warnings()
        assert len(found) == warned
    assert "gate conversion compares about 39,000 requests of each variant in the max_bake of 780 s at 50 %" in found[0]
    assert f"10 % better than a rate of 5 % needs about {SHOWN_FOR_A_PROOF:,}" in found[0]


def test_a_proof_has_neither_the_delay_of_its_gate_nor_more_than_the_smaller_variant_shows() -> None:
    delayed = two_steps(50, 8, max_bake=Duration.minutes(9))
    gate = conversion(delay=Duration.minutes(1), superior=True)
    assert "24,000 requests" in review(100, gate, routing=delayed).warnings()[0]
    small = two_steps(10, 10, max_bake=Duration.minutes(20))
    found = review(100, conversion(superior=True), routing=small).warnings()
    assert "about 21,600 requests of each variant" in found[0]


def test_the_proof_is_measured_in_the_last_step_before_all_traffic() -> None:
    users = TrafficStep.cohort(CohortRule.share_of_users(1, users=1_000_000), bake=Duration.minutes(10))
    routing = TrafficRouting.steps([users, 50, 100], bake=Duration.minutes(10))
    assert review(100, conversion(superior=True), routing=routing).warnings() == []


def with_cohort(rule: CohortRule) -> PlanReview:
    bake = Duration.minutes(10)
    return review(None, routing=TrafficRouting.steps([TrafficStep.cohort(rule, bake=bake), 50, 100], bake=bake))


def limit_of(rule: CohortRule) -> str:
    (cohort,) = with_cohort(rule).summary()["Cohorts"]
    limit: str = cohort["Limit"]
    return limit


CANNOT_JUDGE = "so it can find what is broken and cannot judge what is better"


def test_a_share_of_the_users_that_cannot_judge_is_warned_of() -> None:
    for users in (None, 1000):
        rule = CohortRule.share_of_users(5, users=users)
        (warning,) = with_cohort(rule).warnings()
        assert warning.startswith(f"{limit_of(rule)}: share_of_users needs users of ")
        assert limit_of(rule) == (
            f"the users of a cohort of 5 % may explain 10 times stable's rate by themselves, {CANNOT_JUDGE}"
        )


def test_enough_users_can_judge() -> None:
    warning = with_cohort(CohortRule.share_of_users(5)).warnings()[0]
    needed = int(warning.split("needs users of ")[1].split(" ")[0].replace(",", ""))
    enough, too_few = (CohortRule.share_of_users(5, users=users) for users in (needed, needed * 9 // 10))
    assert with_cohort(enough).warnings() == []
    assert limit_of(enough) == "the users of a cohort of 5 % may explain 2 times stable's rate by themselves"
    assert CANNOT_JUDGE in with_cohort(too_few).warnings()[0]


def test_people_whom_a_header_chooses_are_no_warning_but_a_line_of_the_plan() -> None:
    testers = CohortRule.header_values("x-tester", ["yes"], expected_percent=1)
    assert with_cohort(testers).warnings() == []
    assert CANNOT_JUDGE in limit_of(testers)
    assert "Cohorts" not in review(None).summary()


def test_traffic_beyond_the_largest_fleet_is_refused() -> None:
    scaling = InstanceScaling(max_instances=2, invocations_per_instance=600)
    assert review(20, scaling=scaling).summary()["ExpectedRps"] == 20
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
    assert "ExpectedRps" not in review(TOKEN).summary()
    unknown = InstanceScaling(max_instances=TOKEN, invocations_per_instance=600)
    assert review(1e6, scaling=unknown).summary()["ExpectedRps"] == 1e6


PACED = TrafficRouting.paced()


def test_a_paced_plan_tells_its_budget_and_no_requests_of_a_step_that_has_no_bake() -> None:
    summary = review(100, routing=PACED).summary()
    assert (summary["HarmBudget"], summary["Steps"]) == (100, [10, 50, 95, 100])
    assert summary["ExpectedCanaryRequests"] == {"50 %": 90_000, "95 %": 142_500, "100 %": 30_000}
    assert "HarmBudget" not in review(100).summary()


def test_a_paced_plan_tells_its_budget_without_traffic_and_its_courses_with_it() -> None:
    silent, told = (review(rps, routing=PACED).summary() for rps in (None, 100))
    assert (silent["HarmBudget"], silent["ReactionSeconds"]) == (100, 210)
    assert "ExpectedCourses" not in silent
    assert told["PacesShares"] is True
    good, *bad = told["ExpectedCourses"]
    assert (good["FailingPercent"], good["End"], good["BadRequests"]) == (0, "PROMOTE", 0)
    assert {course["End"] for course in bad} == {"REJECT"}
    assert good["Shares"][0] == {"Minutes": 0.5, "Percent": 0.47}
    assert review(1, routing=PACED).summary()["PacesShares"] is False
    assert "ExpectedCourses" not in review(0, routing=PACED).summary()


def test_a_paced_plan_is_shortest_when_the_budget_waits_for_nothing_and_the_proof_comes_early() -> None:
    periods = 4 * 60
    assert review(None, routing=PACED).summary()["ShortestSeconds"] == 0 + 5 * 60 + 25 * 60 + 5 * 60 + periods


def test_a_step_that_waits_for_the_budget_is_warned_of_only_when_its_requests_will_not_come() -> None:
    """It has no bake, so that every number of requests is more than one has in it."""
    assert review(100, routing=PACED).warnings() == []
    (warning,) = [warning for warning in review(0.1, routing=PACED).warnings() if "without a decision" in warning]
    assert warning == (
        "at 0.1 requests a second the canary has about 72 requests in the max_bake of 7,200 s at 10 %, under "
        "min_requests (100): the rollout will end there without a decision"
    )
    assert not [warning for warning in review(0.15, routing=PACED).warnings() if "without a decision" in warning]
    assert [warning for warning in review(0.1, routing=PACED).warnings() if "will be extended" in warning]


def test_the_proof_of_a_paced_plan_is_measured_where_it_is_asked() -> None:
    (warning,) = review(5, conversion(superior=True), routing=PACED).warnings()
    assert "about 18,000 requests of each variant in the max_bake of 7,200 s at 50 %" in warning


@pytest.mark.parametrize(
    ("thresholds", "beginnings"),
    [
        (AlarmThresholds(), []),
        (AlarmThresholds(error_rate_percent=0.25), ["error_rate_percent of 0.25 lets one failed request in 400 raise"]),
        (
            AlarmThresholds(p99_latency_ms=10_000_000),
            ["p99_latency_ms of 10,000,000 is never exceeded, since SageMaker"],
        ),
    ],
)
def test_a_limit_that_is_probably_in_another_unit_is_pointed_out(
    thresholds: AlarmThresholds, beginnings: list[str]
) -> None:
    said = list(limit_warnings(replace(review(None).plan, thresholds=thresholds)))
    assert [sentence[: len(beginning)] for sentence, beginning in zip(said, beginnings, strict=True)] == beginnings


def no_room(budget: int, *, rps: float = 100, max_bake: Duration | None = None) -> list[str]:
    """Return the warnings of a paced plan with conversions that say how long a good release needs."""
    longer = (TrafficStep(percent=percent, max_bake=max_bake) for percent in (10, 50))
    checkpoints: list[int | TrafficStep] = [*longer, 100]
    routing = TrafficRouting.paced(harm_budget=budget, checkpoints=checkpoints)
    found = review(rps, ERRORS, conversion(), routing=routing, scaling=SCALABLE_WIDELY).warnings()
    return [warning for warning in found if "choose a harm_budget above" in warning]


def test_a_budget_that_leaves_a_good_release_little_time_is_warned_of() -> None:
    (warning,) = no_room(20)
    assert warning == (
        "at 100 requests a second a good release has 120 minutes (max_bake) for the way to 10 %, and is expected to "
        "need about 31: where it needs longer, the rollout ends there undecided; choose a harm_budget above 20, or a "
        "longer max_bake"
    )
    assert no_room(100) == []
    assert no_room(20, max_bake=Duration.hours(4)) == []


def test_a_checkpoint_that_a_good_release_does_not_reach_is_warned_of() -> None:
    (warning,) = no_room(1, max_bake=Duration.minutes(40))
    assert "is expected to need more than that" in warning


def test_without_pacing_no_budget_leaves_too_little_time() -> None:
    assert not any("harm_budget" in warning for warning in review(100, ERRORS, scaling=SCALABLE_WIDELY).warnings())
