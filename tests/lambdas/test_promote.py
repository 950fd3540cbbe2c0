from contextlib import suppress

import pytest
from rollout.contract.errors import EndpointChanged, Halted, LockLost

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def promoting(serving: Shop) -> Execution:
    """The rollout of v2 at 100 %, about to be promoted."""
    return serving.begin("v2", "Promote")


def test_a_promotion_rests_by_the_new_roles_and_is_told(aws: Aws, serving: Shop, promoting: Execution) -> None:
    assert promoting.repeat() == {"outcome": "PROMOTED"}
    assert serving.unsafe() == []
    assert serving.floors() == {A: 1, B: 2}
    assert serving.outcome(promoting) == ("PROMOTED", "every step passed")
    happened, detail = aws.events.told()[-1]
    assert (happened, detail["version"], detail["execution"]) == ("Canary Rollout Promoted", "v2", promoting.name)
    assert detail["reason"] == "every step passed"


def test_a_repeated_promotion_changes_nothing(serving: Shop, promoting: Execution) -> None:
    promoting.repeat()
    assert promoting.repeat() == {"outcome": "PROMOTED"}
    assert serving.unsafe() == []


def test_a_halt_that_came_first_wins(aws: Aws, serving: Shop, promoting: Execution) -> None:
    serving.ledger.halt(promoting.name, "an operator said so", aws.clock.now())
    with pytest.raises(Halted, match="an operator said so"):
        promoting.repeat()
    serving.run(promoting)
    assert serving.outcome(promoting)[0] == "NOT_JUDGED"
    assert serving.weights() == {A: 100, B: 0}


def test_a_promotion_that_is_decided_wins(aws: Aws, serving: Shop, promoting: Execution) -> None:
    serving.ledger.seal(promoting.name)
    assert serving.ledger.halt(promoting.name, "too late", aws.clock.now()) is False
    serving.panic("business")
    promoting.repeat()
    assert serving.weights() == {A: 0, B: 100}
    assert serving.unsafe() == []


def test_only_the_holder_of_the_lock_promotes(serving: Shop, promoting: Execution) -> None:
    serving.ledger.free(promoting.name)
    with pytest.raises(LockLost):
        promoting.repeat()


def test_weights_that_another_hand_took_are_not_promoted(serving: Shop, promoting: Execution) -> None:
    serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    with pytest.raises(EndpointChanged, match="another hand"):
        promoting.repeat()
    serving.run(promoting)
    assert serving.outcome(promoting)[0] == "NOT_JUDGED"
    assert serving.unsafe() == []


@pytest.mark.parametrize("weights", [{"a": 50, "b": 50}, {"a": 2, "b": 98}])
def test_weights_that_another_hand_sets_once_it_is_decided_are_set_right(
    aws: Aws, serving: Shop, promoting: Execution, weights: dict[str, int]
) -> None:
    """The promotion was writing its records: the former release had half of the traffic, and nobody looked."""
    aws.interrupt("PutEvents", lambda: serving.set_weights(**weights))
    serving.run(promoting)
    serving.wait_until_quiet()
    assert serving.outcome(promoting)[0] == "PROMOTED"
    assert_on_one_side(serving, promoting)


def test_a_hand_that_takes_all_the_traffic_back_once_it_is_decided_is_not_overruled(
    aws: Aws, serving: Shop, promoting: Execution
) -> None:
    aws.interrupt("PutEvents", lambda: serving.set_weights(a=100, b=0))
    serving.run(promoting)
    serving.wait_until_quiet()
    assert serving.unsafe() == []
    assert serving.weights() == {A: 100, B: 0}


def assert_on_one_side(shop: Shop, execution: Execution) -> None:
    """The ledger says what the weights say, and everything else is at rest by them."""
    assert shop.unsafe() == []
    promoted = shop.outcome(execution)[0] == "PROMOTED"
    assert shop.weights() == ({A: 0, B: 100} if promoted else {A: 100, B: 0})


