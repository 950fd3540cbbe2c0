"""People hold a rollout: a step waits for their approval, or somebody has paused it."""

from dataclasses import replace

import pytest
from rollout.contract import operator
from rollout.contract.plan import Plan
from rollout.contract.states import Awaits, Next, StepState
from rollout.decisions.bake import Decision
from rollout.gates import Judge
from rollout.holding import hold
from rollout.step_look import Looked

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.held import HOUR, go_on, order, told, until
from tests.lambdas.fakes.settings import A, B, step
from tests.lambdas.fakes.shop import Shop

STEPS = (step(10), step(50, approval_seconds=2 * HOUR), step(100))


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint whose second step asks for approval."""
    found = Shop(aws, steps=STEPS)
    found.serve_first()
    return found


@pytest.fixture
def waiting(shop: Shop) -> Execution:
    """The rollout of v2, whose second step has passed and waits."""
    execution = shop.begin("v2", "Evaluate", index=1)
    until(shop, execution, lambda: shop.ledger.lock().awaits is not None)  # type: ignore[union-attr]
    return execution


def test_a_step_that_has_passed_keeps_its_share_until_somebody_approves(shop: Shop, waiting: Execution) -> None:
    go_on(shop, waiting, HOUR)
    assert (waiting.task, waiting.step["index"], shop.weights()) == ("Evaluate", 1, {A: 50, B: 50})
    assert "it waits for approval until" in shop.rollouts()[waiting.name]["steps"][1]["reason"]


def test_with_an_approval_it_goes_on_and_the_ledger_says_whose(aws: Aws, shop: Shop, waiting: Execution) -> None:
    asked = order(aws)
    assert shop.ask(operator.approve(waiting.name, 1, asked, what="approval"))
    shop.run(waiting)
    assert shop.outcome(waiting)[0] == "PROMOTED"
    assert shop.rollouts()[waiting.name]["steps"][1]["approved"] == asked.to_json()
    assert shop.unsafe() == []


def test_it_is_told_once_that_it_waits(aws: Aws, shop: Shop, waiting: Execution) -> None:
    waiting.repeat()
    go_on(shop, waiting, HOUR)
    (reason,) = told(aws, "Needs Approval")
    assert reason.startswith("it waits for approval until 2027-01-15T")


def test_nobody_is_asked_before_the_step_has_passed(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    execution.repeat()
    assert told(aws, "Needs Approval") == []
    assert not shop.ask(operator.approve(execution.name, 1, order(aws), what="approval"))


def test_without_an_approval_in_time_it_is_rolled_back_and_not_judged(shop: Shop, waiting: Execution) -> None:
    shop.run(waiting)
    assert shop.outcome(waiting) == ("NOT_JUDGED", "nobody approved 50 % in 2 h")
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


def test_a_yes_in_the_last_moment_counts(aws: Aws, shop: Shop, waiting: Execution) -> None:
    """The look that finds that the time is over has read the lock before."""
    taken: list[bool] = []
    aws.wait(2 * HOUR)
    shop.serve()
    yes = operator.approve(waiting.name, 1, order(aws), what="approval")
    aws.interrupt("DescribeEndpoint", lambda: taken.append(shop.ask(yes)))
    waiting.advance()
    assert (taken, waiting.task) == ([True], "Evaluate")
    until(shop, waiting, lambda: waiting.step["index"] == 2)


def test_a_yes_after_that_is_refused(aws: Aws, shop: Shop, waiting: Execution) -> None:
    aws.wait(2 * HOUR)
    shop.serve()
    waiting.advance()
    assert waiting.task == "RollBack"
    assert not shop.ask(operator.approve(waiting.name, 1, order(aws), what="approval"))


def test_a_refusal_takes_the_traffic_at_once(aws: Aws, shop: Shop, waiting: Execution) -> None:
    assert shop.ask(operator.reject(waiting.name, 1, order(aws, "not on a Friday")))
    shop.tell_of_order()
    assert shop.weights() == {A: 100, B: 0}
    shop.restore(waiting.name, "ABORTED")
    assert shop.outcome(waiting) == ("NOT_JUDGED", "approval refused by ann: not on a Friday")


def test_it_can_be_approved_in_a_pause(aws: Aws, shop: Shop, waiting: Execution) -> None:
    assert shop.ask(operator.pause(waiting.name, order(aws)))
    go_on(shop, waiting, HOUR)
    assert shop.ask(operator.approve(waiting.name, 1, order(aws), what="approval"))
    go_on(shop, waiting, 2 * HOUR)
    assert (waiting.task, waiting.step["index"], shop.weights()) == ("Evaluate", 1, {A: 50, B: 50})
    assert shop.ask(operator.resume(waiting.name, order(aws)))
    until(shop, waiting, lambda: waiting.step["index"] == 2)


def test_it_can_be_approved_while_no_new_metrics_come(aws: Aws, shop: Shop, waiting: Execution) -> None:
    for _ in range(3):
        waiting.advance()
        lock = shop.lock()
        assert lock is not None
        assert lock.awaits == 1
    assert shop.ask(operator.approve(waiting.name, 1, order(aws), what="approval"))
    until(shop, waiting, lambda: waiting.step["index"] == 2)


def test_a_question_that_was_withdrawn_has_all_its_time_again(aws: Aws, shop: Shop, waiting: Execution) -> None:
    """As after a brake: the step must earn its share once more."""
    now = aws.clock.now()
    state = replace(StepState.parse(waiting.step), awaits_since=now - HOUR, next=Next.RAISE)
    judge = Judge(Plan.parse(shop.plan).gates.judge)
    looked = Looked(state, judge.at_bake_end(judge.new_state()), Decision(Next.RAISE, "it rises again"), state)
    lock = shop.lock()
    assert lock is not None
    assert hold(shop.world, Plan.parse(shop.plan), looked, lock, None, now).awaits_since is None
    again = shop.lock()
    assert again is not None
    assert again.awaits is None


def test_an_approval_is_for_its_step_and_its_rollout_only(aws: Aws, shop: Shop, waiting: Execution) -> None:
    assert not shop.ask(operator.approve(waiting.name, 2, order(aws), what="approval"))
    assert not shop.ask(operator.approve("v1-1", 1, order(aws), what="approval"))
    assert shop.ask(operator.approve(waiting.name, 1, order(aws), what="approval"))
    until(shop, waiting, lambda: waiting.step["index"] == 2)
    assert not shop.ask(operator.approve(waiting.name, 1, order(aws), what="approval"))


def test_gates_go_on_while_it_waits(shop: Shop, waiting: Execution) -> None:
    shop.failure_rates[B] = 0.3
    shop.run(waiting)
    assert shop.outcome(waiting)[0] == "ROLLED_BACK"
    assert shop.unsafe() == []


def test_alarms_go_on_while_it_waits(shop: Shop, waiting: Execution) -> None:
    shop.panic("business")
    assert shop.weights() == {A: 100, B: 0}
    shop.run(waiting)
    assert shop.outcome(waiting)[0] == "ROLLED_BACK"


def test_a_pause_raises_nothing_until_somebody_resumes(aws: Aws, shop: Shop) -> None:
    """The time does not count against the step's longest bake of six minutes."""
    execution = shop.begin("v2", "Evaluate", index=0)
    asked = order(aws, "lunch")
    assert shop.ask(operator.pause(execution.name, asked))
    go_on(shop, execution, 5 * HOUR)
    assert (execution.task, execution.step["index"], shop.weights()) == ("Evaluate", 0, {A: 90, B: 10})
    assert "paused by ann: lunch" in shop.rollouts()[execution.name]["steps"][0]["reason"]
    assert shop.rollouts()[execution.name]["steps"][0]["paused"] == asked.to_json()
    assert shop.ask(operator.resume(execution.name, order(aws)))
    until(shop, execution, lambda: execution.step["index"] == 1)


