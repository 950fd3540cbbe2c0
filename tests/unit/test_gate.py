"""Gates as values, and that the handlers understand what is rendered of them."""

import json

import pytest
from aws_cdk import Duration
from rollout.contract.gate_rules import (
    Direction,
    FailedRequests,
    GateRules,
    PublishedCounts,
    RefusedRequests,
    SlowRequests,
)

from canary_construct import CohortRule, Gate, TrafficRouting, TrafficStep
from canary_construct.props.gate import default_gates
from canary_construct.rollout.gates import RolloutGates

HOUR = Duration.hours(1)
USERS = CohortRule.share_of_users(5)
MANY_USERS = CohortRule.share_of_users(5, users=10_000_000)
TESTERS = CohortRule.header_values("x-tester", ["yes"], expected_percent=1)
EVERY_GATE = [
    *default_gates(),
    Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.minutes(30)),
    Gate.metric(name="returns", namespace="Shop", total="Bought", counted="Returned", ratio=1.1),
]


def test_the_judge_and_the_reader_understand_every_gate() -> None:
    plan = RolloutGates(
        EVERY_GATE, routing=TrafficRouting.linear(50, HOUR), alpha=0.02, require_proof=True, metric_period_seconds=60
    ).rules()
    rules = GateRules.parse(json.loads(json.dumps(plan.to_json())))
    assert [gate.name for gate in rules.judge.gates] == ["errors", "refused", "latency", "conversion", "returns"]
    assert rules.judge.alpha == 0.02
    assert [type(source) for source in rules.sources.values()] == [
        FailedRequests, RefusedRequests, SlowRequests, PublishedCounts, PublishedCounts,
    ]  # fmt: skip
    assert rules == plan


def test_a_conversion_is_worse_when_it_is_lower_even_at_ratio_one() -> None:
    gate = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", ratio=1)
    assert gate.rule.direction is Direction.LOWER_IS_WORSE


def test_a_metric_whose_ratio_is_below_one_is_worse_when_it_is_lower() -> None:
    gates = [
        Gate.metric(name="m", namespace="N", total="T", counted="C", ratio=ratio).rule.direction.value
        for ratio in (0.9, 1.0, 1.1)
    ]
    assert gates == ["lower_is_worse", "higher_is_worse", "higher_is_worse"]


def gates(*gates: Gate, routing: TrafficRouting) -> RolloutGates:
    return RolloutGates(gates, routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=60)


def superior(**changes: Duration) -> Gate:
    return Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", superior=True, **changes)


@pytest.mark.parametrize(
    ("steps", "number"),
    [([10, 50, 100], 1), ([50, 100], 0), ([TrafficStep.cohort(MANY_USERS), 100], 0)],
)
def test_superiority_is_asked_in_the_last_step_before_100_percent(steps: list[int | TrafficStep], number: int) -> None:
    plan = gates(superior(delay=Duration.seconds(90)), Gate.error_rate(), routing=TrafficRouting.steps(steps)).rules()
    conversion, errors, _ = plan.judge.gates
    assert (conversion.superior_step, conversion.delay) == (number, 2)
    assert errors.superior_step is None


def test_refused_requests_are_compared_where_failed_ones_are() -> None:
    rules = gates(Gate.latency(), Gate.error_rate(), routing=TrafficRouting.linear(50, HOUR)).rules().judge
    assert [gate.name for gate in rules.gates] == ["latency", "errors", "refused"]
    assert rules.alpha_shares == pytest.approx({"latency": 0.375, "errors": 0.5, "refused": 0.125})
    without_errors = gates(Gate.latency(), routing=TrafficRouting.linear(50, HOUR))
    assert [gate.name for gate in without_errors.gates] == ["latency"]


def test_what_a_caller_says_of_refused_requests_holds_also_when_it_is_added_later() -> None:
    plan = gates(Gate.error_rate(), routing=TrafficRouting.linear(50, HOUR))
    plan.add(Gate.refused_requests(ratio=3, min_difference_percent=100))
    _, refused = plan.rules().judge.gates
    assert (refused.name, refused.ratio, refused.min_difference) == ("refused", 3, 1)


