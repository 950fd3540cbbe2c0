"""What a harm budget and its checkpoints become: the steps of a paced rollout."""

from typing import Any

import pytest
from aws_cdk import Duration
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout.contract.plan import Passes
from rollout.contract.timing import GATE_PERIODS, MAX_EVENTS

from canary_construct import CohortRule, Gate, TrafficRouting, TrafficStep
from canary_construct.props.checkpoints import LAST_BAKE_SECONDS
from canary_construct.props.gate import default_gates
from canary_construct.rollout.gates import RolloutGates
from canary_construct.rollout.history_budget import evaluation_interval, longest_history
from canary_construct.watching.slot_alarms import seconds_to_fire

USERS = TrafficStep.cohort(CohortRule.share_of_users(5))
SHARES = st.sets(st.integers(min_value=1, max_value=94), min_size=1, max_size=4).map(sorted)
TWO_HOURS = 7200


def course(routing: TrafficRouting) -> list[tuple[int, str, int]]:
    """Return what each step waits for, and its bake in minutes."""
    return [(step.percent, step.passes.value, step.bake_seconds // 60) for step in routing.traffic_steps]


def test_a_release_goes_to_10_percent_by_the_budget_to_50_for_a_proof_and_is_watched_at_95() -> None:
    routing = TrafficRouting.paced()
    assert course(routing) == [(10, "budget", 0), (50, "proof", 30), (95, "watch", 25), (100, "evidence", 5)]
    assert {step.max_bake_seconds for step in routing.traffic_steps} == {TWO_HOURS}
    assert {step.min_requests for step in routing.traffic_steps} == {100}
    assert (routing.harm_budget, routing.is_paced) == (100, True)


def test_the_last_bake_is_the_shortest_that_alarms_and_gates_allow() -> None:
    assert LAST_BAKE_SECONDS == seconds_to_fire(60) == GATE_PERIODS * 60


@pytest.mark.parametrize(
    ("shares", "proving"),
    [([10, 50, 100], 50), ([5, 20, 100], 20), ([20, 60, 90, 100], 60), ([25, 75, 100], 25), ([1, 100], 1)],
)
def test_the_proof_is_asked_where_the_comparison_is_strongest(shares: list[int], proving: int) -> None:
    routing = TrafficRouting.paced(checkpoints=shares)
    assert [step.percent for step in routing.traffic_steps if step.passes is Passes.PROOF] == [proving]
    assert routing.proof_step is not None
    assert routing.traffic_steps[routing.proof_step].percent == proving


@given(SHARES)
def test_every_other_share_under_95_percent_waits_for_the_budget(shares: list[int]) -> None:
    steps = TrafficRouting.paced(checkpoints=[*shares, 100]).traffic_steps
    assert [step.percent for step in steps] == [*shares, 95, 100]
    assert [step.passes for step in steps[-2:]] == [Passes.WATCH, Passes.EVIDENCE]
    assert sorted(step.passes for step in steps[:-2]) == [*[Passes.BUDGET] * (len(shares) - 1), Passes.PROOF]


def test_a_step_of_the_callers_keeps_what_it_says() -> None:
    own = TrafficStep(percent=10, bake=Duration.minutes(10), max_bake=Duration.minutes(40), min_requests=500)
    long = TrafficStep(percent=50, bake=Duration.hours(3))
    first, proof, *_ = TrafficRouting.paced(checkpoints=[own, long, 100]).traffic_steps
    assert (first.bake_seconds, first.max_bake_seconds, first.min_requests) == (600, 2400, 500)
    assert (proof.bake_seconds, proof.max_bake_seconds) == (3 * 3600, 12 * 3600)


def test_a_time_that_a_step_of_the_callers_leaves_out_is_that_of_a_bare_checkpoint() -> None:
    only_requests = [TrafficStep(percent=percent, min_requests=7) for percent in (10, 50, 100)]
    routing = TrafficRouting.paced(checkpoints=only_requests)
    assert course(routing) == course(TrafficRouting.paced())
    assert {step.min_requests for step in routing.traffic_steps} == {7}


def test_the_bake_of_all_traffic_is_the_watch_before_it() -> None:
    everything = TrafficStep(percent=100, bake=Duration.hours(1), max_bake=Duration.hours(5), min_requests=9)
    watched, last = TrafficRouting.paced(checkpoints=[50, everything]).traffic_steps[-2:]
    assert (watched.percent, watched.bake_seconds, watched.max_bake_seconds) == (95, 3600, 5 * 3600)
    assert (last.bake_seconds, last.max_bake_seconds) == (LAST_BAKE_SECONDS, TWO_HOURS)
    assert watched.min_requests == last.min_requests == 9


def test_a_checkpoint_from_95_percent_on_is_the_watch_and_100_percent_keeps_its_own_bake() -> None:
    watched = TrafficStep(percent=98, bake=Duration.hours(2))
    everything = TrafficStep(percent=100, bake=Duration.hours(1))
    assert course(TrafficRouting.paced(checkpoints=[50, watched, everything])) == [
        (50, "proof", 30), (98, "watch", 120), (100, "evidence", 60),
    ]  # fmt: skip


@pytest.mark.parametrize("checkpoints", [[10, 50, 100], [10, 50, 95, 100], [50, TrafficStep(percent=95), 100]])
def test_the_watch_can_be_said_alone(checkpoints: list[int | TrafficStep]) -> None:
    routing = TrafficRouting.paced(checkpoints=checkpoints, watch=Duration.hours(4))
    assert course(routing)[-2:] == [(95, "watch", 240), (100, "evidence", 5)]


def test_cohorts_come_first_and_pass_as_ever() -> None:
    cohort, first, *_ = TrafficRouting.paced(checkpoints=[USERS, 10, 50, 100]).traffic_steps
    assert (cohort.passes, cohort.bake_seconds, cohort.expected_percent) == (Passes.EVIDENCE, 1800, 5)
    assert (first.percent, first.passes) == (10, Passes.BUDGET)


TWO_WATCHES = "watch is the bake at {}, so only one of them can be given, got 1800 s and 3600 s"
HOUR = Duration.hours(1)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"checkpoints": []}, "checkpoints must hold at least one traffic step, got none"),
        ({"checkpoints": [50, 10, 100]}, "checkpoints must rise from one to the next, got [50, 10, 100]"),
        ({"checkpoints": [10, 50]}, "checkpoints must end at 100 percent, got [10, 50]"),
        ({"checkpoints": [USERS]}, "checkpoints must end at 100 percent, got a cohort of 5 %"),
        (
            {"checkpoints": [10, USERS, 100]},
            "cohort steps must come before shares of all requests, got 10 %, a cohort of 5 %, 100 %",
        ),
        (
            {"checkpoints": [USERS, 95, 100]},
            (
                "checkpoints must hold a share under 95 percent, at which the canary is proven as good as stable, got "
                "[95, 100]"
            ),
        ),
        (
            {"checkpoints": [50, 95, 98, 100]},
            (
                "checkpoints may hold one share from 95 to 99 percent, at which the canary is watched before 100 %, "
                "got [95, 98]"
            ),
        ),
        (
            {"checkpoints": [50, TrafficStep(percent=100, bake=HOUR)], "watch": Duration.minutes(30)},
            TWO_WATCHES.format("100 %"),
        ),
        (
            {"checkpoints": [50, TrafficStep(percent=96, bake=HOUR), 100], "watch": Duration.minutes(30)},
            TWO_WATCHES.format("96 %"),
        ),
        ({"watch": Duration.seconds(0)}, "bake must be longer than 0 s, got 0 s at 95 %"),
        ({"harm_budget": 0.5}, "harm_budget must be 1 or more, got 0.5"),
        ({"harm_budget": -20}, "harm_budget must be 1 or more, got -20"),
    ],
)
def test_what_cannot_be_paced_is_refused_with_a_sentence(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        TrafficRouting.paced(**said)
    assert str(refusal.value) == sentence


def test_a_budget_without_paced_steps_and_the_other_way_round_are_refused() -> None:
    together = "a harm_budget and the steps that it paces belong together: use TrafficRouting.paced, got "
    with pytest.raises(ValueError, match=f"^{together}100 and no paced step$"):
        TrafficRouting(traffic_steps=TrafficRouting.steps([10, 50, 100]).traffic_steps, harm_budget=100)
    with pytest.raises(ValueError, match=f"^{together}None and 10 %, 50 %, 95 %$"):
        TrafficRouting.steps(TrafficRouting.paced().traffic_steps)


def test_only_a_step_that_waits_for_the_budget_may_have_no_bake() -> None:
    step = TrafficStep(percent=10).paced(Passes.BUDGET, bake_seconds=0, least_max_bake_seconds=60)
    assert step.bake_seconds == 0
    with pytest.raises(ValueError, match=r"^bake must be longer than 0 s, got 0 s at 10 %$"):
        TrafficStep(percent=10).paced(Passes.PROOF, bake_seconds=0, least_max_bake_seconds=60)


def gates(routing: TrafficRouting, *added: Gate, require_proof: bool = False) -> RolloutGates:
    every = [*default_gates(), *added]
    return RolloutGates(every, routing=routing, alpha=0.01, require_proof=require_proof, metric_period_seconds=60)


def conversion(delay: Duration) -> Gate:
    return Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=delay, superior=True)


