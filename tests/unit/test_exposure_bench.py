"""The exposure study runs all rules in the same worlds; what it counts is what it says."""

from dataclasses import replace
from statistics import mean
from typing import Any

import pytest
from rollout.contract.plan import Plan
from rollout.contract.timing import METRICS_SETTLED_SECONDS
from rollout.evidence.series import SeriesReader
from rollout.evidence.sources import requests_of

from bench.exposure.bounds import bound, wald_requests
from bench.exposure.cloudwatch import CANARY_SLOT, CloudWatch
from bench.exposure.held_back import HELD_BACK
from bench.exposure.ours import run_ours
from bench.exposure.rules import RULES
from bench.exposure.simulate import Ended, simulate
from bench.exposure.site import MINUTE, Site
from bench.exposure.worlds import WORLDS, World, from_second, recorded_curve, world
from tests.lambdas.fakes.settings import PACED, STEPS, plan

PERIOD = 60
BUDGET = 20
ALARM = RULES[0]
"""10 % for ten minutes, with an alarm on one minute."""
FAILING = world("failing", bad=True, canary={"error_rate": 0.05})
BROKEN = world("broken", bad=True, canary={"error_rate": 1.0})
HEALTHY = world("healthy", bad=False)


def paced(budget: float = BUDGET) -> Plan:
    return replace(Plan.parse(plan(steps=PACED)), harm_budget=budget)


def late(release: World, seconds: float) -> World:
    return replace(release, scenario={**release.scenario, "metrics": {"delay_s": seconds}})


def requests(cloudwatch: CloudWatch, now: float) -> dict[int, float]:
    cloudwatch.now = now
    reader = SeriesReader(endpoint="shop", period_seconds=PERIOD, client=cloudwatch)
    return reader.read([requests_of(CANARY_SLOT)], start=0, end=10 * PERIOD)[requests_of(CANARY_SLOT)]


def test_a_point_is_seen_as_late_as_the_world_says_and_not_before() -> None:
    site = Site(late(HEALTHY, 100), 1)
    cloudwatch = CloudWatch(site, PERIOD)
    cloudwatch.publish(0, site.answer(0.0, MINUTE, 0.5))
    assert not requests(cloudwatch, 60 + 99)
    assert list(requests(cloudwatch, 60 + 100)) == [0]


def test_no_point_is_seen_before_the_one_of_the_period_before() -> None:
    site = Site(HEALTHY, 1)
    cloudwatch = CloudWatch(site, PERIOD)
    for number in range(8):
        cloudwatch.publish(number, site.answer(number * MINUTE, MINUTE, 0.5))
    for now in range(60, 8 * PERIOD + METRICS_SETTLED_SECONDS, 10):
        seen = list(requests(cloudwatch, now))
        assert seen == list(range(len(seen)))


def test_a_slot_without_requests_publishes_nothing() -> None:
    site = Site(late(HEALTHY, 0), 1)
    cloudwatch = CloudWatch(site, PERIOD)
    cloudwatch.publish(0, site.answer(0.0, MINUTE, 0.0))
    assert not requests(cloudwatch, 1000)


@pytest.mark.parametrize("run", [lambda each: simulate(ALARM, each, 1), lambda each: run_ours(paced(), each, 1)])
def test_later_metrics_end_a_bad_release_later(run: Any) -> None:
    ends: list[Ended] = [run(late(BROKEN, seconds)) for seconds in (30, 300)]
    assert not any(end.promoted for end in ends)
    assert ends[1].seconds >= ends[0].seconds + 240


def test_a_hold_back_finds_a_fault_that_begins_after_the_promotion_and_ends_in_time_without_one() -> None:
    lasts = HELD_BACK.duration_seconds / 8
    held = replace(paced(), hold_back=replace(HELD_BACK, duration_seconds=int(lasts), interval_seconds=120))
    promoted_at = run_ours(paced(), HEALTHY, 1).seconds

    healthy = run_ours(held, HEALTHY, 1)
    assert healthy.promoted
    assert promoted_at + lasts <= healthy.seconds <= promoted_at + lasts + 300

    begins = 2 * promoted_at
    taken_back = run_ours(held, world("late", bad=True, **from_second(begins, "canary", error_rate=0.05)), 1)
    assert not taken_back.promoted
    assert begins < taken_back.seconds < begins + 1800


def test_our_rules_in_a_world_are_the_same_for_the_same_seed() -> None:
    assert run_ours(paced(), FAILING, 3) == run_ours(paced(), FAILING, 3) != run_ours(paced(), FAILING, 4)


def test_a_release_that_fails_everything_breaks_about_the_budget() -> None:
    ends = [run_ours(paced(), BROKEN, seed) for seed in range(5)]
    assert not any(end.promoted for end in ends)
    assert BUDGET / 2 < mean(end.caused for end in ends) < 3 * BUDGET


def test_a_good_release_reaches_every_milestone_in_order() -> None:
    end = run_ours(paced(100), HEALTHY, 1)
    assert end.promoted
    assert end.caused == 0
    half, most, all_of_it = end.ended.reached
    assert half is not None
    assert most is not None
    assert all_of_it is not None
    assert half < most < all_of_it < end.seconds


def test_fixed_steps_change_the_weights_once_a_step() -> None:
    end = run_ours(Plan.parse(plan(steps=STEPS)), HEALTHY, 1)
    assert (end.promoted, end.ended.changes) == (True, len(STEPS))


def test_a_fault_above_a_share_does_no_harm_below_it() -> None:
    site = Site(world("above", bad=True, limit=0.5, above={"error_rate": 0.5}), 1)
    assert site.answer_canary(0.0, MINUTE, 0.5).caused == 0
    assert site.answer_canary(0.0, MINUTE, 0.51).caused > 1000


def test_harm_after_a_promotion_is_counted_from_the_fault_on() -> None:
    later = next(each for each in WORLDS if each.name == "errors 5 % after 2 h")
    of_half_an_hour = 100 * 1800 * (0.05 - 0.001)
    assert simulate(ALARM, later, 1).caused == pytest.approx(of_half_an_hour, rel=0.05)


def test_recorded_traffic_has_the_mean_of_its_world_and_another_course_for_each_seed() -> None:
    assert mean(recorded_curve()) == pytest.approx(1)
    recorded = world("recorded", bad=False, recorded=True)
    first, second = (Site(recorded, seed).arrivals for seed in (1, 2))
    assert [first.rate(300 * n) for n in range(9)] != [second.rate(300 * n) for n in range(9)]


def test_no_rule_harms_less_than_the_bound_of_a_fault_that_is_there_from_the_start() -> None:
    harms = [simulate(ALARM, FAILING, seed).caused for seed in range(20)]
    assert 0 < bound(FAILING).harm < mean(harms)
    assert wald_requests(0.05, 0.001) < wald_requests(0.002, 0.001)


def test_a_fault_that_meets_the_canary_at_95_percent_harms_for_a_period_its_delay_and_a_change_of_weights() -> None:
    met = late(world("met", bad=True, met_at=0.95, canary={"error_rate": 0.051}), 90)
    assert bound(met).harm == pytest.approx(100 * 0.95 * (60 + 90 + 30) * 0.05, rel=0.01)
