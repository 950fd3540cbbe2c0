from contextlib import suppress

import pytest
from botocore.exceptions import ReadTimeoutError
from rollout.contract.errors import (
    AlarmRaised,
    CannotBegin,
    CapacityUnavailable,
    EndpointBusy,
    EndpointChanged,
    Halted,
    Inconclusive,
    LockLost,
)

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

LOST_ANSWER = ReadTimeoutError(endpoint_url="https://runtime.sagemaker")
RAISE = "UpdateEndpointWeightsAndCapacities"


@pytest.fixture
def shifting(serving: Shop) -> Execution:
    """The rollout of v2, about to shift its first step."""
    return serving.begin("v2", "ShiftTraffic")


def raises(aws: Aws) -> list[dict[str, float]]:
    """Return the weights of every call that asked for some."""
    return [
        {row["VariantName"]: row["DesiredWeight"] for row in call["DesiredWeightsAndCapacities"]}
        for call in aws.asked(RAISE)
    ]


def test_the_first_shift_asks_for_the_weights_of_its_step(aws: Aws, serving: Shop, shifting: Execution) -> None:
    assert shifting.repeat()["in_place"] is False
    serving.wait_until_quiet()
    assert shifting.repeat()["in_place"] is True
    assert raises(aws) == [{A: 90.0, B: 10.0}]


def test_nothing_is_asked_when_the_weights_are_in_place(aws: Aws, serving: Shop, shifting: Execution) -> None:
    serving.run(shifting, "Evaluate")
    shifting.task = "ShiftTraffic"
    assert shifting.repeat()["in_place"] is True
    assert len(raises(aws)) == 1


def test_weights_that_fall_back_are_asked_again(aws: Aws, serving: Shop, shifting: Execution) -> None:
    aws.sagemaker.faults.weight_rollbacks.add(ENDPOINT)
    serving.run(shifting, "Evaluate")
    assert serving.weights() == {A: 90, B: 10}
    assert raises(aws) == [{A: 90.0, B: 10.0}, {A: 90.0, B: 10.0}]


def test_weights_that_never_come_end_the_rollout_with_a_sentence(aws: Aws, serving: Shop, shifting: Execution) -> None:
    while shifting.task == "ShiftTraffic":
        aws.sagemaker.faults.weight_rollbacks.add(ENDPOINT)
        shifting.advance()
    aws.sagemaker.faults.weight_rollbacks.clear()
    serving.run(shifting)
    outcome, reason = serving.outcome(shifting)
    assert outcome == "NOT_JUDGED"
    assert reason.startswith("endpoint shop did not take the weights variant-a 90, variant-b 10 in time")
    assert serving.unsafe() == []


def test_without_the_lock_nothing_rises(aws: Aws, serving: Shop, shifting: Execution) -> None:
    serving.ledger.free(shifting.name)
    with pytest.raises(LockLost, match=f"is held by nobody, not by {shifting.name}"):
        shifting.repeat()
    assert raises(aws) == []


def test_after_a_halt_nothing_rises(aws: Aws, serving: Shop, shifting: Execution) -> None:
    serving.ledger.halt(shifting.name, "an operator said so", aws.clock.now())
    with pytest.raises(Halted, match="an operator said so"):
        shifting.repeat()
    assert raises(aws) == []


def test_on_another_endpoint_config_nothing_rises(aws: Aws, serving: Shop, shifting: Execution) -> None:
    config = aws.sagemaker.catalogue.configs.find("config-2").properties
    aws.sagemaker.catalogue.configs.create({**config, "EndpointConfigName": "foreign"})
    aws.sagemaker.endpoints.update(
        {"EndpointName": ENDPOINT, "EndpointConfigName": "foreign", "RetainAllVariantProperties": True}
    )
    serving.wait_until_quiet()
    with pytest.raises(EndpointChanged, match="is on config foreign, the rollout started on config-2"):
        shifting.repeat()
    assert raises(aws) == []


def test_while_a_change_is_pending_nothing_rises(aws: Aws, serving: Shop, shifting: Execution) -> None:
    serving.update_by_another_hand()
    assert shifting.repeat()["in_place"] is False
    assert raises(aws) == []
    serving.wait_until_quiet()


def test_without_its_capacity_in_service_nothing_rises(aws: Aws, shifting: Execution) -> None:
    shifting.step["instances"] = 3
    with pytest.raises(CapacityUnavailable, match="variant-b has 1 of 3 instances"):
        shifting.repeat()
    assert raises(aws) == []


@pytest.mark.parametrize("weights", [{"a": 50, "b": 50}, {"a": 99, "b": 1}, {"a": 0, "b": 100}])
def test_another_hand_on_the_first_weights_is_refused(
    aws: Aws, serving: Shop, shifting: Execution, weights: dict[str, float]
) -> None:
    serving.set_weights(**weights)
    serving.wait_until_quiet()
    with pytest.raises(EndpointChanged, match="another hand changed the weights of endpoint shop"):
        shifting.repeat()
    assert raises(aws) == []


