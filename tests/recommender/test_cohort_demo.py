"""What the demonstration of cohorts concludes from who answered whom."""

import pytest
from canary_construct_client import CANARY, choose_variant
from rollout.contract.names import ROLLED_BACK

from examples.recommender.demo.cohort import Look, Trial, judge
from examples.recommender.demo.rollouts import Rollout
from examples.recommender.shop.cohort_visits import API, DIRECT, KNOWN_AFTER_SECONDS, CohortVisitors, Visit
from examples.recommender.shop.traffic import Outcome, Request

SHARE = 20.0
ROLLOUT = Rollout(
    name="v3-1",
    version="v3",
    outcome=ROLLED_BACK,
    reason="errors: canary 9 of 80 requests failed, evidence 1 in 200",
    started_at=0,
    ended_at=110,
    steps=(),
)
TRIAL = Trial(rollout=ROLLOUT, cohort_from=10, cohort_until=100, gone_at=101)
MEMBERS = [user for user in range(100) if choose_variant(str(user), SHARE, ROLLOUT.name) == CANARY]
OTHERS = [user for user in range(100) if user not in MEMBERS]
WHILE_KNOWN, AFTERWARDS = 50.0, TRIAL.gone_at + KNOWN_AFTER_SECONDS


def visit(route: str, user: int, at: float, version: str) -> Visit:
    request = Request(sent_at=at, latency_ms=1000, outcome=Outcome.OK, version=version)
    return Visit(route=route, user=user, began_at=at, ended_at=at + 1, request=request)


def failed(*more: Visit) -> list[str]:
    """Return the claims that do not hold when these visits come on top of what must be."""
    visitors = CohortVisitors({}, users=100, requests_per_second=1)
    for route in (API, DIRECT):
        visitors._visits += [visit(route, user, WHILE_KNOWN, "v3") for user in MEMBERS]
        visitors._visits += [visit(route, user, WHILE_KNOWN, "v1") for user in OTHERS]
        visitors._visits += [visit(route, user, AFTERWARDS, "v1") for user in MEMBERS + OTHERS]
    visitors._visits += more
    return [check.claim for check in judge(TRIAL, visitors, share=SHARE) if not check.holds]


def test_a_cohort_that_met_the_canary_alone_and_only_while_it_was_published_is_what_must_be() -> None:
    assert failed() == []


@pytest.mark.parametrize("route", [API, DIRECT])
@pytest.mark.parametrize(("user", "version"), [(OTHERS[0], "v3"), (MEMBERS[0], "v1")])
def test_one_request_that_went_the_wrong_way_is_found(route: str, user: int, version: str) -> None:
    assert failed(visit(route, user, WHILE_KNOWN, version)) == [
        f"v3 {route}: the canary answers all of the cohort and nobody else"
    ]


def test_a_request_of_the_canary_after_the_rollback_is_found() -> None:
    late = TRIAL.gone_at + 1
    assert failed(visit(API, MEMBERS[0], late, "v3")) == [f"v3 {API}: after the rollback the canary answers nobody"]
    assert failed(visit(DIRECT, MEMBERS[0], late, "v3")) == [], "a client may still have the rule"


def test_a_cohort_lasts_between_the_looks_that_saw_it() -> None:
    looks = [Look(began_at=at, ended_at=at + 0.5, published=10 <= at < 13) for at in range(20)]
    trial = Trial.of(ROLLOUT, looks)
    assert (trial.cohort_from, trial.cohort_until, trial.gone_at) == (10.5, 12, 13.5)


def test_a_rollout_that_ended_before_its_cohort_says_why() -> None:
    with pytest.raises(LookupError, match="v3 ended ROLLED_BACK without a cohort: errors: canary 9 of 80"):
        Trial.of(ROLLOUT, [Look(began_at=1, ended_at=2, published=False)])