def test_refused_requests_are_not_compared_where_callers_are_chosen() -> None:
    steps: list[int | TrafficStep] = [
        TrafficStep.cohort(CohortRule.share_of_users(1), bake=HOUR),
        TrafficStep.cohort(CohortRule.share_of_users(5), bake=HOUR),
        50,
        100,
    ]
    plan = gates(Gate.error_rate(), routing=TrafficRouting.steps(steps)).rules()
    errors, refused = GateRules.parse(json.loads(json.dumps(plan.to_json()))).judge.gates
    assert (errors.unasked_steps, refused.unasked_steps) == ((), (0, 1))


def test_a_cohort_step_without_a_gate_that_is_asked_there_is_refused() -> None:
    routing = TrafficRouting.steps([TrafficStep.cohort(CohortRule.share_of_users(5), bake=HOUR), 100], bake=HOUR)
    with pytest.raises(
        ValueError, match=r"^a cohort step needs a gate that is asked there, such as .*, got refused at "
    ):
        gates(Gate.refused_requests(), routing=routing)
    gates(Gate.refused_requests(), Gate.latency(), routing=routing)


def test_a_gate_without_superiority_and_delay_is_rendered_without_them() -> None:
    rendered = gates(*default_gates(), routing=TrafficRouting.linear(50, HOUR)).rules().to_json()["judge"]["gates"]
    assert {key for gate in rendered for key in gate} == {
        "name", "kind", "direction", "event", "ratio", "min_difference", "alpha_share", "warm_up", "of_callers",
        "of_served",
    }  # fmt: skip
    assert [gate["name"] for gate in rendered if "of_callers" in gate] == ["refused"]
    assert [gate["name"] for gate in rendered if "of_served" in gate] == ["latency"]


@pytest.mark.parametrize(
    ("routing", "sentence"),
    [
        (TrafficRouting.all_at_once(), "which needs a step before 100 %: there both serve, got 100 % alone"),
        (
            TrafficRouting.steps([TrafficStep.cohort(TESTERS), 100]),
            "other people than stable's prove nothing, got a cohort of 1 % chosen by header x-tester",
        ),
        (
            TrafficRouting.steps([TrafficStep.cohort(USERS), 100]),
            (
                r"better than stable, which a cohort of 5 % cannot give: its own users may explain 10 times stable's "
                r"rate, more than 2; share_of_users needs users of 84,100 or more for that, or let a later step judge "
                r"that gives the canary a share of the requests$"
            ),
        ),
    ],
)
def test_superiority_that_no_step_can_show_is_refused(routing: TrafficRouting, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        gates(superior(), routing=routing)


@pytest.mark.parametrize("rule", [USERS, TESTERS])
def test_a_proof_is_not_required_of_a_cohort_that_cannot_judge(rule: CohortRule) -> None:
    def requiring_proof(*steps: int | TrafficStep) -> None:
        routing = TrafficRouting.steps(steps)
        RolloutGates(default_gates(), routing=routing, alpha=0.01, require_proof=True, metric_period_seconds=60)

    requiring_proof(TrafficStep.cohort(rule), 50, 100)
    requiring_proof(TrafficStep.cohort(MANY_USERS), 100)
    with pytest.raises(ValueError, match=r"^require_proof asks for a proof .* cannot give: its own users may explain"):
        requiring_proof(TrafficStep.cohort(rule), 100)


def spreads(*cohorts: CohortRule, alpha: float = 0.01) -> list[tuple[float, ...]]:
    """Return the spreads of two gates, of which the first has twice the share in alpha."""
    both = [Gate.error_rate(alpha_share=0.4), Gate.latency(alpha_share=0.2)]
    routing = TrafficRouting.steps([*(TrafficStep.cohort(rule) for rule in cohorts), 50, 100])
    rules = RolloutGates(both, routing=routing, alpha=alpha, require_proof=False, metric_period_seconds=60).rules()
    return [rule.spreads for rule in rules.judge.gates if rule.name in {gate.name for gate in both}]


def test_each_cohort_step_tells_the_judge_what_its_users_explain() -> None:
    assert spreads() == [(), ()]
    assert spreads(TESTERS, USERS) == [(10.0, 10.0), (10.0, 10.0)]
    (errors, more), (latency, _) = spreads(MANY_USERS, CohortRule.share_of_users(20, users=10_000_000))
    assert 1.0 < more < errors < latency < 1.1


def test_gates_and_cohort_steps_share_the_chance_that_alpha_leaves_to_the_draw() -> None:
    thousands = CohortRule.share_of_users(5, users=100_000)
    ((once, *_), _), ((twice, *_), _) = spreads(thousands), spreads(thousands, thousands)
    assert once < twice
    assert spreads(thousands, alpha=0.02)[0] == spreads(thousands, thousands, alpha=0.04)[0][:1]


def test_a_proof_is_not_required_of_100_percent_alone() -> None:
    with pytest.raises(
        ValueError, match=r"^require_proof needs a step before 100 %: there both serve, got 100 % alone$"
    ):
        RolloutGates(
            default_gates(),
            routing=TrafficRouting.all_at_once(),
            alpha=0.01,
            require_proof=True,
            metric_period_seconds=60,
        )


def test_a_bake_shorter_than_the_delay_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^bake must be at least 2100 s for gate conversion \(its delay of 1800 s and 5 metric periods\), "
        r"got 1800 s at 10 %$",
    ):
        gates(superior(delay=Duration.minutes(30)), routing=TrafficRouting.steps([10, 50, 100]))


