from typing import Any

import pytest
from rollout.contract.errors import AlarmRaised, CannotBegin, CapacityUnavailable, Halted, Inconclusive, LockLost
from rollout.contract.names import NOT_JUDGED

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.autoscaling.targets import VariantId
from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, PERIOD, SCALED, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id


@pytest.fixture
def scaling(serving: Shop) -> Execution:
    """The rollout of v2, about to raise capacity for its first step."""
    return serving.begin("v2", "ScaleCanary")


def busy_minute(shop: Shop, requests: int) -> None:
    """Let stable have a minute of traffic just now."""
    shop.aws.wait(PERIOD)
    at = shop.aws.clock.now() - PERIOD
    shop.aws.cloudwatch.serve(ENDPOINT, A, requests, at=at, period=PERIOD)


def test_a_step_that_needs_nothing_is_ready_at_once(scaling: Execution) -> None:
    answer = scaling.repeat()
    assert answer["ready"] is True
    assert answer["instances"] == 1


def test_both_slots_get_the_floors_that_the_whole_traffic_needs(serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    busy_minute(serving, 5500)
    assert scaling.repeat()["ready"] is False
    assert serving.floors() == {A: 6, B: 3}
    assert all(slot.scale_in_suspended for slot in serving.scaling().values())


def test_the_canary_waits_for_its_instances(serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    busy_minute(serving, 5500)
    while not (answer := scaling.repeat())["ready"]:
        serving.aws.wait(30)
    assert answer["instances"] == 3
    assert serving.instances_of(B) >= 3


def test_a_floor_raise_that_was_lost_is_made_again(serving: Shop) -> None:
    """Stable's raise makes the endpoint busy, and the canary's collides with it."""
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    busy_minute(serving, 5500)
    scaling.repeat()
    serving.wait_until_quiet()
    assert (serving.instances_of(A), serving.instances_of(B)) == (6, 1)
    scaling.repeat()
    serving.wait_until_quiet()
    assert serving.instances_of(B) == 3


def test_a_lost_raise_of_stable_is_made_again_while_the_step_bakes(aws: Aws, serving: Shop) -> None:
    """A rollback at noon must not land on the capacity of the night before."""
    execution = serving.begin("v2", "Evaluate")
    serving.requests_per_period = 5500
    serving.serve_for(3 * PERIOD)
    aws.sagemaker.scaling.register({**scaling_id(B), "MinCapacity": 2})
    execution.repeat()
    serving.wait_until_quiet()
    needed = serving.floors()[A]
    assert needed > serving.instances_of(A) == 2
    execution.repeat()
    serving.wait_until_quiet()
    assert serving.instances_of(A) == needed


def test_floors_never_fall_during_a_rollout(serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    busy_minute(serving, 5500)
    scaling.repeat()
    serving.aws.wait(3600)
    scaling.repeat()
    assert serving.floors() == {A: 6, B: 3}


@pytest.mark.parametrize("scaling", [SCALED, FIXED], ids=["scaled", "fixed"])
def test_floors_that_are_in_force_are_not_set_again(aws: Aws, scaling: dict[str, Any]) -> None:
    shop = Shop(aws, scaling=scaling)
    shop.serve_first()
    execution = shop.begin("v2", "ScaleCanary", index=2)
    while not execution.repeat()["ready"]:
        aws.wait(30)
    shop.wait_until_quiet()
    before = len(aws.asked("RegisterScalableTarget"))
    assert execution.repeat()["ready"] is True
    assert len(aws.asked("RegisterScalableTarget")) == before


def test_one_minute_above_the_maximum_is_waited_for(serving: Shop, scaling: Execution) -> None:
    busy_minute(serving, 9000)
    assert scaling.repeat()["ready"] is False
    assert serving.floors() == {A: 8, B: 1}
    serving.run(scaling, "ShiftTraffic")
    assert scaling.failure is None


def test_traffic_that_stays_above_the_maximum_ends_the_rollout_with_a_sentence(
    serving: Shop, scaling: Execution
) -> None:
    serving.requests_per_period = 9000
    busy_minute(serving, 9000)
    serving.run(scaling)
    outcome, reason = serving.outcome(scaling)
    assert outcome == NOT_JUDGED
    assert reason.startswith(
        "the current 9,000 requests a minute need 9 instances of variant-a at 1,000 each, but its max_instances is 8"
    )
    assert reason.endswith("; this lasts for 15 minutes")
    assert serving.weights() == {A: 100, B: 0}


def test_traffic_that_grows_gets_the_time_that_its_new_instances_need(aws: Aws, serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    aws.sagemaker.faults.stalled[(ENDPOINT, B)] = 3600
    busy_minute(serving, 3000)
    begun = aws.clock.now()
    scaling.advance()
    aws.wait(1100)
    busy_minute(serving, 7000)
    while scaling.task == "ScaleCanary":
        scaling.advance()
    assert "has 1 of the 4 instances that it needs, and no more came in 2" in str(scaling.errors[-1])
    assert aws.clock.now() - begun > 1100 + 1200


def test_traffic_that_grows_for_ever_ends_the_rollout_with_a_sentence(aws: Aws, serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=2)
    aws.sagemaker.faults.stalled[(ENDPOINT, B)] = 7200
    requests = 1500
    while scaling.task == "ScaleCanary":
        requests = min(requests + 1000, 8000)
        busy_minute(serving, requests)
        scaling.advance()
        aws.wait(600)
    assert "instances that it needs after 4" in str(scaling.errors[-1])
    assert str(scaling.errors[-1]).endswith("the traffic grew while they came")


def test_instances_that_do_not_come_end_the_rollout_with_a_sentence(aws: Aws, serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    busy_minute(serving, 5500)
    aws.sagemaker.faults.stalled[(ENDPOINT, B)] = 60
    while scaling.task == "ScaleCanary":
        scaling.advance()
    aws.sagemaker.faults.stalled.clear()
    serving.run(scaling)
    assert serving.outcome(scaling)[1] == (
        "variant-b has 1 of the 3 instances that it needs, and no more came in 20 minutes"
    )
    assert serving.unsafe() == []


def test_a_fixed_fleet_needs_its_declared_instances(aws: Aws) -> None:
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    scaling = shop.begin("v2", "ScaleCanary", index=2)
    busy_minute(shop, 1_000_000)
    while not scaling.repeat()["ready"]:
        aws.wait(30)
    assert (shop.instances_of(A), shop.instances_of(B)) == (2, 2)


def test_a_target_that_was_deregistered_is_said(aws: Aws, scaling: Execution) -> None:
    aws.sagemaker.scaling.deregister(scaling_id(B))
    with pytest.raises(CapacityUnavailable, match="variant-b of endpoint shop is no scalable target any more"):
        scaling.repeat()


@pytest.mark.parametrize(
    "error",
    [
        THROTTLED,
        ApiError("ConcurrentUpdateException", "You already have an update in progress for this resource"),
        ApiError("FailedResourceAccessException", "SageMaker could not be reached"),
        ApiError("ValidationException", 'Cannot update in-progress endpoint "arn".'),
    ],
)
def test_a_collision_is_tried_again_by_the_state_machine(
    aws: Aws, serving: Shop, scaling: Execution, error: ApiError
) -> None:
    busy_minute(serving, 5500)
    aws.fail("RegisterScalableTarget", error, times=2)
    serving.run(scaling, "Evaluate")
    assert scaling.failure is None
    assert serving.floors()[A] > 2


def test_without_the_lock_no_floor_is_set(aws: Aws, serving: Shop, scaling: Execution) -> None:
    serving.ledger.free(scaling.name)
    before = len(aws.asked("RegisterScalableTarget"))
    with pytest.raises(LockLost):
        scaling.repeat()
    assert len(aws.asked("RegisterScalableTarget")) == before


@pytest.mark.parametrize("call", range(1, 12))
@pytest.mark.parametrize("task", ["ScaleCanary", "Evaluate"])
def test_a_stop_at_any_moment_leaves_no_floor_behind(aws: Aws, serving: Shop, task: str, call: int) -> None:
    """The stopped execution's Lambda runs on when the restore path has been and gone."""

    def stopped() -> None:
        serving.stop(execution)
        serving.restore(execution.name)

    execution = serving.begin("v2", task)
    busy_minute(serving, 5500)
    aws.wait(3 * PERIOD)
    aws.interrupt("", stopped, nth=call)
    try:
        execution.repeat()
    except (Halted, LockLost):
        assert execution.status == "ABORTED"
    aws.before_call = None
    if execution.status == "RUNNING":
        stopped()
    assert serving.unsafe() == []


def test_without_metrics_capacity_goes_by_what_stable_has(aws: Aws, serving: Shop) -> None:
    """Half of the traffic is not let to one instance because nobody knows how much it is."""
    aws.sagemaker.scaling.set_count(VariantId(ENDPOINT, A), 6, cause="traffic")
    serving.wait_until_quiet()
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    aws.wait(3600)
    assert scaling.repeat()["instances"] == 3
    assert serving.floors() == {A: 6, B: 3}


def test_an_alarm_whose_event_was_lost_ends_the_wait_for_instances(aws: Aws, serving: Shop) -> None:
    scaling = serving.begin("v2", "ScaleCanary", index=1)
    busy_minute(serving, 5500)
    assert scaling.repeat()["ready"] is False
    serving.misbehave(B)
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    with pytest.raises(AlarmRaised, match="b-errors is in ALARM: of the canary's requests"):
        scaling.repeat()


def test_an_alarm_of_the_caller_whose_event_was_lost_ends_the_wait_for_instances(aws: Aws, scaling: Execution) -> None:
    aws.cloudwatch.alarms["business"] = "ALARM"
    with pytest.raises(CannotBegin, match="business is in ALARM, before the release has had a request"):
        scaling.repeat()


def test_a_step_that_alarms_hold_is_not_ready_and_not_for_ever(aws: Aws, serving: Shop, scaling: Execution) -> None:
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    assert scaling.repeat()["ready"] is False
    serving.run(scaling)
    assert type(scaling.errors[-1]) is Inconclusive
    assert "b-errors is in ALARM, and CloudWatch does not show why" in serving.outcome(scaling)[1]
    assert serving.weights() == {A: 100, B: 0}


def test_a_hold_that_ends_in_time_is_no_end(aws: Aws, scaling: Execution) -> None:
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    scaling.repeat()
    aws.cloudwatch.alarms["b-errors"] = "OK"
    assert scaling.repeat()["ready"] is True


def test_an_alarm_that_has_no_data_before_the_canary_has_traffic_holds_nothing_up(aws: Aws, scaling: Execution) -> None:
    aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"
    assert scaling.repeat()["ready"] is True
