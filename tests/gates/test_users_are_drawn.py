"""In a cohort users are drawn and requests are counted: what the users explain by themselves is no evidence.

Each trap is built in: without the spread of the users, the claim breaks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rollout.contract.gate_rules import InvalidGatesError, JudgeRules
from rollout.gates import Counts, Judge
from rollout.gates.gate import Gate

from bench.gates.users import CHANCE, PERCENT, Study, Users, buyers, customers, shoppers
from canary_construct.props.cohort_rule import CohortRule
from tests.gates.rollouts import judge, minutes, run

UNDECLARED = CohortRule.share_of_users(PERCENT).spread(CHANCE)
ROLLOUTS, MOST = 60, 2
"""The promise is 1 %; 2 of 60 are two standard errors above it."""
PARTS = 12
"""An hour is counted in so many parts, so that these tests take seconds."""


def equal_releases_stay(study: Study, spread: float | None) -> None:
    found = [end for end in study.ends(ROLLOUTS, spread, count=PARTS) if end is not None]
    assert len(found) <= MOST


@pytest.mark.parametrize("draw", [customers, shoppers])
@pytest.mark.parametrize("spread", [UNDECLARED, None], ids=["not declared", "declared"])
def test_equal_releases_stay_though_a_few_users_make_most_errors(
    draw: Callable[[np.random.Generator], Users], spread: float | None
) -> None:
    equal_releases_stay(Study("", draw), spread)


@pytest.mark.parametrize("draw", [customers, shoppers])
def test_without_the_spread_of_users_equal_releases_would_be_rolled_back(
    draw: Callable[[np.random.Generator], Users],
) -> None:
    with pytest.raises(AssertionError):
        equal_releases_stay(Study("", draw), 1.0)


@pytest.mark.parametrize("draw", [customers, shoppers])
def test_a_broken_release_is_found_in_minutes_though_nobody_says_who_the_users_are(
    draw: Callable[[np.random.Generator], Users],
) -> None:
    ends = [*Study("", draw).ends(20, UNDECLARED, broken=True)]
    assert all(end is not None and end <= 6 for end in ends)


@pytest.mark.parametrize(
    "draw",
    [customers, shoppers, lambda generator: shoppers(generator, failing=0.001), buyers],
    ids=["customers", "shoppers", "few who fail", "buyers"],
)
def test_a_declared_spread_is_exceeded_by_chance_alone(draw: Callable[[np.random.Generator], Users]) -> None:
    generator = np.random.default_rng(1)
    draws, exceeded = 1000, 0
    users = draw(generator)
    for _ in range(draws):
        inside = users.cohort(generator)
        canary, stable = (np.average(users.rates[group], weights=users.requests[group]) for group in (inside, ~inside))
        exceeded += canary / stable > users.spread
    assert exceeded <= draws * CHANCE + 3 * (draws * CHANCE) ** 0.5


def a_count_of_the_cohort_that_is_read_in_the_next_step_stays_without_a_claim(**config: Any) -> None:
    of_cohort, own = Counts(300, 30, 5700, 57), Counts(3000, 30, 3000, 30)
    rollout = [
        *minutes(30, of_cohort),
        *minutes(20, of_cohort, start=30, step=1),
        *minutes(30, own, start=50, step=1),
    ]
    assert run(judge(delay=20, **config), rollout).verdict == "PASS"


def test_a_delayed_count_has_the_users_of_the_step_that_showed_it() -> None:
    a_count_of_the_cohort_that_is_read_in_the_next_step_stays_without_a_claim(spreads=[10.0])


def test_a_delayed_count_would_be_blamed_on_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = property(lambda self: self.rule.spread_in(self.step))
    monkeypatch.setattr(Gate, "spread", spread)
    with pytest.raises(AssertionError):
        a_count_of_the_cohort_that_is_read_in_the_next_step_stays_without_a_claim(spreads=[10.0])


WORSE_AND_BROKEN = {"twice as many errors": (0.02, False), "thirty times as many": (0.3, True)}


@pytest.mark.parametrize(("rate", "broken"), WORSE_AND_BROKEN.values(), ids=[*WORSE_AND_BROKEN])
def test_a_cohort_finds_what_is_broken_and_the_step_after_it_what_is_worse(rate: float, *, broken: bool) -> None:
    of_canary, of_stable = (300, round(300 * rate)), (5700, 57)
    rules = judge(spreads=[10.0])
    in_cohort = minutes(30, Counts(*of_canary, *of_stable))
    assert (run(rules, in_cohort).verdict == "FAIL") is broken
    in_both = [*in_cohort, *minutes(30, Counts(*of_canary, *of_stable), start=30, step=1)]
    assert run(rules, in_both).verdict == "FAIL"


def test_minutes_that_are_bad_by_the_users_of_a_cohort_are_not_those_of_a_crash_loop() -> None:
    tenfold = minutes(30, Counts(3000, 90, 57000, 171))
    assert run(judge(), tenfold).verdict == "FAIL"
    assert run(judge(spreads=[10.0]), tenfold).verdict == "CONTINUE"


def test_a_cohort_does_not_prove_that_a_release_is_as_good() -> None:
    equal = minutes(120, Counts(300, 3, 5700, 57))
    assert run(judge(min_difference=0.0005), equal).verdict == "PASS"
    assert run(judge(min_difference=0.0005, spreads=[10.0]), equal).verdict == "CONTINUE"


def test_required_proof_is_left_to_a_step_that_can_give_it() -> None:
    equal = minutes(60, Counts(300, 3, 5700, 57))
    for spread, verdict in ((10.0, "PASS"), (1.5, "CONTINUE")):
        rules = judge(spreads=[spread], require_proof=True)
        state, _ = rules.update(rules.new_state(), equal)
        assert rules.at_bake_end(state).verdict == verdict
    in_next = [*equal, *minutes(6, Counts(300, 3, 5700, 57), start=60, step=1)]
    rules = judge(spreads=[10.0], require_proof=True)
    state, _ = rules.update(rules.new_state(), in_next)
    assert rules.at_bake_end(state).verdict == "CONTINUE"


def test_half_of_alpha_is_for_the_draw() -> None:
    assert judge(alpha=0.02).rules.alpha_of_requests == 0.02
    assert judge(alpha=0.02, spreads=[10.0]).rules.alpha_of_requests == 0.01


@pytest.mark.parametrize(
    ("spread", "says"),
    [
        (10.0, "it cannot judge what is better; no sign that the canary is at least 12.5 times worse (rolls back at"),
        (1.2, "may explain a rate 1.2 times as high or as low; no sign that the canary is at least 1.5 times worse"),
    ],
)
def test_the_sentence_says_what_the_step_can_judge(spread: float, says: str) -> None:
    rollout = minutes(3, Counts(300, 3, 5700, 57))
    assert says in run(judge(spreads=[spread]), rollout).reason
    rollout += minutes(3, Counts(3000, 30, 3000, 30), start=3, step=1)
    assert "own users" not in run(judge(spreads=[spread]), rollout).reason


@pytest.mark.parametrize(("spreads", "sentence"), [([0.5], "spreads must be at least 1, got 0.5"), ("2", "a list")])
def test_a_spread_is_a_factor_of_at_least_one(spreads: Any, sentence: str) -> None:
    with pytest.raises(InvalidGatesError, match=sentence):
        judge(spreads=spreads)


def test_spreads_survive_json() -> None:
    rules = Judge.from_config({"gates": [{"name": "errors", "spreads": [10.0, 3]}]}).rules
    assert JudgeRules.parse(rules.to_json()) == rules
    assert rules.to_json()["gates"][0]["spreads"] == [10.0, 3]
