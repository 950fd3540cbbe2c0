"""After a promotion a person takes all the traffic back to the former release, which waits in the idle slot."""

import pytest
from rollout.clock import iso
from rollout.contract import operator
from rollout.contract.order import Order
from rollout.contract.way_back import WayBack

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.held import HOUR
from tests.lambdas.fakes.settings import STATE_MACHINE, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed
from tests.lambdas.fakes.window import only

WHO = "arn:aws:sts::123456789012:assumed-role/on-call/ann"
NAME = "v1-2"
SAID = "v1 serves again instead of v2: rolled back by ann: it is slow"


def order(aws: Aws, why: str = "it is slow") -> Order:
    return Order(who=WHO, at=iso(aws.clock.now()), why=why)


def asked(shop: Shop, *, name: str = NAME, leaves: str = "v2", to: str = "v1", why: str = "it is slow") -> bool:
    """Ask for the way back from slot b to slot a."""
    back = WayBack(leaves=leaves, to=to, order=order(shop.aws, why))
    return shop.ask(operator.roll_back(name, back, state_machine=STATE_MACHINE, stable=B, canary=A))


def started(shop: Shop, name: str = NAME) -> Execution:
    """Start the execution as the command does."""
    shop.aws.states.executions[name] = "RUNNING"
    found = shop.running()
    assert found is not None
    assert found.name == name
    return found


@pytest.fixture
def promoted(serving: Shop) -> Shop:
    """V2 was promoted over v1; v1 is in slot a, and its instances are there still."""
    serving.promote("v2")
    return serving


@pytest.fixture
def back(promoted: Shop) -> Execution:
    """The way back from v2 to v1, which has begun."""
    assert asked(promoted)
    return started(promoted)


def test_a_way_back_waits_for_no_window(aws: Aws, promoted: Shop) -> None:
    """A window raises on Fridays from 20:00 on; these tests begin at 8:00."""
    promoted.plan |= {"windows": [only(4, 20, 3)], "windows_seconds": 24 * HOUR, "hold_interval_seconds": 2 * HOUR}
    asked_at = aws.clock.now()
    assert asked(promoted)
    promoted.run(started(promoted))
    assert promoted.weights() == {A: 100, B: 0}
    assert aws.clock.now() < asked_at + HOUR
    assert promoted.unsafe() == []


def test_all_the_traffic_goes_back_in_one_raise(aws: Aws, promoted: Shop, back: Execution) -> None:
    before = len(aws.asked("UpdateEndpointWeightsAndCapacities"))
    promoted.run(back)
    assert back.status == "SUCCEEDED", back.failure
    assert promoted.weights() == {A: 100, B: 0}
    assert len(aws.asked("UpdateEndpointWeightsAndCapacities")) == before + 1
    assert promoted.outcome(back) == ("PROMOTED", SAID)
    assert promoted.unsafe() == []


def test_the_release_that_is_left_is_rejected_and_that_is_told_once(aws: Aws, promoted: Shop, back: Execution) -> None:
    promoted.run(back)
    left, former = promoted.ledger.release("v2"), promoted.ledger.release("v1")
    assert left is not None
    assert former is not None
    assert (left.outcome, former.outcome) == ("ROLLED_BACK", "PROMOTED")
    kind, detail = aws.events.told()[-1]
    assert (kind, detail["version"], detail["reason"]) == ("Canary Rollout Rolled Back", "v2", SAID)
    assert promoted.rollouts()[back.name]["way_back"]["who"] == WHO


def test_no_alarm_prevents_or_stops_it(aws: Aws, promoted: Shop, back: Execution) -> None:
    """The alarm may be why the person goes back."""
    aws.cloudwatch.alarms["business"] = "ALARM"
    promoted.run(back, "Evaluate")
    promoted.panic("business")
    promoted.run(back)
    assert (back.status, promoted.weights()) == ("SUCCEEDED", {A: 100, B: 0})


def test_instances_come_before_the_traffic(promoted: Shop) -> None:
    """Later the idle slot has one instance, and the traffic needs two."""
    promoted.see_it_land()
    assert promoted.view().variants[A].instances == 1
    assert asked(promoted)
    back = started(promoted)
    while back.task != "ShiftTraffic":
        assert promoted.weights() == {A: 0, B: 100}
        promoted.serve()
        back.advance()
    assert promoted.view().variants[A].instances == 2
    promoted.run(back)
    assert promoted.weights() == {A: 100, B: 0}
    assert promoted.unsafe() == []


