"""Nothing is raised while no window is open; everything else goes on."""

from datetime import UTC, datetime

import pytest
from rollout.contract import operator

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.held import HOUR, go_on, order, told, until
from tests.lambdas.fakes.paced import HARM_BUDGET
from tests.lambdas.fakes.settings import PACED, A, B, cohort_step, step
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.window import only
from tests.lambdas.test_cohorts import TESTERS

OPENING = datetime(2027, 1, 15, 20, tzinfo=UTC).timestamp()
"""A Friday; the tests begin at 8:00 on it."""
WAITS = "nothing is raised outside the window; the next window opens at 2027-01-15T20:00:00.000Z"


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint whose releases rise on Fridays only, from 20:00 to 23:00."""
    found = Shop(aws, steps=(step(10), step(50), step(100)))
    found.plan |= {"windows": [only(4, 20, 3)], "windows_seconds": 24 * HOUR, "hold_interval_seconds": 2 * HOUR}
    found.serve_first()
    return found


def open_now(shop: Shop, hours: float = 3) -> None:
    """Let a window be open from now on for so many hours."""
    now = datetime.fromtimestamp(shop.aws.clock.now(), UTC)
    window = only(now.weekday(), now.hour, hours + now.minute / 60 + now.second / HOUR)
    shop.plan["windows"] = [window]


def close_now(shop: Shop) -> None:
    shop.plan["windows"] = [only(4, 20, 3)]


def share_of(execution: Execution) -> float:
    share: float = execution.step["exposure"]["percent"]
    return share


def test_the_first_share_waits_for_the_window_and_asks_for_no_instances_until_then(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "ScaleCanary", index=0)
    floors = shop.floors()
    until(shop, execution, lambda: aws.clock.now() >= OPENING - HOUR)
    assert (execution.task, shop.floors(), shop.weights()) == ("ScaleCanary", floors, {A: 100, B: 0})
    assert told(aws, "Held") == [WAITS]
    assert told(aws, "Resumed") == []
    until(shop, execution, lambda: shop.weights()[B])
    assert OPENING <= aws.clock.now() < OPENING + HOUR
    assert told(aws, "Held") == [WAITS]
    assert told(aws, "Resumed") == ["nothing holds the rollout any more"]


def test_the_time_of_this_wait_is_no_time_of_the_first_step(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    assert execution.step["held_seconds"] == execution.step["held_before"] > 11 * HOUR
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_an_alarm_ends_a_rollout_that_waits_for_its_first_share(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "ScaleCanary", index=0)
    execution.advance()
    aws.cloudwatch.alarms["business"] = "ALARM"
    shop.run(execution)
    assert shop.outcome(execution) == ("NOT_JUDGED", "business is in ALARM, before the release has had a request")
    assert shop.unsafe() == []


@pytest.mark.parametrize("opens", [False, True])
def test_a_look_that_sees_nothing_new_does_not_end_the_wait(aws: Aws, shop: Shop, *, opens: bool) -> None:
    """Metrics are minutes late in some looks of the night: nobody is told that it goes on, and no time is lost."""
    shop.plan["hold_interval_seconds"] = 120
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    until(shop, execution, lambda: told(aws, "Held"))
    for _ in range(3):
        execution.advance()
    assert (execution.task, told(aws, "Resumed")) == ("Evaluate", [])
    until(shop, execution, lambda: aws.clock.now() >= OPENING - HOUR)
    if opens:
        shop.run(execution)
        assert shop.outcome(execution)[0] == "PROMOTED"
        assert execution.step["held_seconds"] > 10 * HOUR


def test_a_step_that_has_passed_keeps_its_share_until_the_window_opens(aws: Aws, shop: Shop) -> None:
    """The time does not count against the longest bake of seven minutes. The last look is when the window opens."""
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    until(shop, execution, lambda: aws.clock.now() >= OPENING - HOUR)
    assert (execution.task, execution.step["index"], shop.weights()) == ("Evaluate", 0, {A: 90, B: 10})
    reason = shop.rollouts()[execution.name]["steps"][0]["reason"]
    assert reason.startswith(
        "nothing is raised outside the window; the next window opens at 2027-01-15T20:00:00.000Z: "
    )
    until(shop, execution, lambda: execution.step["index"] == 1)
    assert OPENING <= aws.clock.now() < OPENING + 300
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_a_weekend_is_waited_for(aws: Aws, shop: Shop) -> None:
    shop.plan |= {"windows_seconds": 4 * 24 * HOUR, "hold_interval_seconds": 12 * HOUR}
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.plan["windows"] = [only(0, 9, 3)]
    monday = datetime(2027, 1, 18, 9, tzinfo=UTC).timestamp()
    until(shop, execution, lambda: execution.step["index"] == 1)
    assert monday <= aws.clock.now() < monday + 300
    assert execution.step["held_seconds"] > 2 * 24 * HOUR
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_a_step_that_has_not_passed_is_looked_at_as_often_as_ever(shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    execution.advance()
    assert (execution.step["look_after"], "held_at" in execution.step) == (60, False)


def test_it_is_told_once_that_it_waits_and_once_that_it_goes_on(aws: Aws, shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    until(shop, execution, lambda: execution.step["index"] == 1)
    assert told(aws, "Held") == [WAITS]
    assert told(aws, "Resumed") == ["nothing holds the rollout any more"]


def test_a_window_that_closes_while_instances_come_leaves_the_share_that_there_is(aws: Aws, shop: Shop) -> None:
    """The step before bakes anew, and the rollout goes on from there."""
    open_now(shop)
    execution = shop.begin("v2", "ShiftTraffic", index=1)
    close_now(shop)
    execution.advance()
    assert (execution.task, execution.step["index"], share_of(execution)) == ("Evaluate", 0, 10)
    until(shop, execution, lambda: aws.clock.now() >= OPENING - HOUR)
    assert shop.weights() == {A: 90, B: 10}
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert [row["percent"] for row in shop.rollouts()[execution.name]["steps"]] == [10, 50, 100]
    assert shop.unsafe() == []


def test_the_shift_that_was_put_back_may_be_repeated(shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "ShiftTraffic", index=1)
    close_now(shop)
    first, second = ({**execution.repeat(), "began_at": 0, "shifted_at": 0} for _ in range(2))
    assert first == second
    assert shop.weights() == {A: 90, B: 10}


def test_a_window_that_closes_before_the_first_share_lets_instances_be_looked_at_again(aws: Aws, shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "ShiftTraffic", index=0)
    close_now(shop)
    execution.advance()
    assert execution.task == "ScaleCanary"
    shop.run(execution)
    assert aws.clock.now() > OPENING
    assert shop.outcome(execution)[0] == "PROMOTED"


def test_the_first_share_is_that_of_the_traffic_of_now_and_not_of_before_the_wait(aws: Aws) -> None:
    shop = Shop(aws, steps=PACED, harm_budget=HARM_BUDGET)
    shop.plan |= {"windows_seconds": 24 * HOUR, "hold_interval_seconds": 2 * HOUR}
    by_day, shop.requests_per_period = shop.requests_per_period, 12
    shop.serve_first()
    shop.serve_for(600)
    open_now(shop)
    execution = shop.begin("v2", "ShiftTraffic", index=0)
    of_the_night = share_of(execution)
    close_now(shop)
    execution.advance()
    assert execution.task == "ScaleCanary"
    shop.requests_per_period = by_day
    shop.serve_for(600)
    open_now(shop)
    until(shop, execution, lambda: execution.task == "ShiftTraffic")
    assert share_of(execution) < of_the_night / 10
    assert (execution.step["exposure"]["number"], execution.step["exposure"]["before"]) == (0, 0)


def test_a_share_that_was_ordered_in_a_window_is_given(shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "ShiftTraffic", index=1)
    execution.advance()
    assert not execution.step["in_place"]
    close_now(shop)
    until(shop, execution, lambda: execution.task == "Evaluate")
    assert (execution.step["index"], shop.weights()) == (1, {A: 50, B: 50})


def test_a_paced_share_is_put_back_within_its_step(aws: Aws) -> None:
    shop = Shop(aws, steps=PACED, harm_budget=HARM_BUDGET)
    shop.plan |= {"windows_seconds": 48 * HOUR, "hold_interval_seconds": 2 * HOUR}
    shop.serve_first()
    open_now(shop, 12)
    execution = shop.begin("v2", "Evaluate", index=0)
    until(shop, execution, lambda: execution.task == "ScaleCanary")
    shop.run(execution, "ShiftTraffic")
    number, wanted = execution.step["exposure"]["number"], share_of(execution)
    close_now(shop)
    weights = shop.weights()
    execution.advance()
    assert (execution.task, share_of(execution) < wanted) == ("Evaluate", True)
    assert execution.step["exposure"]["number"] == number - 1
    until(shop, execution, lambda: aws.clock.now() >= OPENING - HOUR)
    assert shop.weights() == weights
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_the_brake_goes_on(aws: Aws) -> None:
    shop = Shop(aws, steps=PACED, harm_budget=HARM_BUDGET)
    shop.plan |= {"windows_seconds": 24 * HOUR, "hold_interval_seconds": 2 * HOUR}
    shop.serve_first()
    open_now(shop, 12)
    execution = shop.begin("v2", "Evaluate", index=1)
    close_now(shop)
    before = shop.weights()[B]
    shop.failure_rates[B] = 0.2
    until(shop, execution, lambda: execution.step.get("next") == "LOWER" or not execution.task)
    until(shop, execution, lambda: execution.task in ("Evaluate", ""))
    assert shop.weights()[B] < before


def test_gates_go_on(shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    go_on(shop, execution, HOUR)
    shop.failure_rates[B] = 0.5
    shop.run(execution)
    assert shop.outcome(execution)[0] == "ROLLED_BACK"
    assert shop.unsafe() == []


def test_a_release_that_has_all_the_traffic_is_promoted_at_any_time(aws: Aws, shop: Shop) -> None:
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=2)
    close_now(shop)
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert aws.clock.now() < OPENING


def test_an_approval_is_asked_for_and_given_at_any_time(aws: Aws, shop: Shop) -> None:
    shop.plan["steps"][0]["approval_seconds"] = 5 * HOUR
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    until(shop, execution, lambda: shop.ledger.lock().awaits is not None)  # type: ignore[union-attr]
    assert shop.ask(operator.approve(execution.name, 0, order(aws), what="approval"))
    until(shop, execution, lambda: execution.step["index"] == 1)
    assert aws.clock.now() >= OPENING


def test_a_rollout_whose_windows_come_too_late_is_rolled_back_and_not_judged(aws: Aws, shop: Shop) -> None:
    shop.plan |= {"windows_seconds": HOUR, "hold_seconds": HOUR, "hold_interval_seconds": HOUR}
    execution = shop.begin("v2", "ScaleCanary", index=0)
    shop.run(execution)
    outcome, reason = shop.outcome(execution)
    assert (outcome, reason) == ("NOT_JUDGED", "the rollout was held for 3.0 h, and its plan has room for 2 h")
    assert aws.clock.now() < OPENING
    assert shop.unsafe() == []


def test_a_cohort_stays_published_while_the_share_after_it_waits(aws: Aws) -> None:
    shop = Shop(aws, steps=(cohort_step(TESTERS), step(50), step(100)))
    shop.plan |= {"windows_seconds": 24 * HOUR, "hold_interval_seconds": 2 * HOUR}
    shop.serve_first()
    open_now(shop)
    execution = shop.begin("v2", "ShiftTraffic", index=1)
    close_now(shop)
    execution.advance()
    assert (execution.task, execution.step["index"], shop.weights()) == ("Evaluate", 0, {A: 100, B: 0})
    assert shop.cohorts()
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_a_hold_back_ends_at_any_time(aws: Aws, shop: Shop) -> None:
    shop.plan["hold_back"] = {"percent": 2, "duration_seconds": 2 * HOUR, "interval_seconds": 900}
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=2)
    close_now(shop)
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert aws.clock.now() < OPENING
    assert shop.unsafe() == []


def test_a_pause_that_ends_outside_of_the_windows_leaves_no_wait_for_one(aws: Aws, shop: Shop) -> None:
    """The step has not passed: it goes on to bake, and is looked at as often as ever."""
    shop.plan["steps"][0] |= {"bake_seconds": 3600, "max_bake_seconds": 7200}
    shop.plan["hold_interval_seconds"] = 120
    open_now(shop)
    execution = shop.begin("v2", "Evaluate", index=0)
    close_now(shop)
    assert shop.ask(operator.pause(execution.name, order(aws, "lunch")))
    go_on(shop, execution, 300)
    assert shop.ask(operator.resume(execution.name, order(aws)))
    for _ in range(2):
        shop.serve()
        execution.advance()
    assert (execution.task, execution.step["look_after"], "held_at" in execution.step) == ("Evaluate", 60, False)
    assert told(aws, "Held") == ["paused by ann: lunch"]
