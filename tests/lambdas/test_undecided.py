"""The time of a step is over without a decision, and its plan asks a person then."""

import pytest
from rollout.contract import operator
from rollout.contract.errors import GateFailed

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.held import HOUR, go_on, order, told, until
from tests.lambdas.fakes.settings import A, B, step
from tests.lambdas.fakes.shop import Shop

LEAST, FEW, MANY = 5000, 20, 1200
"""Requests that the first step needs, and those of both slots in a metric period."""


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint with little traffic, whose second step asks for approval as well."""
    found = Shop(aws, steps=(step(10, min_requests=LEAST), step(50, approval_seconds=2 * HOUR), step(100)))
    found.plan["undecided_seconds"] = 3 * HOUR
    found.serve_first()
    found.requests_per_period = FEW
    return found


@pytest.fixture
def undecided(shop: Shop) -> Execution:
    """The rollout of v2, whose first step has used all its time."""
    execution = shop.begin("v2", "Evaluate", index=0)
    until(shop, execution, lambda: shop.ledger.lock().awaits is not None)  # type: ignore[union-attr]
    return execution


def reason(shop: Shop, execution: Execution, number: int = 0) -> str:
    found: str = shop.rollouts()[execution.name]["steps"][number]["reason"]
    return found


def test_it_keeps_its_share_and_asks_once(aws: Aws, shop: Shop, undecided: Execution) -> None:
    undecided.repeat()
    go_on(shop, undecided, HOUR)
    assert (undecided.task, undecided.step["index"], shop.weights()) == ("Evaluate", 0, {A: 90, B: 10})
    (asked,) = told(aws, "Needs Approval")
    assert asked.startswith("its time is over, and it waits for a person to approve or reject it until 2027-01-15T")
    assert "no decision in" in asked


def test_without_a_plan_that_asks_it_is_rolled_back(shop: Shop) -> None:
    shop.plan["undecided_seconds"] = 0
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.run(execution)
    assert shop.outcome(execution)[0] == "ROLLED_BACK"


def test_a_yes_takes_it_as_passed_and_the_ledger_says_whose(aws: Aws, shop: Shop, undecided: Execution) -> None:
    asked = order(aws, "quiet night")
    assert shop.ask(operator.approve(undecided.name, 0, asked, what="decision"))
    until(shop, undecided, lambda: undecided.step["index"] == 1)
    assert reason(shop, undecided).startswith("taken as passed by ann: quiet night: no decision in")
    assert shop.rollouts()[undecided.name]["steps"][0]["approved"] == asked.to_json()


def test_the_look_that_takes_it_as_passed_may_be_repeated(aws: Aws, shop: Shop, undecided: Execution) -> None:
    """Its Lambda can die after it has written that nobody is asked any more."""
    assert shop.ask(operator.approve(undecided.name, 0, order(aws), what="decision"))
    shop.serve()
    assert [undecided.repeat()["next"] for _ in range(2)] == ["NEXT_STEP", "NEXT_STEP"]
    assert len(told(aws, "Needs Approval")) == 1


def test_a_yes_waits_for_new_metrics(aws: Aws, shop: Shop, undecided: Execution) -> None:
    undecided.advance()
    assert shop.ask(operator.approve(undecided.name, 0, order(aws), what="decision"))
    undecided.advance()
    assert undecided.step["index"] == 0
    assert reason(shop, undecided).startswith("approved by ann: looks fine, it goes on when new metrics have come")
    until(shop, undecided, lambda: undecided.step["index"] == 1)
    assert len(told(aws, "Needs Approval")) == 1


def test_a_yes_waits_while_an_alarm_is_unknown_or_a_person_pauses(aws: Aws, shop: Shop, undecided: Execution) -> None:
    assert shop.ask(operator.pause(undecided.name, order(aws)))
    assert shop.ask(operator.approve(undecided.name, 0, order(aws), what="decision"))
    go_on(shop, undecided, HOUR)
    assert undecided.step["index"] == 0
    assert shop.ask(operator.resume(undecided.name, order(aws)))
    aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"
    go_on(shop, undecided, HOUR / 2)
    assert undecided.step["index"] == 0
    aws.cloudwatch.alarms["business"] = "OK"
    until(shop, undecided, lambda: undecided.step["index"] == 1)


def test_a_yes_to_a_step_that_had_passed_comes_too_late(aws: Aws, shop: Shop, undecided: Execution) -> None:
    assert not shop.ask(operator.approve(undecided.name, 0, order(aws), what="approval"))
    go_on(shop, undecided, HOUR)
    assert undecided.step["index"] == 0


def test_without_an_answer_it_is_rolled_back_and_not_judged(shop: Shop, undecided: Execution) -> None:
    shop.run(undecided)
    outcome, why = shop.outcome(undecided)
    assert (outcome, shop.weights()) == ("NOT_JUDGED", {A: 100, B: 0})
    assert why.startswith("nobody decided about 10 % in 3 h: ")
    assert shop.unsafe() == []


def test_a_no_takes_the_traffic_at_once(aws: Aws, shop: Shop, undecided: Execution) -> None:
    assert shop.ask(operator.reject(undecided.name, 0, order(aws, "too quiet")))
    shop.tell_of_order()
    assert shop.weights() == {A: 100, B: 0}


def test_nobody_can_approve_a_gate_that_has_failed(aws: Aws, shop: Shop, undecided: Execution) -> None:
    shop.requests_per_period, shop.failure_rates[B] = MANY, 0.5
    assert shop.ask(operator.approve(undecided.name, 0, order(aws), what="decision"))
    shop.run(undecided)
    assert shop.outcome(undecided)[0] == "ROLLED_BACK"
    assert any(isinstance(error, GateFailed) for error in undecided.errors)
    assert shop.rollouts()[undecided.name]["steps"][0]["percent"] == 10
    assert shop.unsafe() == []


def test_nobody_is_asked_about_a_canary_of_which_nothing_is_seen(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.serve()
    execution.run()
    assert execution.failure is not None
    assert execution.failure["Error"] == "MetricsMissing"


def test_alarms_go_on(shop: Shop, undecided: Execution) -> None:
    shop.panic("business")
    assert shop.weights() == {A: 100, B: 0}
    shop.run(undecided)
    assert shop.outcome(undecided)[0] == "ROLLED_BACK"


def test_a_yes_to_a_step_that_had_passed_is_none_to_one_that_is_undecided(aws: Aws, shop: Shop) -> None:
    """What was approved has changed since then, so the people are asked again."""
    shop.plan["steps"][0]["min_requests"], shop.requests_per_period = 50, MANY
    execution = shop.begin("v2", "Evaluate", index=1)
    until(shop, execution, lambda: shop.ledger.lock().awaits == 1)  # type: ignore[union-attr]
    assert shop.ask(operator.approve(execution.name, 1, order(aws), what="approval"))
    assert shop.ledger.await_approval(execution.name, 1, aws.clock.now() + HOUR, what="decision")
    lock = shop.ledger.lock()
    assert lock is not None
    assert (lock.awaits, lock.awaits_what, lock.approved) == (1, "decision", None)


def test_when_evidence_comes_meanwhile_nobody_is_needed(shop: Shop, undecided: Execution) -> None:
    shop.requests_per_period = MANY
    until(shop, undecided, lambda: undecided.step["index"] == 1)
    assert "taken as passed" not in reason(shop, undecided)
    lock = shop.ledger.lock()
    assert lock is not None
    assert lock.awaits is None