def test_a_pause_before_the_first_share_gives_nothing_and_asks_for_no_instances(aws: Aws, shop: Shop) -> None:
    """The time does not count for its instances, nor for its first bake."""
    execution = shop.begin("v2", "ScaleCanary", index=0)
    floors = shop.floors()
    assert shop.ask(operator.pause(execution.name, order(aws, "a call")))
    go_on(shop, execution, 5 * HOUR)
    assert (execution.task, shop.weights(), shop.floors()) == ("ScaleCanary", {A: 100, B: 0}, floors)
    assert told(aws, "Held") == ["paused by ann: a call"]
    assert told(aws, "Resumed") == []
    assert shop.ask(operator.resume(execution.name, order(aws, "go")))
    until(shop, execution, lambda: shop.weights()[B])
    assert told(aws, "Resumed") == ["resumed by ann: go"]
    until(shop, execution, lambda: execution.step["index"] == 1)
    assert execution.step["held_before"] > 4 * HOUR


def test_an_abort_ends_a_rollout_that_is_paused_before_its_first_share(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "ScaleCanary", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws)))
    execution.advance()
    assert shop.ask(operator.abort(execution.name, order(aws, "no")))
    shop.run(execution)
    assert (shop.outcome(execution), shop.weights()) == (("NOT_JUDGED", "aborted by ann: no"), {A: 100, B: 0})
    assert shop.unsafe() == []