def test_at_100_percent_the_counts_of_the_step_before_are_still_read() -> None:
    short_end = TrafficRouting.steps([TrafficStep(percent=50, bake=HOUR), 100], bake=Duration.minutes(5))
    gates(superior(delay=Duration.minutes(30)), routing=short_end)
    with pytest.raises(ValueError, match="its delay of 1800 s and 5 metric periods"):
        gates(
            Gate.metric(name="m", namespace="N", total="T", counted="C", ratio=1, delay=Duration.minutes(30)),
            routing=TrafficRouting.all_at_once(),
        )


@pytest.mark.parametrize("period", [10, 30])
def test_a_delay_after_which_short_periods_may_have_vanished_is_refused(period: int) -> None:
    routing = TrafficRouting.steps([TrafficStep(percent=50, bake=Duration.hours(6)), 100])
    longest = 3 * 3600 - 15 * 60 - 30 * 60

    def with_delay(seconds: int, metric_period_seconds: int) -> None:
        gate = Gate.conversion(namespace="S", shown="T", converted="C", delay=Duration.seconds(seconds))
        RolloutGates(
            [gate], routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=metric_period_seconds
        )

    with_delay(longest, period)
    with_delay(longest + 1, 60)
    with pytest.raises(ValueError, match=rf"^delay must be at most {longest} s at metric_period {period}, because"):
        with_delay(longest + 1, period)


def test_latency_counts_in_microseconds_and_leaves_five_minutes_out() -> None:
    gate = Gate.latency(slow_ms=250)
    assert gate.source == SlowRequests(slow_us=250_000)
    assert gate.rule_in_periods(60).warm_up == 5
    assert gate.rule_in_periods(10).warm_up == 30


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Gate.error_rate(ratio=0.9), "ratio must be 1 or more where a higher rate is worse, got 0.9"),
        (lambda: Gate.error_rate(alpha_share=0), "alpha_share must be above 0, got 0"),
        (
            lambda: Gate.error_rate(min_difference_percent=101),
            "min_difference_percent must be between 0 and 100, got 101",
        ),
        (lambda: Gate.latency(slow_ms=0), "slow_ms must be between 0.001 and 480,000 milliseconds, got 0; "),
        (
            lambda: Gate.latency(slow_ms=1_000_000),
            "slow_ms must be between 0.001 and 480,000 milliseconds, got 1,000,000",
        ),
        (
            lambda: Gate.conversion(namespace="N", shown="S", converted="C", ratio=1.1),
            "ratio must be above 0 and at most 1 for conversions, got 1.1",
        ),
        (
            lambda: Gate.metric(name="", namespace="N", total="T", counted="C", ratio=1),
            "name of a gate must be 1 to 64 characters in one line",
        ),
    ],
)
def test_an_impossible_gate_is_refused_with_a_sentence(make, sentence: str) -> None:  # noqa: ANN001 - any factory
    with pytest.raises(ValueError, match=sentence):
        make()
