"""A cohort meets the canary, and nobody else does; when it ends, nobody does. `pytest -s` shows the counts."""

from collections.abc import Callable

import pytest
from canary_construct_client import bucket_of
from rollout.contract.names import PROMOTED, ROLLED_BACK
from rollout.contract.stage_variables import AT_REST

from canary_construct import CohortRule
from examples.recommender.demo.rollouts import Rollout
from examples.recommender.shop.cohort_visits import API, DIRECT, ROUTES, CohortVisitors, Tally
from examples.recommender.shop.traffic import Outcome
from tests.rollouts.cohort_visitors import RuleReads, cohort_visitors, country_of
from tests.rollouts.declaring import SELDOM_LOOKING_SECONDS, UNTIL_ENDED_SECONDS, Declaration, business_alarm
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.failure_rate import set_failure_rate
from tests.rollouts.front_door import Cohort, FrontDoor
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually

SHARE_OF_USERS = CohortRule.share_of_users(20)
GERMANS = CohortRule.regions(["DE"], expected_percent=50)
OF_THE_COHORT, OF_OTHERS = 5, 20
"""Visits on each route without which a cohort, or its absence, has not been seen."""

Belongs = Callable[[int], bool]


@pytest.mark.long
def test_a_cohort_meets_the_canary_before_a_share_of_all_requests_does(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", cohort=SHARE_OF_USERS, steps=(50, 100), rollout_held=True))
    door = FrontDoor(shop)
    reads = RuleReads(shop.stage.client("dynamodb"))
    with cohort_visitors(shop, door, reads) as visitors:
        shop.deploy(Declaration(version="v2", cohort=SHARE_OF_USERS, steps=(50, 100), rollout_held=True))
        seen_from = door.cohort_begins()
        everybody_meets_who_they_should(visitors, reads, seen_from, _in_share(shop.rollout_reaches("v2", 0)))
        shop.let_rollout_go_on()
        cohort = door.cohort_ends(seen_from=seen_from)
        rollout = shop.rollout_ends("v2")

    report(shop, f"cohort of 20 % of the users, promoted: {rollout.reason}")
    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    assert [step.percent for step in rollout.steps] == [0, 50, 100]
    belongs = _in_share(rollout)
    assert_the_cohort_met_the_canary_and_nobody_else_did(shop, visitors, reads, cohort, belongs)
    assert door.variables() == AT_REST
    shop.comes_to_rest(stable=B)

    # When the weights decide, then they do for everybody
    half = rollout.steps[1]
    assert half.ended_at is not None
    for route in ROUTES:
        visits = visitors.visits(route, began_from=reads.known_from(half.shifted_at), ended_by=half.ended_at)
        tally = Tally.of(visits, belongs=belongs, canary="v2")
        report(shop, f"{route}, at 50 %: {tally}")
        assert 0 not in tally.counts


def test_a_canary_that_fails_its_cohort_loses_it(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", cohort=SHARE_OF_USERS))
    door = FrontDoor(shop)
    failure_rate = shop.folder / "failure-rate"
    failing = Declaration(
        version="v2",
        cohort=SHARE_OF_USERS,
        environment=(("OUTAGE", str(failure_rate)),),
        first_bake_seconds=UNTIL_ENDED_SECONDS,
    )
    reads = RuleReads(shop.stage.client("dynamodb"))
    with cohort_visitors(shop, door, reads, requests_per_second=15.0) as visitors:
        shop.deploy(failing)
        seen_from = door.cohort_begins()
        everybody_meets_who_they_should(visitors, reads, seen_from, _in_share(shop.rollout_reaches("v2", 0)))
        set_failure_rate(failure_rate, 0.15)
        cohort = door.cohort_ends(seen_from=seen_from)
        rollout = shop.rollout_ends("v2")
        shop.comes_to_rest(stable=A)
        everybody_gets_to_know(visitors, reads, cohort, _in_share(rollout))

    report(shop, f"cohort of 20 % of the users, rolled back: {rollout.reason}")
    assert rollout.outcome == ROLLED_BACK
    assert rollout.reason.startswith("errors: canary ") or rollout.reason.startswith(
        f"{shop.alarm_of(B)} is in ALARM: "
    )
    belongs = _in_share(rollout)
    assert_the_cohort_met_the_canary_and_nobody_else_did(shop, visitors, reads, cohort, belongs)
    assert_nobody_meets_the_canary(shop, door, visitors, reads, cohort, belongs)


def test_an_alarm_of_the_team_ends_the_cohort_of_a_region_at_once(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", cohort=GERMANS, rollout_held=True))
    door = FrontDoor(shop)
    reads = RuleReads(shop.stage.client("dynamodb"))
    with cohort_visitors(shop, door, reads) as visitors:
        v2 = Declaration(version="v2", cohort=GERMANS, first_bake_seconds=SELDOM_LOOKING_SECONDS, rollout_held=True)
        shop.deploy(v2)
        seen_from = door.cohort_begins()
        execution = shop.execution_in("Bake")
        everybody_meets_who_they_should(visitors, reads, seen_from, _is_german)
        alarm = business_alarm(shop.name)
        raised_at = shop.raise_alarm(alarm)
        cohort = door.cohort_ends(seen_from=seen_from)
        looked = shop.has_entered(execution, "RollBack")
        rollout = shop.rollout_ends("v2")
        shop.comes_to_rest(stable=A)
        everybody_gets_to_know(visitors, reads, cohort, _is_german)

    report(shop, f"cohort of Germans, rolled back: {rollout.reason}")
    assert (rollout.outcome, rollout.reason) == (ROLLED_BACK, f"{alarm} is in ALARM")
    assert_the_cohort_met_the_canary_and_nobody_else_did(shop, visitors, reads, cohort, _is_german)
    assert_nobody_meets_the_canary(shop, door, visitors, reads, cohort, _is_german)
    for route in ROUTES:
        last = max(visit.began_at for visit in visitors.visits(route) if visit.request.version == "v2")
        seconds = shop.measured[f"seconds {route}"] = last - raised_at
        report(shop, f"{route}, from the alarm to the last request that the canary answered: {seconds:.1f} s")
    assert not looked, "the alarm ends the cohort, before the state machine has looked"


def assert_the_cohort_met_the_canary_and_nobody_else_did(
    shop: DeployedShop, visitors: CohortVisitors, reads: RuleReads, cohort: Cohort, belongs: Belongs
) -> None:
    """While clients get to know of the rule, the cohort may go either way, and others may not."""
    assert cohort.weights
    assert all(weights == {A: 100, B: 0} for weights in cohort.weights)
    known_from = reads.known_from(cohort.seen_from)
    assert known_from, "the cohort ended before every client knew of it"
    for route in ROUTES:
        sent = visitors.visits(route)
        assert all(visit.request.outcome is not Outcome.UNANSWERED for visit in sent)
        assert {visit.request.version for visit in sent} == {"v1", "v2"}
        before = Tally.of(visitors.visits(route, ended_by=known_from), belongs=belongs, canary="v2")
        known = visitors.visits(route, began_from=known_from, ended_by=cohort.seen_until)
        tally = Tally.of(known, belongs=belongs, canary="v2")
        report(shop, f"{route}, before every client knew the rule: {before}")
        report(shop, f"{route}, {cohort.seen_until - known_from:.0f} s of the cohort: {tally}")
        assert tally.cohort_by_canary >= OF_THE_COHORT
        assert tally.others_by_stable >= OF_OTHERS
        assert (tally.cohort_by_stable, tally.others_by_canary, before.others_by_canary) == (0, 0, 0)
    strangers = [request for request in shop.visitors_of("v2") if request.sent_at < cohort.seen_until]
    assert not strangers, "clients that know no rule must not meet a canary of weight 0"


def assert_nobody_meets_the_canary(
    shop: DeployedShop,
    door: FrontDoor,
    visitors: CohortVisitors,
    reads: RuleReads,
    cohort: Cohort,
    belongs: Belongs,
) -> None:
    """Through the API from when the ledger has no rule, which is written last; directly once clients have looked."""
    assert door.variables() == AT_REST
    assert door.published() is None
    assert not shop.visitors_of("v2")
    for route, known_from in ((API, cohort.gone_at), (DIRECT, reads.known_from(cohort.gone_at))):
        afterwards = visitors.visits(route, began_from=cohort.gone_at)
        by_canary = [visit.began_at - cohort.gone_at for visit in afterwards if visit.request.version == "v2"]
        known = visitors.visits(route, began_from=known_from)
        tally = Tally.of(known, belongs=belongs, canary="v2")
        report(shop, f"{route}, once every client knew that it was over: {tally}")
        report(shop, f"{route}, before that: {len(by_canary)} by the canary, in {max(by_canary, default=0.0):.1f} s")
        assert tally.cohort_by_stable >= OF_THE_COHORT
        assert (tally.cohort_by_canary, tally.others_by_canary) == (0, 0)


def report(shop: DeployedShop, line: str) -> None:
    print(f"{shop.name} {line}")  # noqa: T201 - what `pytest -s` shows


def _in_share(rollout: Rollout) -> Belongs:
    return lambda user: bucket_of(str(user), rollout.name) < SHARE_OF_USERS.buckets


def _is_german(user: int) -> bool:
    return country_of(user) == "DE"


def everybody_meets_who_they_should(
    visitors: CohortVisitors, reads: RuleReads, seen_from: float, belongs: Belongs
) -> None:
    """Wait for visits of the cohort to the canary, and of others to stable, once every client knows the rule."""
    known_from = eventually(lambda: reads.known_from(seen_from), what="a rule that everybody knows")

    def enough() -> bool:
        tallies = [
            Tally.of(visitors.visits(route, began_from=known_from), belongs=belongs, canary="v2") for route in ROUTES
        ]
        return all(t.cohort_by_canary >= OF_THE_COHORT and t.others_by_stable >= OF_OTHERS for t in tallies)

    eventually(enough, what="visits on each route")


def everybody_gets_to_know(visitors: CohortVisitors, reads: RuleReads, cohort: Cohort, belongs: Belongs) -> None:
    """Wait for visits of the former cohort that began when every client knew that it was over."""
    known_from = eventually(lambda: reads.known_from(cohort.gone_at), what="an end that everybody knows")

    def enough() -> bool:
        visits = [visitors.visits(route, began_from=known_from) for route in ROUTES]
        return all(sum(belongs(visit.user) for visit in of_route) >= OF_THE_COHORT for of_route in visits)

    eventually(enough, what="visits on each route")