def test_another_hand_between_two_steps_is_refused(aws: Aws, serving: Shop) -> None:
    shifting = serving.begin("v2", "ShiftTraffic", index=1)
    serving.set_weights(a=80, b=20)
    serving.wait_until_quiet()
    with pytest.raises(EndpointChanged, match="another hand changed the weights"):
        shifting.repeat()
    assert len(raises(aws)) == 1


def test_an_endpoint_that_became_busy_is_named(aws: Aws, serving: Shop, shifting: Execution) -> None:
    grow = {**scaling_id(A), "MinCapacity": 3}
    aws.interrupt(RAISE, lambda: aws.sagemaker.scaling.register(grow))
    with pytest.raises(EndpointBusy, match="in-progress endpoint"):
        shifting.repeat()
    serving.run(shifting, "Evaluate")
    assert serving.weights() == {A: 90, B: 10}


@pytest.mark.parametrize("call", range(1, 7))
def test_a_panic_at_any_moment_of_a_shift_ends_at_zero(aws: Aws, serving: Shop, shifting: Execution, call: int) -> None:
    """Whichever comes last, the raise or the panic's look, somebody lowers."""
    aws.interrupt("", lambda: serving.panic("business"), nth=call)
    with suppress(Halted):
        shifting.repeat()
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}
    with pytest.raises(Halted, match="business is in ALARM"):
        shifting.repeat()


def test_a_raise_whose_answer_is_lost_is_undone_after_a_halt(aws: Aws, serving: Shop, shifting: Execution) -> None:
    """The panic saw zero before the raise took effect, and has gone home."""
    aws.interrupt(RAISE, lambda: serving.panic("business"))
    aws.fail(RAISE, LOST_ANSWER, after_effect=True)
    with pytest.raises(Halted):
        shifting.repeat()
    assert serving.weights() == {A: 100, B: 0}


def test_a_raise_is_undone_when_the_second_look_at_the_ledger_fails(
    aws: Aws, serving: Shop, shifting: Execution
) -> None:
    def stopped_and_the_ledger_gone() -> None:
        serving.stop(shifting)
        serving.restore(shifting.name)
        aws.fail("GetItem", UNAVAILABLE, times=100)

    aws.interrupt(RAISE, stopped_and_the_ledger_gone)
    with pytest.raises(Exception, match="Internal server error"):
        shifting.repeat()
    assert serving.weights() == {A: 100, B: 0}


def test_a_raise_of_a_stopped_execution_is_undone(aws: Aws, serving: Shop, shifting: Execution) -> None:
    def stopped() -> None:
        serving.stop(shifting)
        serving.restore(shifting.name)

    aws.interrupt(RAISE, stopped)
    with pytest.raises(LockLost):
        shifting.repeat()
    assert serving.unsafe() == []


def test_lowering_after_a_halt_goes_on_through_a_weak_moment_of_sagemaker(
    aws: Aws, serving: Shop, shifting: Execution
) -> None:
    def halted() -> None:
        serving.ledger.halt(shifting.name, "an operator said so", aws.clock.now())
        down = ApiError("InternalFailure", "try again", status=500)
        aws.fail("DescribeEndpoint", down, times=3)

    aws.interrupt(RAISE, halted)
    with pytest.raises(Halted):
        shifting.repeat()
    assert serving.weights() == {A: 100, B: 0}


def test_an_alarm_whose_event_was_lost_is_seen_before_a_shift(aws: Aws, shifting: Execution) -> None:
    aws.cloudwatch.alarms["business"] = "ALARM"
    with pytest.raises(CannotBegin, match="business is in ALARM, before the release has had a request"):
        shifting.repeat()
    assert raises(aws) == []


def test_an_alarm_whose_event_was_lost_ends_the_wait_for_weights(aws: Aws, serving: Shop) -> None:
    shifting = serving.begin("v2", "ShiftTraffic", index=1)
    assert shifting.repeat()["in_place"] is False
    serving.misbehave(B)
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    with pytest.raises(AlarmRaised, match="b-errors is in ALARM: of the canary's requests"):
        shifting.repeat()


def test_nothing_is_asked_while_alarms_hold_the_step_and_not_for_ever(
    aws: Aws, serving: Shop, shifting: Execution
) -> None:
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    serving.run(shifting)
    assert raises(aws) == []
    assert type(shifting.errors[-1]) is Inconclusive
    assert "b-errors is in ALARM, and CloudWatch does not show why" in serving.outcome(shifting)[1]


def test_an_alarm_that_has_no_data_before_the_canary_has_traffic_does_not_prevent_it(
    aws: Aws, shifting: Execution
) -> None:
    aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"
    shifting.repeat()
    assert len(raises(aws)) == 1