def test_a_cold_canary_is_left_out_in_the_first_step_only() -> None:
    paced, fixed = (gates(routing) for routing in (TrafficRouting.paced(), TrafficRouting.steps([10, 50, 100])))
    assert (paced.rules().judge.warm_up_once, fixed.rules().judge.warm_up_once) == (True, False)
    waits = [[plan.waits(Gate.latency(), index).get("warm-up", 0) for index in range(3)] for plan in (paced, fixed)]
    assert waits == [[300, 0, 0], [300, 300, 300]]


def test_a_rule_of_the_judge_that_has_its_usual_value_is_not_rendered() -> None:
    assert "warm_up_once" not in gates(TrafficRouting.steps([10, 50, 100])).rules().judge.to_json()


def test_superiority_is_asked_where_the_proof_is_not_where_the_canary_is_watched() -> None:
    rules = gates(TrafficRouting.paced(checkpoints=[10, 40, 80, 100]), conversion(Duration.minutes(10))).rules()
    assert [gate.superior_step for gate in rules.judge.gates] == [None, None, None, 1]


def test_a_proof_that_is_required_is_asked_of_a_paced_routing_after_any_cohort() -> None:
    assert gates(TrafficRouting.paced(checkpoints=[USERS, 50, 100]), require_proof=True).rules().judge.require_proof


