import pytest
from rollout.contract.errors import EndpointBusy, Halted

from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

RAISE = "UpdateEndpointWeightsAndCapacities"


@pytest.fixture
def baking(serving: Shop) -> Execution:
    """The rollout of v2, with half of the traffic."""
    return serving.begin("v2", "Evaluate", index=1)


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_an_alarm_takes_the_canarys_traffic_at_once(aws: Aws, serving: Shop, baking: Execution, alarm: str) -> None:
    began = aws.clock.now()
    serving.panic(alarm)
    assert serving.weights() == {A: 100, B: 0}
    assert aws.clock.now() < began + 40
    with pytest.raises(Halted, match=f"{alarm} is in ALARM"):
        baking.repeat()


def test_the_rollout_ends_with_the_alarm_as_its_reason(serving: Shop, baking: Execution) -> None:
    serving.panic("b-errors")
    serving.run(baking)
    assert serving.outcome(baking) == ("ROLLED_BACK", "b-errors is in ALARM")
    assert serving.unsafe() == []


@pytest.mark.parametrize("alarm", ["a-errors", "somebody-elses"])
def test_alarms_of_the_stable_slot_and_of_strangers_change_nothing(
    serving: Shop, baking: Execution, alarm: str
) -> None:
    lock = serving.lock()
    serving.panic(alarm)
    assert serving.weights() == {A: 50, B: 50}
    assert serving.lock() == lock
    assert baking.repeat()["next"] == "STAY"


def test_after_a_promotion_the_alarms_of_the_new_stable_slot_change_nothing(serving: Shop) -> None:
    serving.promote("v2")
    serving.begin("v3", "Evaluate")
    serving.panic("b-errors")
    assert serving.weights() == {A: 10, B: 90}


def test_without_a_rollout_nothing_happens(aws: Aws, serving: Shop) -> None:
    serving.panic("b-errors")
    assert aws.asked(RAISE) == []
    assert serving.lock() is None


def test_during_a_deployment_nothing_happens(aws: Aws, serving: Shop) -> None:
    for resource in serving.stack.deploying(serving.stack.template("v2")):
        if resource == "Config":
            break
    serving.panic("b-errors")
    assert aws.asked(RAISE) == []


@pytest.mark.usefixtures("baking")
def test_an_event_that_comes_again_changes_nothing_more(aws: Aws, serving: Shop) -> None:
    serving.panic("b-errors")
    calls = len(aws.asked(RAISE))
    serving.panic("business")
    assert len(aws.asked(RAISE)) == calls
    lock = serving.lock()
    assert lock is not None
    assert lock.halted == "b-errors is in ALARM"


def test_a_late_event_never_touches_the_next_rollout_of_the_other_slot(serving: Shop) -> None:
    serving.promote("v2")
    execution = serving.begin("v3", "Evaluate")
    serving.panic("b-errors")
    assert execution.repeat()["next"] == "STAY"


@pytest.mark.usefixtures("baking")
def test_a_scaling_endpoint_is_lowered_as_soon_as_it_is_quiet(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


def test_an_endpoint_that_stays_busy_is_left_to_the_next_delivery(aws: Aws, serving: Shop, baking: Execution) -> None:
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 2000
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    with pytest.raises(EndpointBusy, match="endpoint shop did not take weight 0 for variant-b yet"):
        serving.panic("b-errors")
    with pytest.raises(Halted):
        baking.repeat()
    aws.sagemaker.faults.stalled.clear()
    serving.wait_until_quiet()
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_weights_that_fall_back_are_lowered_again(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.weight_rollbacks.add(ENDPOINT)
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_weak_services_are_tried_again(aws: Aws, serving: Shop) -> None:
    for operation in ("GetItem", "UpdateItem", "DescribeEndpoint", RAISE):
        aws.fail(operation, THROTTLED, times=3)
        aws.fail(operation, UNAVAILABLE, times=2)
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_traffic_is_lowered_even_when_the_ledger_cannot_be_written(aws: Aws, serving: Shop) -> None:
    aws.fail("UpdateItem", UNAVAILABLE, times=100_000)
    with pytest.raises(Exception, match="Internal server error"):
        serving.panic("b-errors", milliseconds=60_000)
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}


def test_a_decided_promotion_is_not_touched(serving: Shop) -> None:
    promoting = serving.begin("v2", "Promote")
    serving.ledger.seal(promoting.name)
    serving.panic("b-errors")
    assert serving.weights() == {A: 0, B: 100}


@pytest.mark.usefixtures("baking")
def test_an_endpoint_that_is_gone_is_no_failure(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    serving.panic("b-errors")
    assert not aws.sagemaker.endpoints.exists(ENDPOINT)


def test_an_abort_that_was_written_where_no_lock_was_bothers_nobody(aws: Aws, serving: Shop) -> None:
    key = {"endpoint": {"S": ENDPOINT}, "record": {"S": "lock"}}
    aws.table.call("PutItem", {"TableName": aws.table.name, "Item": {**key, "halted": {"S": "stop it"}}})
    serving.panic("b-errors")
    serving.promote("v2")
    assert serving.unsafe() == []