@pytest.mark.parametrize(
    "operation", ["DescribeEndpoint", "RegisterScalableTarget", "GetItem", "UpdateItem", "DeleteItem", "PutEvents"]
)
@pytest.mark.parametrize("effect", ["before its effect", "after its effect"])
@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_promotion_that_breaks_off_anywhere_ends_on_one_side(
    aws: Aws, serving: Shop, promoting: Execution, operation: str, effect: str, nth: int
) -> None:
    skipped = iter(range(100))
    aws.fail(operation, UNAVAILABLE, after_effect=effect.startswith("after"), when=lambda _: next(skipped) == nth)
    serving.run(promoting)
    aws.heal()
    if promoting.status == "FAILED":
        serving.restore(promoting.name, "FAILED")
    assert_on_one_side(serving, promoting)


@pytest.mark.parametrize("operation", ["PutEvents", "RegisterScalableTarget", "GetItem", "UpdateItem"])
def test_a_long_outage_during_a_promotion_never_undoes_a_part_of_it(
    aws: Aws, serving: Shop, promoting: Execution, operation: str
) -> None:
    aws.interrupt("RegisterScalableTarget", lambda: aws.fail(operation, UNAVAILABLE, times=12))
    serving.run(promoting)
    aws.heal()
    if promoting.status == "FAILED":
        serving.restore(promoting.name, "FAILED")
    assert_on_one_side(serving, promoting)


def test_a_decided_promotion_whose_handler_died_is_not_undone_without_the_ledger(
    aws: Aws, serving: Shop, promoting: Execution
) -> None:
    serving.ledger.seal(promoting.name)
    promoting.fail_with("Runtime.ExitError")
    lose_the_ledger(aws)
    assert promoting.repeat()["safe"] is False
    serving.wait_until_quiet()
    assert serving.weights() == {A: 0, B: 100}
    aws.heal()
    serving.run(promoting)
    assert promoting.status == "SUCCEEDED"
    assert_on_one_side(serving, promoting)


@pytest.mark.parametrize("error", ["GateFailed", "AlarmRaised", "Halted", "Inconclusive", "EndpointChanged"])
def test_a_release_that_failed_at_100_percent_loses_its_traffic_without_the_ledger(
    aws: Aws, serving: Shop, promoting: Execution, error: str
) -> None:
    promoting.fail_with(error)
    lose_the_ledger(aws)
    assert promoting.repeat()["safe"] is False
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}
    aws.heal()
    serving.run(promoting)
    assert_on_one_side(serving, promoting)


def lose_the_ledger(aws: Aws) -> None:
    for operation in ("GetItem", "UpdateItem", "PutItem", "DeleteItem"):
        aws.fail(operation, UNAVAILABLE, times=100_000)


@pytest.mark.parametrize("call", range(1, 12))
def test_a_stop_at_any_moment_of_a_promotion_ends_on_one_side(
    aws: Aws, serving: Shop, promoting: Execution, call: int
) -> None:
    """The stopped execution's Lambda runs on, and the restore path runs beside it."""

    def stopped() -> None:
        serving.stop(promoting)
        serving.restore(promoting.name)

    aws.interrupt("", stopped, nth=call)
    promoting.advance()
    aws.before_call = None
    if promoting.status == "RUNNING":
        stopped()
    assert_on_one_side(serving, promoting)


@pytest.mark.parametrize("call", range(1, 12))
def test_a_promotion_at_any_moment_of_a_restore_ends_on_one_side(
    aws: Aws, serving: Shop, promoting: Execution, call: int
) -> None:
    def promoted() -> None:
        with suppress(Halted, LockLost, EndpointChanged):
            promoting.repeat()

    serving.stop(promoting)
    aws.interrupt("", promoted, nth=call)
    serving.restore(promoting.name)
    assert_on_one_side(serving, promoting)