def test_a_bake_that_is_shorter_than_a_delay_is_refused_where_the_gates_judge_by_it() -> None:
    late = Duration.minutes(21)
    with pytest.raises(ValueError, match=r"^bake must be at least 1560 s for gate conversion .* got 1500 s at 95 %$"):
        gates(TrafficRouting.paced(), conversion(late))
    gates(TrafficRouting.paced(watch=Duration.minutes(26)), conversion(late))


def test_a_step_that_waits_for_the_budget_needs_no_time_for_a_gate() -> None:
    assert gates(TrafficRouting.paced(), conversion(Duration.minutes(20))).rules()
    with pytest.raises(ValueError, match=r"its warm-up of 300 s and 5 metric periods\), got 540 s at 50 %$"):
        gates(TrafficRouting.paced(checkpoints=[TrafficStep(percent=50, bake=Duration.minutes(9)), 100]))


def test_the_longest_paced_rollout_fits_and_is_looked_at_every_minute() -> None:
    paced, fixed = TrafficRouting.paced().traffic_steps, TrafficRouting.steps([10, 50, 95, 100]).traffic_steps
    assert evaluation_interval(paced, metric_period_seconds=60) == 60
    assert longest_history(paced, interval_seconds=60) <= MAX_EVENTS - 2500
    five_looks_more = 5 * 11
    of_changes = (30 + 2) * 60 + 12 * five_looks_more
    assert longest_history(paced, interval_seconds=60) - longest_history(fixed, interval_seconds=60) == of_changes


@given(SHARES, st.sampled_from([10, 30, 60]), st.integers(min_value=1, max_value=12))
@settings(max_examples=25)  # every step crosses into the CDK
def test_the_longest_rollout_of_any_paced_plan_fits_into_the_execution_history(
    shares: list[int], period: int, hours: int
) -> None:
    steps = TrafficRouting.paced(checkpoints=[*shares, 100], watch=Duration.hours(hours)).traffic_steps
    interval = evaluation_interval(steps, metric_period_seconds=period)
    assert longest_history(steps, interval_seconds=interval) <= MAX_EVENTS


def test_a_paced_plan_that_can_be_looked_at_too_rarely_is_refused() -> None:
    """At one look in half an hour a share of 10 % would not be reached within two hours."""
    days = TrafficRouting.paced(watch=Duration.days(5)).traffic_steps
    with pytest.raises(
        ValueError,
        match=r"^4 steps of up to 1,728,000 s need more than the 25,000 events of an execution history, even at one "
        r"look in five minutes, which a paced share needs; use fewer or shorter steps$",
    ):
        evaluation_interval(days, metric_period_seconds=60)
    last = TrafficStep(percent=95, bake=Duration.days(2), max_bake=Duration.days(2))
    watched = TrafficRouting.paced(checkpoints=[10, 50, last, 100]).traffic_steps
    assert evaluation_interval(watched, metric_period_seconds=60) == 300
