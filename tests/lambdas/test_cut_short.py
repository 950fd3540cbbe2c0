"""A person skips what is left of a bake: the step still needs everything but the time and the harm budget's pace."""

import pytest
from rollout.clock import iso
from rollout.contract import operator
from rollout.contract.order import Order

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.paced import ordered, paced_shop, run_until_share, shares
from tests.lambdas.fakes.settings import PACED, SCALED, A, B, step
from tests.lambdas.fakes.shop import Shop

WHO = "arn:aws:sts::123456789012:assumed-role/on-call/ann"
SKIPPED = "the rest of the bake was skipped by ann: a hot fix"
HOUR = 3600
LONG = {"bake_seconds": 10 * HOUR, "max_bake_seconds": 20 * HOUR}


def order(aws: Aws, why: str = "a hot fix") -> Order:
    return Order(who=WHO, at=iso(aws.clock.now()), why=why)


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint whose first step bakes for ten hours, whatever it has shown."""
    found = Shop(aws, steps=(step(10, **LONG), step(50), step(100)))
    found.serve_first()
    return found


@pytest.fixture
def baking(shop: Shop) -> Execution:
    """The rollout of v2 in that bake."""
    return shop.begin("v2", "Evaluate", index=0)


def looks(shop: Shop, execution: Execution, number: int) -> None:
    for _ in range(number):
        shop.serve()
        execution.advance()


def test_the_step_passes_at_the_next_look_that_has_seen_enough(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 5)
    assert baking.step["index"] == 0, "its bake is ten hours long"
    asked = order(aws)
    assert shop.ask(operator.promote(baking.name, 0, asked))
    looks(shop, baking, 2)
    assert baking.step["index"] == 1
    (first, *_) = shop.rollouts()[baking.name]["steps"]
    assert first["promoted"] == asked.to_json()
    assert first["reason"].endswith(SKIPPED)


def test_the_reason_of_the_end_says_who_skipped_what(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 3)
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    shop.run(baking)
    assert shop.outcome(baking) == ("PROMOTED", f"every step passed; at 10 % {SKIPPED}")
    assert aws.events.told()[-1][1]["reason"] == f"every step passed; at 10 % {SKIPPED}"
    assert shop.unsafe() == []


def test_so_does_that_of_a_rollback(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 3)
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    shop.run(baking, "Evaluate", index=1)
    shop.failure_rates[B] = 0.5
    shop.run(baking)
    outcome, reason = shop.outcome(baking)
    assert (outcome, reason.endswith(f"at 10 % {SKIPPED}")) == ("ROLLED_BACK", True), reason


def test_no_traffic_is_no_reason_to_pass(aws: Aws, shop: Shop, baking: Execution) -> None:
    """Invariant 4: a person skips time, not evidence."""
    shop.requests_per_period = 0
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    looks(shop, baking, 10)
    assert (baking.step["index"], shop.weights()) == (0, {A: 90, B: 10})


def test_a_failed_gate_ends_it(aws: Aws, shop: Shop, baking: Execution) -> None:
    shop.failure_rates[B] = 0.5
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    shop.run(baking)
    assert shop.outcome(baking)[0] == "ROLLED_BACK"
    assert shop.weights() == {A: 100, B: 0}


def test_an_alarm_ends_it(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 3)
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    aws.cloudwatch.alarms["business"] = "ALARM"
    shop.run(baking)
    assert shop.outcome(baking)[0] == "ROLLED_BACK"


def test_it_is_for_its_step_and_its_rollout_only(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 5)
    assert not shop.ask(operator.promote("v1-1", 0, order(aws)))
    assert shop.ask(operator.promote(baking.name, 1, order(aws)))
    looks(shop, baking, 5)
    assert baking.step["index"] == 0


def test_an_order_for_the_step_before_that_comes_late_replaces_none(aws: Aws, shop: Shop, baking: Execution) -> None:
    """Somebody was asked whether to skip the first bake, and says yes when another has skipped the second one."""
    now = order(aws)
    assert shop.ask(operator.promote(baking.name, 1, now))
    assert not shop.ask(operator.promote(baking.name, 0, order(aws, "late")))
    lock = shop.lock()
    assert lock is not None
    assert (lock.cut_short, lock.cut_short_step) == (now, 1)


def test_the_second_of_two_people_is_told_that_the_first_was_faster(aws: Aws, shop: Shop, baking: Execution) -> None:
    first = order(aws)
    assert shop.ask(operator.promote(baking.name, 0, first))
    assert not shop.ask(operator.promote(baking.name, 0, order(aws, "me too")))
    lock = shop.lock()
    assert lock is not None
    assert (lock.cut_short, lock.cut_short_step) == (first, 0)


def test_nothing_is_skipped_in_a_pause(aws: Aws, shop: Shop, baking: Execution) -> None:
    assert shop.ask(operator.pause(baking.name, order(aws)))
    assert not shop.ask(operator.promote(baking.name, 0, order(aws)))


def test_a_pause_after_it_holds_the_step(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 3)
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    assert shop.ask(operator.pause(baking.name, order(aws)))
    looks(shop, baking, 5)
    assert baking.step["index"] == 0


def test_it_is_no_approval(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(10, **LONG, approval_seconds=2 * HOUR), step(100)))
    shop.serve_first()
    baking = shop.begin("v2", "Evaluate", index=0)
    looks(shop, baking, 5)
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    looks(shop, baking, 3)
    lock = shop.lock()
    assert lock is not None
    assert (lock.awaits, baking.step["index"]) == (0, 0)
    assert not shop.ask(operator.promote(baking.name, 0, order(aws)))


def test_an_order_to_halt_leaves_nothing_to_skip(aws: Aws, shop: Shop, baking: Execution) -> None:
    shop.ledger.halt(baking.name, "an alarm", aws.clock.now())
    assert not shop.ask(operator.promote(baking.name, 0, order(aws)))


def test_an_evaluation_that_is_repeated_decides_the_same(aws: Aws, shop: Shop, baking: Execution) -> None:
    looks(shop, baking, 8)
    assert shop.ask(operator.promote(baking.name, 0, order(aws)))
    shop.serve()
    assert baking.repeat()["next"] == baking.repeat()["next"] == "NEXT_STEP"


def test_a_paced_share_goes_to_that_of_its_step_whatever_the_harm_budget_says(aws: Aws) -> None:
    """Instances come first, and the shift handler raises it."""
    shop = Shop(aws, steps=PACED, harm_budget=20, scaling={**SCALED, "invocations_per_instance": 30_000})
    shop.plan["steps"] = [{**each, "min_requests": 5} for each in shop.plan["steps"]]
    shop.requests_per_period = 60_000
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=0)
    looks(shop, execution, 8)
    assert shares(shop, execution)[-1] < 1
    assert shop.ask(operator.promote(execution.name, 0, order(aws)))
    run_until_share(shop, execution, 10)
    *_, before, now = shares(shop, execution)
    assert (before < 1, now) == (True, 10), "alone it rises to five times the share before, at most"
    assert SKIPPED in shop.rollouts()[execution.name]["steps"][-2]["reason"]
    shop.run(execution, "Evaluate", index=1)
    assert shop.ask(operator.promote(execution.name, 1, order(aws, "again")))
    run_until_share(shop, execution, 50)
    assert ordered(aws)[-1] == 50
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_a_paced_share_under_suspicion_is_not_raised(aws: Aws) -> None:
    shop = paced_shop(aws)
    shop.plan["steps"] = [{**each, "min_requests": 5} for each in shop.plan["steps"]]
    execution = shop.begin("v2", "Evaluate", index=0)
    run_until_share(shop, execution, 2)
    shop.failure_rates = {B: 0.2}
    looks(shop, execution, 1)
    before = max(shares(shop, execution))
    assert before < 10
    assert shop.ask(operator.promote(execution.name, 0, order(aws)))
    shop.run(execution)
    assert shop.outcome(execution)[0] != "PROMOTED"
    assert max(shares(shop, execution)) == before
