import pytest
from rollout.clock import iso
from rollout.contract import operator
from rollout.contract.errors import EndpointBusy
from rollout.contract.order import Order

from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop

WHO = "arn:aws:sts::123456789012:assumed-role/on-call/ann"
RAISE = "UpdateEndpointWeightsAndCapacities"
WHY = "aborted by ann: wrong model"


@pytest.fixture
def baking(serving: Shop) -> Execution:
    """The rollout of v2, with half of the traffic."""
    return serving.begin("v2", "Evaluate", index=1)


def order(aws: Aws, why: str = "wrong model") -> Order:
    return Order(who=WHO, at=iso(aws.clock.now()), why=why)


def aborted(aws: Aws, shop: Shop, execution: Execution) -> None:
    assert shop.ask(operator.abort(execution.name, order(aws)))


def told(aws: Aws, happened: str, what: str) -> list[str]:
    """Return one detail of every event of a kind."""
    return [detail[what] for kind, detail in aws.events.told() if kind == f"Canary Rollout {happened}"]


def test_an_abort_takes_the_traffic_and_stops_the_execution_without_a_look(
    aws: Aws, serving: Shop, baking: Execution
) -> None:
    began = aws.clock.now()
    aborted(aws, serving, baking)
    serving.tell_of_order()
    assert serving.weights() == {A: 100, B: 0}
    assert aws.clock.now() < began + 40
    assert aws.states.executions[baking.name] == "ABORTED"


def test_it_ends_safe_and_not_judged_with_the_persons_reason(aws: Aws, serving: Shop, baking: Execution) -> None:
    aborted(aws, serving, baking)
    serving.tell_of_order()
    serving.restore(baking.name, "ABORTED")
    assert serving.outcome(baking) == ("NOT_JUDGED", WHY)
    assert serving.unsafe() == []
    assert told(aws, "Not Judged", "reason") == [WHY]


def test_who_ordered_it_and_when_stands_in_the_ledger(aws: Aws, serving: Shop, baking: Execution) -> None:
    asked = order(aws)
    assert serving.ask(operator.abort(baking.name, asked))
    lock = serving.lock()
    assert lock is not None
    assert (lock.halted, lock.halted_who, lock.halted_at) == (WHY, WHO, asked.at)


def test_what_is_written_by_hand_acts_the_same(serving: Shop, baking: Execution) -> None:
    by_hand = operator.Request(execution=baking.name, order=order(serving.aws), changes="SET halted = :why",
                               condition="holder = :me",
                               values={":why": "seen enough", ":me": baking.name})  # fmt: skip
    assert serving.ask(by_hand)
    serving.tell_of_order()
    assert serving.weights() == {A: 100, B: 0}
    serving.restore(baking.name, "ABORTED")
    assert serving.outcome(baking) == ("NOT_JUDGED", "seen enough")


def test_a_record_that_comes_again_or_after_the_end_changes_nothing_more(
    aws: Aws, serving: Shop, baking: Execution
) -> None:
    aborted(aws, serving, baking)
    serving.tell_of_order(ENDPOINT, ENDPOINT)
    calls = len(aws.asked(RAISE))
    serving.tell_of_order()
    serving.restore(baking.name, "ABORTED")
    serving.tell_of_order()
    assert len(aws.asked(RAISE)) == calls
    assert serving.unsafe() == []


def test_a_record_that_comes_late_does_not_reach_the_next_rollout(aws: Aws, serving: Shop, baking: Execution) -> None:
    aborted(aws, serving, baking)
    serving.tell_of_order()
    serving.restore(baking.name, "ABORTED")
    following = serving.begin("v3", "Evaluate", index=1)
    weights = serving.weights()
    serving.tell_of_order()
    assert serving.weights() == weights
    assert aws.states.executions[following.name] == "RUNNING"


def test_without_an_order_nothing_happens(aws: Aws, serving: Shop, baking: Execution) -> None:
    serving.tell_of_order()
    assert serving.weights() == {A: 50, B: 50}
    assert aws.states.executions[baking.name] == "RUNNING"


