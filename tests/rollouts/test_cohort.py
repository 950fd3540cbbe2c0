"""A cohort meets the canary, and nobody else does; when it ends, nobody does. `pytest -s` shows the counts."""

import time
from collections.abc import Callable

import pytest
from canary_construct_client import bucket_of
from rollout.contract.stage_variables import AT_REST

from canary_construct import CohortRule
from examples.recommender.cohort_visits import API, DIRECT, KNOWN_AFTER_SECONDS, ROUTES, CohortVisitors, Tally
from examples.recommender.rollouts import PROMOTED, ROLLED_BACK, Rollout
from examples.recommender.traffic import Outcome
from tests.rollouts.cohort_visitors import cohort_visitors, country_of
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.front_door import Cohort, FrontDoor
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually

pytestmark = pytest.mark.xdist_group("rollouts")

SHARE_OF_USERS = CohortRule.share_of_users(20)
GERMANS = CohortRule.regions(["DE"], expected_percent=50)
WATCHED_SECONDS = 8.0
"""How long a cohort is watched that a test ends, and how long its absence is."""
SECONDS_TO_END = 30.0
"""Usually three or four, most of it two cold starts of Lambda; the machine that runs the tests may be very busy."""

Belongs = Callable[[int], bool]


@pytest.mark.long
def test_a_cohort_meets_the_canary_before_a_share_of_all_requests_does(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", cohort=SHARE_OF_USERS, steps=(50, 100)))
    door = FrontDoor(shop)
    with cohort_visitors(shop, door) as visitors:
        shop.deploy(Declaration(version="v2", cohort=SHARE_OF_USERS, steps=(50, 100)))
        cohort = door.cohort_ends(seen_from=door.cohort_begins())
        rollout = shop.rollout_ends("v2")

    report(shop, f"cohort of 20 % of the users, promoted: {rollout.reason}")
    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    assert [step.percent for step in rollout.steps] == [0, 50, 100]
    belongs = _in_share(rollout)
    assert_the_cohort_met_the_canary_and_nobody_else_did(shop, visitors, cohort, belongs)
    assert door.variables() == AT_REST
    shop.comes_to_rest(stable=B)

    # When the weights decide, then they do for everybody
    half = rollout.steps[1]
    assert half.ended_at is not None
    for route in ROUTES:
        visits = visitors.visits(route, began_from=half.shifted_at + KNOWN_AFTER_SECONDS, ended_by=half.ended_at)
        tally = Tally.of(visits, belongs=belongs, canary="v2")
        report(shop, f"{route}, at 50 %: {tally}")
        assert 0 not in tally.counts


def test_a_canary_that_fails_its_cohort_loses_it(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", cohort=SHARE_OF_USERS))
    door = FrontDoor(shop)
    failing = Declaration(version="v2", cohort=SHARE_OF_USERS, environment=(("FAILURE_RATE", "0.15"),))
    with cohort_visitors(shop, door, requests_per_second=15.0) as visitors:
        shop.deploy(failing)
        cohort = door.cohort_ends(seen_from=door.cohort_begins())
        rollout = shop.rollout_ends("v2")
        shop.comes_to_rest(stable=A)
        _everybody_gets_to_know(cohort)

    report(shop, f"cohort of 20 % of the users, rolled back: {rollout.reason}")
    assert rollout.outcome == ROLLED_BACK
    assert rollout.reason.startswith("errors: canary ") or rollout.reason == f"{shop.alarm_of(B)} is in ALARM"
    belongs = _in_share(rollout)
    assert_the_cohort_met_the_canary_and_nobody_else_did(shop, visitors, cohort, belongs)
    assert_nobody_meets_the_canary(shop, door, visitors, cohort, belongs)


def test_an_alarm_ends_the_cohort_of_a_region_at_once(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", cohort=GERMANS))
    door = FrontDoor(shop)
    with cohort_visitors(shop, door) as visitors:
        shop.deploy(Declaration(version="v2", cohort=GERMANS))
        seen_from = door.cohort_begins()
        eventually(lambda: time.time() > seen_from + KNOWN_AFTER_SECONDS + WATCHED_SECONDS, what="time to watch")
        alarm = shop.alarm_of(B)
        raised_at = shop.raise_alarm(alarm)
        cohort = door.cohort_ends(seen_from=seen_from)
        rollout = shop.rollout_ends("v2")
        shop.comes_to_rest(stable=A)
        _everybody_gets_to_know(cohort)

    report(shop, f"cohort of Germans, rolled back: {rollout.reason}")
    assert (rollout.outcome, rollout.reason) == (ROLLED_BACK, f"{alarm} is in ALARM")
    assert_the_cohort_met_the_canary_and_nobody_else_did(shop, visitors, cohort, _is_german)
    assert_nobody_meets_the_canary(shop, door, visitors, cohort, _is_german)
    for route in ROUTES:
        last = max(visit.began_at for visit in visitors.visits(route) if visit.request.version == "v2")
        seconds = shop.measured[f"seconds {route}"] = last - raised_at
        report(shop, f"{route}, from the alarm to the last request that the canary answered: {seconds:.1f} s")
    assert shop.measured[f"seconds {API}"] < SECONDS_TO_END


def assert_the_cohort_met_the_canary_and_nobody_else_did(
    shop: DeployedShop, visitors: CohortVisitors, cohort: Cohort, belongs: Belongs
) -> None:
    """While clients get to know of the rule, the cohort may go either way, and others may not."""
    assert cohort.weights
    assert all(weights == {A: 100, B: 0} for weights in cohort.weights)
    known_from = cohort.seen_from + KNOWN_AFTER_SECONDS
    for route in ROUTES:
        sent = visitors.visits(route)
        assert all(visit.request.outcome is not Outcome.UNANSWERED for visit in sent)
        assert {visit.request.version for visit in sent} == {"v1", "v2"}
        before = Tally.of(visitors.visits(route, ended_by=known_from), belongs=belongs, canary="v2")
        known = visitors.visits(route, began_from=known_from, ended_by=cohort.seen_until)
        tally = Tally.of(known, belongs=belongs, canary="v2")
        report(shop, f"{route}, before every client knew the rule: {before}")
        report(shop, f"{route}, {cohort.seen_until - known_from:.0f} s of the cohort: {tally}")
        assert tally.cohort_by_canary >= 5
        assert tally.others_by_stable >= 20
        assert (tally.cohort_by_stable, tally.others_by_canary, before.others_by_canary) == (0, 0, 0)
    strangers = [request for request in shop.visitors_of("v2") if request.sent_at < cohort.seen_until]
    assert not strangers, "clients that know no rule must not meet a canary of weight 0"


def assert_nobody_meets_the_canary(
    shop: DeployedShop, door: FrontDoor, visitors: CohortVisitors, cohort: Cohort, belongs: Belongs
) -> None:
    """Through the API from when the ledger has no rule, which is written last; directly once clients have looked."""
    assert door.variables() == AT_REST
    assert door.published() is None
    assert not shop.visitors_of("v2")
    for route, known_after in ((API, 0.0), (DIRECT, KNOWN_AFTER_SECONDS)):
        afterwards = visitors.visits(route, began_from=cohort.gone_at)
        by_canary = [visit.began_at - cohort.gone_at for visit in afterwards if visit.request.version == "v2"]
        known = visitors.visits(route, began_from=cohort.gone_at + known_after)
        tally = Tally.of(known, belongs=belongs, canary="v2")
        report(shop, f"{route}, once every client knew that it was over: {tally}")
        report(shop, f"{route}, before that: {len(by_canary)} by the canary, in {max(by_canary, default=0.0):.1f} s")
        assert tally.cohort_by_stable >= 5
        assert (tally.cohort_by_canary, tally.others_by_canary) == (0, 0)


def report(shop: DeployedShop, line: str) -> None:
    print(f"{shop.name} {line}")  # noqa: T201 - what `pytest -s` shows


def _in_share(rollout: Rollout) -> Belongs:
    return lambda user: bucket_of(str(user), rollout.name) < SHARE_OF_USERS.buckets


def _is_german(user: int) -> bool:
    return country_of(user) == "DE"


def _everybody_gets_to_know(cohort: Cohort) -> None:
    until = cohort.gone_at + KNOWN_AFTER_SECONDS + WATCHED_SECONDS
    eventually(lambda: time.time() > until, what="time for everybody to know")
