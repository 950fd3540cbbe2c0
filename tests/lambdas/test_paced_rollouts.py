"""Whole rollouts whose share is paced by a harm budget, with the handlers as they are."""

from contextlib import suppress
from itertools import pairwise

import pytest
from rollout.contract.errors import EndpointChanged, Halted
from rollout.contract.timing import MOST_CHANGES, SOON_CHANGES, SOON_SECONDS

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.paced import brake, ordered, paced_shop, run_until_lowered, run_until_share, shares
from tests.lambdas.fakes.settings import PACED, A, B, step
from tests.lambdas.fakes.shop import Shop

FAILS = 0.1


@pytest.fixture
def paced(aws: Aws) -> Shop:
    return paced_shop(aws)


def test_a_healthy_release_earns_its_traffic_share_by_share(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    paced.run(execution)
    assert execution.status == "SUCCEEDED", execution.failure
    course = shares(paced, execution)
    assert course[0] == 0.47, "all of it may fail for three periods and a half"
    assert course == sorted(course)
    assert {10, 50, 95, 100} <= set(course)
    assert all(later <= 5 * earlier for earlier, later in pairwise(course))
    assert paced.unsafe() == []


def test_a_release_that_fails_everything_breaks_little_more_than_the_budget(aws: Aws, paced: Shop) -> None:
    paced.failure_rates = {B: 1.0}
    execution = paced.begin("v2", "ScaleCanary")
    paced.run(execution)
    assert paced.outcome(execution)[0] == "ROLLED_BACK"
    assert max(ordered(aws)) == 0.47
    assert paced.unsafe() == []


def test_a_brake_lowers_the_share_at_once_and_leaves_the_verdict_to_the_gates(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 10)
    paced.failure_rates = {B: FAILS}
    run_until_lowered(paced, execution)
    assert execution.task == "ShiftTraffic", "no instance is waited for"
    assert execution.step["exposure"]["percent"] <= 1
    paced.run(execution)
    assert paced.outcome(execution)[0] == "ROLLED_BACK"
    assert paced.outcome(execution)[1].startswith("errors: canary ")
    assert paced.unsafe() == []


def test_a_share_is_lowered_though_alarms_hold_the_step(aws: Aws, paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 10)
    paced.failure_rates = {B: FAILS}
    run_until_lowered(paced, execution)
    aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"
    execution.advance()
    assert ordered(aws)[-1] == execution.step["exposure"]["percent"] < 1.01


def test_after_a_bad_minute_the_share_rises_again(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 2)
    brake(paced, execution, failing=0.4)
    paced.run(execution)
    course = shares(paced, execution)
    assert course != sorted(course)
    assert execution.status == "SUCCEEDED", execution.failure


def test_a_lower_share_does_not_come_after_the_rollback_to_zero(aws: Aws, paced: Shop) -> None:
    """It would be a raise."""
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 10)
    paced.failure_rates = {B: FAILS}
    run_until_lowered(paced, execution)
    late = execution.invocation()
    paced.ledger.halt(execution.name, "stop it", aws.clock.now())
    asked = len(ordered(aws))
    with suppress(Halted):
        late()
    assert len(ordered(aws)) == asked
    paced.run(execution)
    assert paced.weights()[B] == 0


def test_another_hand_between_two_shares_is_refused(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 2, until="ShiftTraffic")
    paced.wait_until_quiet()
    paced.set_weights(a=80, b=20)
    paced.wait_until_quiet()
    with pytest.raises(EndpointChanged):
        execution.repeat()


def test_periods_in_which_the_share_changed_are_no_evidence_and_those_before_it_are_not_lost(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 10)
    served = execution.step["exposure"]["served"]
    changed = [(first, whole) for (first, percent, _), (whole, _, _) in pairwise(served) if not percent]
    assert changed
    assert execution.step["next_period"] < changed[-1][1], "what was not read before the shift is read after it"