def test_an_order_of_an_alarm_is_left_to_the_handler_that_gave_it(aws: Aws, serving: Shop, baking: Execution) -> None:
    serving.panic("b-errors")
    serving.tell_of_order()
    assert aws.states.executions[baking.name] == "RUNNING"
    serving.run(baking)
    assert serving.outcome(baking)[0] == "ROLLED_BACK"


def test_traffic_comes_first_and_a_busy_endpoint_is_waited_for(aws: Aws, serving: Shop, baking: Execution) -> None:
    """The execution goes on until the traffic is back: it is what would lower it otherwise."""
    aborted(aws, serving, baking)
    aws.fail(RAISE, THROTTLED, times=1000)
    with pytest.raises(EndpointBusy, match="did not take weight 0 for variant-b yet"):
        serving.tell_of_order(milliseconds=60_000)
    assert aws.states.executions[baking.name] == "RUNNING"
    aws.heal()
    serving.tell_of_order()
    assert serving.weights() == {A: 100, B: 0}
    assert aws.states.executions[baking.name] == "ABORTED"


def test_one_endpoint_that_fails_does_not_keep_another_waiting(aws: Aws, serving: Shop, baking: Execution) -> None:
    aborted(aws, serving, baking)
    elsewhere = {"endpoint": {"S": "elsewhere"}, "record": {"S": "lock"}}
    aws.fail("GetItem", UNAVAILABLE, times=1000, when=lambda asked: asked["Key"] == elsewhere)
    with pytest.raises(Exception, match="Internal server error"):
        serving.tell_of_order("elsewhere", ENDPOINT, milliseconds=60_000)
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}
    assert told(aws, "Needs Attention", "endpoint") == ["elsewhere"]


def test_an_execution_that_ended_meanwhile_is_no_error(aws: Aws, serving: Shop, baking: Execution) -> None:
    aborted(aws, serving, baking)
    aws.interrupt("StopExecution", lambda: serving.stop(baking))
    serving.tell_of_order()
    serving.restore(baking.name, "ABORTED")
    assert serving.outcome(baking) == ("NOT_JUDGED", WHY)


def test_an_order_before_the_first_look_at_the_endpoint_ends_the_rollout(aws: Aws, serving: Shop) -> None:
    preparing = serving.begin("v2", "Prepare")
    aborted(aws, serving, preparing)
    serving.tell_of_order()
    serving.restore(preparing.name, "ABORTED")
    assert serving.outcome(preparing) == ("NOT_JUDGED", WHY)
    assert serving.weights() == {A: 100, B: 0}
    assert serving.unsafe() == []


def test_a_promotion_that_is_decided_is_not_aborted(aws: Aws, serving: Shop, baking: Execution) -> None:
    serving.run(baking, "Promote")
    assert serving.ledger.seal(baking.name)
    assert not serving.ask(operator.abort(baking.name, order(aws)))
    serving.run(baking)
    assert serving.outcome(baking)[0] == "PROMOTED"


@pytest.mark.parametrize("nth", range(1, 8))
def test_the_state_machine_may_look_at_any_moment_of_the_abort(
    aws: Aws, serving: Shop, baking: Execution, nth: int
) -> None:
    aborted(aws, serving, baking)
    aws.interrupt("", lambda: serving.run(baking), nth=nth)
    serving.tell_of_order()
    serving.run(baking)
    if aws.states.executions[baking.name] == "ABORTED":
        serving.restore(baking.name, "ABORTED")
    assert serving.outcome(baking) == ("NOT_JUDGED", WHY)
    assert serving.weights() == {A: 100, B: 0}
    assert serving.unsafe() == []


def test_the_order_is_for_the_rollout_that_it_names(aws: Aws, serving: Shop, baking: Execution) -> None:
    assert not serving.ask(operator.abort("v1-1", order(aws)))
    assert serving.ledger.lock() is not None
    assert baking.repeat()["next"] == "STAY"


def test_the_first_reason_is_kept(aws: Aws, serving: Shop, baking: Execution) -> None:
    aborted(aws, serving, baking)
    assert not serving.ask(operator.abort(baking.name, order(aws, "changed my mind")))
    serving.tell_of_order()
    serving.restore(baking.name, "ABORTED")
    assert serving.outcome(baking)[1] == WHY