def test_without_instances_the_traffic_stays_where_it_is_and_nobody_is_judged(promoted: Shop) -> None:
    """The traffic needs more than `max_instances`."""
    promoted.see_it_land()
    promoted.requests_per_period = 20_000
    assert asked(promoted)
    back = started(promoted)
    promoted.run(back)
    assert (promoted.outcome(back)[0], promoted.weights()) == ("NOT_JUDGED", {A: 0, B: 100})
    left = promoted.ledger.release("v2")
    assert left is not None
    assert left.outcome == "PROMOTED"
    assert promoted.unsafe() == []


def test_an_abort_stops_it(aws: Aws, promoted: Shop, back: Execution) -> None:
    promoted.run(back, "Evaluate")
    assert promoted.ask(operator.abort(back.name, order(aws, "no")))
    promoted.tell_of_order()
    assert promoted.weights() == {A: 0, B: 100}
    promoted.restore(back.name, "ABORTED")
    assert promoted.outcome(back) == ("NOT_JUDGED", "aborted by ann: no")
    assert promoted.unsafe() == []


def test_there_is_no_bake_to_hurry_or_to_pause(aws: Aws, promoted: Shop, back: Execution) -> None:
    assert not promoted.ask(operator.promote(back.name, 0, order(aws)))
    assert not promoted.ask(operator.pause(back.name, order(aws)))


def test_the_template_may_keep_the_rejected_release_and_nothing_starts_it(promoted: Shop, back: Execution) -> None:
    promoted.run(back)
    assert promoted.release("v2") is None
    promoted.look_for_what_was_left()
    assert promoted.running() is None
    assert promoted.weights() == {A: 100, B: 0}


def test_the_former_release_is_deployed_without_a_rollout_and_the_rejected_one_is_refused_then(
    promoted: Shop, back: Execution
) -> None:
    promoted.run(back)
    assert promoted.release("v1") is None
    with pytest.raises(DeployFailed, match="version v2 was rolled back before; choose a new version"):
        promoted.deploy("v2")
    assert promoted.weights() == {A: 100, B: 0}


def test_the_next_release_takes_the_place_of_the_rejected_one(promoted: Shop, back: Execution) -> None:
    promoted.run(back)
    promoted.promote("v3")
    assert promoted.weights() == {A: 0, B: 100}


def test_there_is_no_way_back_to_a_release_that_was_rejected(promoted: Shop, back: Execution) -> None:
    promoted.run(back)
    back_again = WayBack(leaves="v1", to="v2", order=order(promoted.aws))
    assert promoted.ask(
        operator.roll_back("v2-3", back_again, state_machine=STATE_MACHINE, stable=A, canary=B)
    )  # fmt: skip
    refused_at_the_start(promoted, started(promoted, "v2-3"), {A: 100, B: 0})


def refused_at_the_start(shop: Shop, back: Execution, weights: dict[str, int]) -> None:
    shop.run(back)
    assert back.status == "SUCCEEDED", "there is nothing to do, and nothing failed"
    assert [type(error).__name__ for error in back.errors] == ["NothingToRelease"]
    assert shop.lock() is None
    assert shop.weights() == weights
    assert back.name not in shop.rollouts()


def test_nothing_was_promoted_yet(serving: Shop) -> None:
    """Both slots hold v1."""
    assert asked(serving, leaves="v1", to="v1")
    refused_at_the_start(serving, started(serving), {A: 100, B: 0})


def test_another_release_is_in_the_idle_slot_by_now(promoted: Shop) -> None:
    """The rollout of v3 was not judged: v3 waits where v1 was."""
    third = promoted.begin("v3", "Evaluate")
    third.fail_with("CapacityUnavailable", "no instances")
    promoted.run(third)
    assert asked(promoted, name="v1-3")
    refused_at_the_start(promoted, started(promoted, "v1-3"), {A: 0, B: 100})


def test_a_release_that_served_once_but_not_before_this_one_is_no_way_back(promoted: Shop) -> None:
    promoted.promote("v3")
    third = promoted.begin("v1", "Evaluate")
    third.fail_with("CapacityUnavailable", "no instances")
    promoted.run(third)
    assert promoted.weights() == {A: 100, B: 0}
    back_to_v1 = WayBack(leaves="v3", to="v1", order=order(promoted.aws))
    assert promoted.ask(
        operator.roll_back("v1-9", back_to_v1, state_machine=STATE_MACHINE, stable=A, canary=B)
    )  # fmt: skip
    refused_at_the_start(promoted, started(promoted, "v1-9"), {A: 100, B: 0})


