"""A share that moves within a step, against each invariant: what comes late, twice, or after the end."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from rollout.contract.errors import RolloutError, Unavailable
from rollout.endpoint import Variant
from rollout.ledger import Ledger

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.paced import brake, ordered, paced_shop, run_until_share
from tests.lambdas.fakes.settings import B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed


@pytest.fixture
def paced(aws: Aws) -> Shop:
    return paced_shop(aws)


@pytest.fixture
def execution(paced: Shop) -> Execution:
    """The rollout of v2, before its first share."""
    return paced.begin("v2", "ScaleCanary")


def late_shift(aws: Aws, shop: Shop, execution: Execution) -> None:
    """Let a shift whose answer was lost hang before its announcement until a lower share is in force, and go on."""
    run_until_share(shop, execution, 2, until="ShiftTraffic")
    late = execution.invocation()

    def the_rollout_goes_on() -> None:
        run_until_share(shop, execution, 2)
        brake(shop, execution)
        run_until_share(shop, execution, 0)

    aws.interrupt("UpdateItem", the_rollout_goes_on)
    with suppress(RolloutError):
        late()
    shop.wait_until_quiet()


# 1. A slot that serves never changes its model


def test_a_deploy_does_not_replace_the_model_of_the_smallest_share(paced: Shop, execution: Execution) -> None:
    run_until_share(paced, execution, 0)
    assert 0 < execution.step["exposure"]["percent"] < 1
    serving = paced.models()
    paced.ledger.free(execution.name)
    with pytest.raises(DeployFailed):
        paced.deploy("v3")
    assert paced.models() == serving


def test_a_slot_that_counts_as_idle_below_one_percent_is_replaced(
    monkeypatch: pytest.MonkeyPatch, paced: Shop, execution: Execution
) -> None:
    """The fault, built in: weights of a fine share sum to 10,000."""
    run_until_share(paced, execution, 0)
    serving = paced.models()
    paced.ledger.free(execution.name)
    monkeypatch.setattr(Variant, "serves", property(lambda variant: round(variant.weight / 100) > 0))
    with suppress(DeployFailed):
        paced.deploy("v3")
    assert paced.models()[B] != serving[B]


# 2. Exposure rises in the shift handler only, to the share that the rollout wants now


def test_a_shift_of_an_older_share_does_not_undo_a_brake(aws: Aws, paced: Shop, execution: Execution) -> None:
    late_shift(aws, paced, execution)
    assert ordered(aws)[-1] == execution.step["exposure"]["percent"] < 1


def test_without_the_number_of_the_share_a_late_shift_would_undo_it(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, paced: Shop, execution: Execution
) -> None:
    """The fault, built in."""
    announce = Ledger.announce_raise
    monkeypatch.setattr(
        Ledger, "announce_raise", lambda ledger, name, until, **_: announce(ledger, name, until, share=0)
    )
    late_shift(aws, paced, execution)
    assert ordered(aws)[-1] > execution.step["exposure"]["percent"]


# 3. Every way out ends safe, and nothing comes after it


def order_zero(aws: Aws, shop: Shop, execution: Execution) -> None:
    shop.ledger.halt(execution.name, "an operator said so", aws.clock.now())
    shop.run(execution)


def raise_an_alarm(_aws: Aws, shop: Shop, execution: Execution) -> None:
    shop.panic("business")
    shop.run(execution)


def stop(_aws: Aws, shop: Shop, execution: Execution) -> None:
    shop.stop(execution)
    shop.restore(execution.name)


def stop_unheard(_aws: Aws, shop: Shop, execution: Execution) -> None:
    """The event of the stop is lost; the clock finds the lock."""
    shop.stop(execution)
    shop.look_for_what_was_left()


def die(_aws: Aws, shop: Shop, execution: Execution) -> None:
    execution.fail_with("Lambda.Unknown")
    shop.run(execution)


WAYS_OUT = (order_zero, raise_an_alarm, stop, stop_unheard, die)


def until_raised(shop: Shop, execution: Execution) -> None:
    run_until_share(shop, execution, 2, until="ShiftTraffic")


def until_lowered(shop: Shop, execution: Execution) -> None:
    run_until_share(shop, execution, 2)
    brake(shop, execution)


@pytest.mark.parametrize("is_ordered", [False, True], ids=["before the order", "after the order"])
@pytest.mark.parametrize("until", [until_raised, until_lowered])
@pytest.mark.parametrize("way_out", WAYS_OUT)
def test_a_shift_that_comes_late_changes_nothing_after_the_end(
    aws: Aws,
    paced: Shop,
    execution: Execution,
    way_out: Callable[[Aws, Shop, Execution], None],
    until: Callable[[Shop, Execution], None],
    *,
    is_ordered: bool,
) -> None:
    until(paced, execution)
    late = execution.invocation()
    if is_ordered:
        execution.advance()
    way_out(aws, paced, execution)
    asked = len(ordered(aws))
    with suppress(RolloutError):
        late()
    assert len(ordered(aws)) == asked
    assert paced.unsafe() == []
    assert paced.weights()[B] == 0


@pytest.mark.parametrize("until", [until_raised, until_lowered])
@pytest.mark.parametrize("way_out", [stop, stop_unheard, raise_an_alarm])
def test_an_end_while_a_shift_is_about_to_order_is_the_last_word(
    aws: Aws,
    paced: Shop,
    execution: Execution,
    way_out: Callable[[Aws, Shop, Execution], None],
    until: Callable[[Shop, Execution], None],
) -> None:
    """The order is announced, and comes after the order to halt: the handler that sent it takes it back."""
    until(paced, execution)
    late = execution.invocation()
    aws.interrupt("UpdateEndpointWeightsAndCapacities", lambda: way_out(aws, paced, execution))
    with suppress(RolloutError):
        late()
    assert paced.unsafe() == []
    assert paced.weights()[B] == 0


def test_the_next_deploy_ends_a_rollout_that_died_while_its_share_fell(paced: Shop, execution: Execution) -> None:
    until_lowered(paced, execution)
    paced.stop(execution)
    following = paced.release("v3")
    assert following is not None
    assert paced.outcome(execution)[0] == "NOT_JUDGED"
    assert paced.weights()[B] == 0
    paced.run(following)
    assert following.status == "SUCCEEDED", following.failure


def test_an_evaluation_whose_answer_was_lost_changes_no_weight_when_it_runs_again(
    aws: Aws, paced: Shop, execution: Execution
) -> None:
    run_until_share(paced, execution, 2)
    asked, again = len(ordered(aws)), [execution.repeat(), execution.repeat()]
    assert len(ordered(aws)) == asked
    assert again[0]["exposure"] == again[1]["exposure"]


def look_that_orders_instances(shop: Shop, execution: Execution) -> None:
    """Let a rollout go on until its next task is the look that orders the instances of all traffic."""
    shop.requests_per_period = 4000
    run_until_share(shop, execution, 0)
    while len(execution.step["exposure"]["served"]) < 4 or execution.task != "Evaluate":
        shop.serve()
        execution.advance()
    assert shop.floors()[B] == 1


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_an_alarm_while_the_instances_of_all_traffic_come_ends_safe(
    aws: Aws, paced: Shop, execution: Execution, alarm: str
) -> None:
    """SageMaker changes no weights meanwhile: the rollback waits for the instances."""
    look_that_orders_instances(paced, execution)
    execution.advance()
    assert not paced.view().quiet
    with suppress(RolloutError):
        paced.panic(alarm)
    aws.cloudwatch.alarms[alarm] = "ALARM"
    paced.run(execution)
    assert paced.outcome(execution)[0] == "ROLLED_BACK"
    assert paced.unsafe() == []


@pytest.mark.parametrize("call", range(1, 14))
def test_a_stop_at_any_call_of_the_look_that_orders_instances_leaves_no_floor_behind(
    aws: Aws, paced: Shop, execution: Execution, call: int
) -> None:
    def stopped() -> None:
        paced.stop(execution)
        paced.restore(execution.name)

    look_that_orders_instances(paced, execution)
    aws.interrupt("", stopped, nth=call)
    with suppress(RolloutError):
        execution.repeat()
    aws.before_call = None
    if execution.status == "RUNNING":
        stopped()
    paced.see_it_land()
    assert paced.unsafe() == []


# 4. No data is not good news


def test_a_share_of_which_nothing_comes_does_not_rise(paced: Shop, execution: Execution) -> None:
    """It may rise unseen, but not above five times one that was seen, and on new evidence only."""
    run_until_share(paced, execution, 2)
    share = execution.step["exposure"]["percent"]
    for _ in range(8):
        paced.aws.wait(60)
        execution.advance()
        assert execution.step["exposure"]["percent"] == share


def test_a_lowered_share_does_not_rise_while_no_metric_of_the_canary_comes(paced: Shop, execution: Execution) -> None:
    until_lowered(paced, execution)
    run_until_share(paced, execution, 0)
    share = execution.step["exposure"]["percent"]
    for _ in range(8):
        paced.aws.wait(60)
        if execution.task != "Evaluate":
            break
        execution.advance()
        assert execution.step["exposure"]["percent"] == share


# 5. Traffic first


def test_a_share_is_lowered_though_cloudwatch_does_not_answer(aws: Aws, paced: Shop, execution: Execution) -> None:
    """Traffic first: the states of the alarms can only hold a raise."""
    run_until_share(paced, execution, 2)
    brake(paced, execution)
    aws.fail("DescribeAlarms", UNAVAILABLE, times=100)
    execution.advance()
    assert ordered(aws)[-1] == execution.step["exposure"]["percent"] < 1


def test_a_share_is_not_raised_while_cloudwatch_does_not_answer(aws: Aws, paced: Shop, execution: Execution) -> None:
    run_until_share(paced, execution, 2, until="ShiftTraffic")
    aws.fail("DescribeAlarms", UNAVAILABLE, times=100)
    asked = ordered(aws)
    execution.advance()
    assert isinstance(execution.errors[-1], Unavailable)
    assert ordered(aws) == asked