def test_the_instances_of_all_traffic_come_while_nothing_is_known_of_the_second_share(paced: Shop) -> None:
    """Had they been ordered before that share was in force, it would have waited for them."""
    paced.requests_per_period = 4000
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 0)
    execution.advance()
    assert execution.step["next"] == "STAY"
    assert paced.floors()[B] == 1, "the first share may fail everything"
    run_until_share(paced, execution, 0.2)
    assert (paced.floors()[B], len(shares(paced, execution))) == (1, 2)
    execution.advance()
    assert paced.floors()[B] == paced.floors()[A] == 4
    paced.run(execution, "ScaleCanary")
    assert paced.instances_of(B) == 4, "they came before the next share"


def test_a_share_that_must_wait_for_instances_waits_for_all_of_them(aws: Aws) -> None:
    shop = Shop(aws, steps=PACED, harm_budget=10_000)
    shop.serve_first()
    shop.requests_per_period = 7900
    execution = shop.begin("v2", "ScaleCanary")
    run_until_share(shop, execution, 50, until="ScaleCanary")
    assert (shares(shop, execution), shop.floors()[B]) == ([10], 1)
    execution.advance()
    assert (execution.task, shop.floors()[B]) == ("ScaleCanary", 8), "and not the four of half the traffic"


def test_the_periods_of_one_checkpoint_that_come_later_are_read_in_the_next_step(paced: Shop) -> None:
    """They were lost: minutes of a release that may have begun to fail there."""
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 10)
    paced.run(execution, "ScaleCanary")
    assert execution.step["index"] == 1
    unread = execution.step["next_period"]
    paced.serve_for(180)
    paced.run(execution, "Evaluate", index=1)
    whole, _, _ = execution.step["exposure"]["served"][-1]
    assert unread == execution.step["next_period"] < whole - 2
    paced.serve()
    execution.advance()
    assert execution.step["judged"]["step"] == 1
    assert execution.step["judged"]["last"] > unread


def test_a_step_that_passes_by_its_own_evidence_reads_its_own_periods_only(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    paced.run(execution, "Evaluate", index=3)
    assert execution.step["next_period"] == execution.step["exposure"]["served"][-1][0]


def test_a_share_that_has_just_changed_is_looked_at_twice_a_minute(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 0)
    assert execution.step["look_after"] == 30
    aside = execution.step["shifted_at"] + SOON_SECONDS - paced.aws.clock.now()
    paced.aws.wait(aside)
    assert execution.repeat()["look_after"] == 60


def test_the_looks_soon_after_a_change_come_to_an_end(paced: Shop) -> None:
    """An execution's history has no room for more."""
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 2)
    execution.step["exposure"]["number"] = SOON_CHANGES
    assert execution.repeat()["look_after"] == 60


def test_a_third_brake_ends_the_rollout_without_a_verdict(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 10)
    execution.step["exposure"]["pacing"]["brakes"] = 2
    paced.failure_rates = {B: 0.03}
    paced.run(execution)
    outcome, reason = paced.outcome(execution)
    assert outcome == "ROLLED_BACK"
    assert reason.endswith("; its share was lowered 2 times before")
    assert paced.unsafe() == []


def test_a_share_is_not_changed_more_often_than_the_history_has_room_for(paced: Shop) -> None:
    execution = paced.begin("v2", "ScaleCanary")
    run_until_share(paced, execution, 2)
    execution.step["exposure"]["number"] = MOST_CHANGES
    share = execution.step["exposure"]["percent"]
    for _ in range(12):
        paced.serve()
        execution.advance()
    assert execution.step["exposure"]["percent"] == share


def test_a_fixed_step_is_braked_too_and_earns_its_share_again(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(50, max_bake_seconds=7200, bake_seconds=1200), step(100)))
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate")
    at = (int(aws.clock.now()) // 60 + 1) * 60
    aws.wait(at + 60 - aws.clock.now())
    shop.failure_rates = {B: 0.05}
    shop.serve()
    shop.failure_rates = {}
    shop.run(execution)
    assert ordered(aws)[:2] == [50, 5]
    assert shares(shop, execution)[:4] == [50, 5, 25, 50]
    assert execution.status == "SUCCEEDED", execution.failure