def test_a_pause_before_the_first_share_that_nobody_ends_ends_the_rollout(aws: Aws, shop: Shop) -> None:
    shop.plan["hold_seconds"] = 2 * HOUR
    shop.plan["steps"] = [step(10), step(50), step(100)]
    execution = shop.begin("v2", "ScaleCanary", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws)))
    shop.run(execution)
    outcome, reason = shop.outcome(execution)
    assert (outcome, shop.weights()) == ("NOT_JUDGED", {A: 100, B: 0})
    assert reason.endswith("and its plan has room for 2 h")
    assert shop.unsafe() == []


def test_gates_go_on_in_a_pause(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws)))
    shop.failure_rates[B] = 0.5
    shop.run(execution)
    assert shop.outcome(execution)[0] == "ROLLED_BACK"


def test_pauses_of_more_than_a_day_in_all_end_the_rollout_and_nobody_is_judged(aws: Aws, shop: Shop) -> None:
    shop.plan["hold_seconds"] = 2 * HOUR
    shop.plan["steps"] = [step(10), step(50), step(100)]
    execution = shop.begin("v2", "Evaluate", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws)))
    go_on(shop, execution, 1.5 * HOUR)
    assert shop.ask(operator.resume(execution.name, order(aws)))
    until(shop, execution, lambda: execution.step["index"] == 1 and execution.task == "Evaluate")
    assert execution.step["held_seconds"] == execution.step["held_before"] > HOUR
    assert shop.ask(operator.pause(execution.name, order(aws)))
    shop.run(execution)
    outcome, reason = shop.outcome(execution)
    assert outcome == "NOT_JUDGED"
    assert reason.endswith("and its plan has room for 2 h")
    assert shop.unsafe() == []


def test_a_held_rollout_is_looked_at_less_often(aws: Aws, shop: Shop) -> None:
    shop.plan["hold_interval_seconds"] = 600
    execution = shop.begin("v2", "Evaluate", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws)))
    shop.serve()
    assert execution.repeat()["look_after"] == 600


def test_nothing_is_paused_or_resumed_twice_nor_in_a_rollout_that_is_halted(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    assert not shop.ask(operator.resume(execution.name, order(aws)))
    assert shop.ask(operator.pause(execution.name, order(aws)))
    assert not shop.ask(operator.pause(execution.name, order(aws)))
    assert shop.ask(operator.abort(execution.name, order(aws)))
    assert not shop.ask(operator.resume(execution.name, order(aws)))


def test_an_alarm_without_data_does_not_take_the_question_back_and_holds_the_step_after_the_yes(
    aws: Aws, shop: Shop, waiting: Execution
) -> None:
    aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"
    go_on(shop, waiting, 600)
    assert told(aws, "Resumed") == []
    assert shop.ask(operator.approve(waiting.name, 1, order(aws), what="approval"))
    go_on(shop, waiting, 120)
    assert (waiting.task, waiting.step["index"], shop.weights()) == ("Evaluate", 1, {A: 50, B: 50})


@pytest.mark.parametrize("told_by", ["its event", "a look"])
def test_an_alarm_of_the_caller_judges_no_release_that_nobody_met(aws: Aws, shop: Shop, told_by: str) -> None:
    execution = shop.begin("v2", "ScaleCanary", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws, "until Monday")))
    go_on(shop, execution, HOUR)
    aws.cloudwatch.alarms["business"] = "ALARM"
    if told_by == "its event":
        shop.panic("business")
    shop.run(execution)
    assert shop.outcome(execution) == ("NOT_JUDGED", "business is in ALARM, before the release has had a request")
    assert shop.unsafe() == []


def test_a_step_that_passes_anew_after_a_brake_asks_anew(aws: Aws, shop: Shop, waiting: Execution) -> None:
    """At its new share; a repeated look at the same one tells nothing."""
    now, lock = aws.clock.now(), shop.lock()
    assert lock is not None
    state = StepState.parse(waiting.step)
    anew = replace(state, awaits_since=None, exposure=replace(state.exposure, number=state.exposure.number + 2))
    judge = Judge(Plan.parse(shop.plan).gates.judge)
    for each in (state, anew, anew):
        looked = Looked(
            each, judge.at_bake_end(judge.new_state()), Decision(Next.STAY, "it waits"), each, Awaits.APPROVAL
        )
        hold(shop.world, Plan.parse(shop.plan), looked, lock, None, now)
    assert len(told(aws, "Needs Approval")) == 2