def test_an_order_that_meets_another_release_than_it_names_changes_nothing(promoted: Shop) -> None:
    promoted.promote("v3")
    assert asked(promoted, name="v1-3")
    refused_at_the_start(promoted, started(promoted, "v1-3"), {A: 100, B: 0})


def test_nobody_goes_back_while_a_rollout_or_a_deploy_has_the_lock(promoted: Shop) -> None:
    promoted.deploy("v3")
    assert not asked(promoted)
    promoted.settle()
    assert not asked(promoted)


def test_a_deploy_that_begins_in_the_same_second_is_refused(promoted: Shop) -> None:
    assert asked(promoted)
    with pytest.raises(DeployFailed, match="rollout v1-2"):
        promoted.deploy("v3")
    promoted.run(started(promoted))
    assert promoted.weights() == {A: 100, B: 0}
    assert promoted.unsafe() == []


def test_the_second_of_two_people_changes_nothing(promoted: Shop) -> None:
    assert asked(promoted, why="first")
    assert not asked(promoted, why="second")
    lock = promoted.lock()
    assert lock is not None
    assert lock.way_back is not None
    assert lock.way_back.order.why == "first"


def test_what_somebody_wrote_into_a_record_without_a_holder_is_gone(promoted: Shop) -> None:
    by_hand = operator.Request(
        execution="", order=order(promoted.aws, "old"), changes="SET halted = :why, sealed = :yes",
        condition="attribute_not_exists(holder)", values={":why": "old", ":yes": True},
    )  # fmt: skip
    assert promoted.ask(by_hand)
    assert asked(promoted)
    promoted.run(started(promoted))
    assert promoted.weights() == {A: 100, B: 0}


def test_an_execution_that_nobody_started_is_started_by_the_clock(promoted: Shop) -> None:
    assert asked(promoted)
    promoted.look_for_what_was_left()
    promoted.run(started(promoted))
    assert promoted.weights() == {A: 100, B: 0}


def test_a_repeated_task_changes_nothing(promoted: Shop, back: Execution) -> None:
    for task in ("Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "Evaluate", "Promote"):
        promoted.run(back, task)
        back.repeat()
    promoted.run(back)
    assert promoted.outcome(back) == ("PROMOTED", SAID)
    assert promoted.unsafe() == []


def on_one_side(shop: Shop, back: Execution) -> None:
    """Either the way back was gone to its end, or nothing has changed; nothing is left behind."""
    assert shop.unsafe() == []
    gone = shop.outcome(back)[0] == "PROMOTED"
    left = shop.ledger.release("v2")
    assert left is not None
    assert shop.weights() == ({A: 100, B: 0} if gone else {A: 0, B: 100})
    assert left.outcome == ("ROLLED_BACK" if gone else "PROMOTED")


@pytest.mark.parametrize("task", ["Prepare", "ShiftTraffic", "Promote"])
@pytest.mark.parametrize("call", range(1, 14, 2))
def test_a_stop_at_any_moment_ends_on_one_side(aws: Aws, promoted: Shop, back: Execution, task: str, call: int) -> None:
    def stopped() -> None:
        promoted.stop(back)
        promoted.restore(back.name)

    promoted.run(back, task)
    aws.interrupt("", stopped, nth=call)
    back.advance()
    aws.before_call = None
    if back.status == "RUNNING":
        stopped()
    on_one_side(promoted, back)


@pytest.mark.parametrize("effect", ["before its effect", "after its effect"])
@pytest.mark.parametrize("operation", ["UpdateItem", "GetItem", "DeleteItem", "UpdateEndpointWeightsAndCapacities"])
@pytest.mark.parametrize("nth", [0, 2])
def test_a_call_that_breaks_off_anywhere_ends_on_one_side(
    aws: Aws, promoted: Shop, back: Execution, operation: str, effect: str, nth: int
) -> None:
    promoted.run(back, "ShiftTraffic")
    skipped = iter(range(100))
    aws.fail(operation, UNAVAILABLE, after_effect=effect.startswith("after"), when=lambda _: next(skipped) == nth)
    promoted.run(back)
    aws.heal()
    if back.status == "FAILED":
        promoted.restore(back.name, "FAILED")
    on_one_side(promoted, back)
