"""Roll back and restore: from wherever a rollout breaks off, to the same safe end."""

from itertools import count

import pytest
from rollout.contract.errors import EndpointBusy, Unavailable
from rollout.contract.names import NOT_JUDGED, ROLLED_BACK
from rollout.contract.states import Failure
from rollout.contract.timing import LANDING_SECONDS_AT_MOST, SERVES_AGAIN_SECONDS
from rollout.ending import end_rollout

from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.context import LAMBDA_MILLISECONDS
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, PERIOD, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

TASKS = ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "Evaluate"]
ENDS = {"Canary Rollout Rolled Back", "Canary Rollout Not Judged"}
OPERATIONS = [
    "GetItem", "UpdateItem", "DeleteItem", "DescribeEndpoint", "UpdateEndpointWeightsAndCapacities",
    "RegisterScalableTarget", "PutEvents",
]  # fmt: skip


@pytest.fixture
def failing(serving: Shop) -> Execution:
    """The rollout of v2 at 50 %, about to roll back because its alarm went off."""
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution, "RollBack")
    return execution


def assert_ended(shop: Shop, execution: Execution, outcome: str, stable: str = A) -> None:
    assert shop.unsafe() == []
    assert shop.weights()[stable] == 100
    assert shop.outcome(execution)[0] == outcome


def assert_rolled_back(shop: Shop, execution: Execution) -> None:
    assert_ended(shop, execution, ROLLED_BACK)


def assert_not_judged(shop: Shop, execution: Execution, stable: str = A) -> None:
    assert_ended(shop, execution, NOT_JUDGED, stable)
    release = shop.ledger.release("v2")
    assert release is not None
    assert release.outcome != ROLLED_BACK


def test_a_rollback_is_recorded_and_told_with_its_reason(aws: Aws, serving: Shop, failing: Execution) -> None:
    serving.run(failing)
    assert_rolled_back(serving, failing)
    assert serving.outcome(failing)[1] == "business is in ALARM"
    happened, detail = aws.events.told()[-1]
    assert happened == "Canary Rollout Rolled Back"
    assert (detail["endpoint"], detail["version"], detail["execution"]) == ("shop", "v2", "v2-1")
    assert detail["reason"] == "business is in ALARM"
    release = serving.ledger.release("v2")
    assert release is not None
    assert release.outcome == "ROLLED_BACK"


def test_a_busy_endpoint_means_come_again(aws: Aws, serving: Shop, failing: Execution) -> None:
    """Auto scaling asks again and again for instances that do not come: the landing ends all the same."""
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 2000
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    assert failing.repeat() == {"safe": False, "tries": 1}
    serving.wait_until_quiet()
    serving.run(failing)
    serving.serve_for(LANDING_SECONDS_AT_MOST)
    assert_rolled_back(serving, failing)


def test_traffic_goes_first_even_when_the_ledger_is_down(aws: Aws, serving: Shop, failing: Execution) -> None:
    for operation in ("GetItem", "UpdateItem", "PutItem", "DeleteItem"):
        aws.fail(operation, UNAVAILABLE, times=100_000)
    assert failing.repeat()["safe"] is False
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}
    aws.heal()
    serving.run(failing)
    assert_rolled_back(serving, failing)


def test_traffic_goes_first_when_the_ledger_can_only_be_read(aws: Aws, serving: Shop, failing: Execution) -> None:
    aws.fail("UpdateItem", UNAVAILABLE, times=100_000)
    assert failing.repeat()["safe"] is False
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}


def test_the_lock_of_somebody_else_is_left_alone(aws: Aws, serving: Shop, failing: Execution) -> None:
    serving.ledger.free(failing.name)
    serving.ledger.lock_for_rollout("another", aws.clock.now())
    lock, weights = serving.lock(), serving.weights()
    assert failing.repeat()["safe"] is True
    assert (serving.lock(), serving.weights()) == (lock, weights)
    assert serving.outcome(failing) == (ROLLED_BACK, "business is in ALARM")


def test_an_endpoint_that_is_gone_is_the_end_of_its_rollout(aws: Aws, serving: Shop, failing: Execution) -> None:
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    serving.wait_until_quiet()
    assert failing.repeat()["safe"] is True
    assert serving.lock() is None
    assert serving.outcome(failing)[0] == "ROLLED_BACK"


def test_the_first_reason_stays(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    serving.ledger.halt(execution.name, "an operator said so", aws.clock.now())
    serving.panic("business")
    serving.run(execution)
    assert serving.outcome(execution) == (NOT_JUDGED, "an operator said so")


def test_an_order_that_an_operator_wrote_by_hand_judges_nothing(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    by_hand = {
        "TableName": aws.table.name,
        "Key": {"endpoint": {"S": ENDPOINT}, "record": {"S": "lock"}},
        "UpdateExpression": "SET halted = :reason",
        "ExpressionAttributeValues": {":reason": {"S": "Ada saw wrong prices"}},
    }
    aws.table.call("UpdateItem", by_hand)
    serving.panic("business")
    serving.run(execution)
    assert serving.outcome(execution) == (NOT_JUDGED, "Ada saw wrong prices")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("effect", ["before its effect", "after its effect"])
def test_a_rollback_that_breaks_off_is_finished(
    aws: Aws, serving: Shop, failing: Execution, operation: str, effect: str
) -> None:
    for error in (THROTTLED, UNAVAILABLE):
        aws.fail(operation, error, times=3, after_effect=effect.startswith("after"))
    serving.run(failing)
    assert_rolled_back(serving, failing)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_an_execution_that_ended_anywhere_is_restored(serving: Shop, task: str, status: str) -> None:
    execution = serving.begin("v2", task)
    serving.aws.states.executions[execution.name] = status
    serving.restore(execution.name, status)
    assert_not_judged(serving, execution)


def test_a_stop_says_so(serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=2)
    serving.stop(execution)
    serving.restore(execution.name)
    assert serving.outcome(execution) == (NOT_JUDGED, "the execution was stopped")


def test_a_rollout_of_the_other_direction_is_restored_to_its_own_stable_slot(serving: Shop) -> None:
    serving.promote("v2")
    execution = serving.begin("v3", "Evaluate", index=2)
    serving.stop(execution)
    serving.restore(execution.name)
    assert_not_judged(serving, execution, stable=B)


def test_a_decided_promotion_is_completed_by_the_restore(serving: Shop) -> None:
    execution = serving.begin("v2", "Promote")
    serving.ledger.seal(execution.name)
    serving.stop(execution)
    serving.restore(execution.name)
    assert serving.unsafe() == []
    assert serving.weights() == {A: 0, B: 100}
    assert serving.outcome(execution) == ("PROMOTED", "every step passed")
    release = serving.ledger.release("v2")
    assert release is not None
    assert release.outcome == "PROMOTED"


def test_floors_rest_by_role_though_a_stopped_shift_moves_the_weights_once_more(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "ShiftTraffic")
    serving.stop(execution)
    aws.interrupt("DescribeEndpoint", lambda: serving.set_weights(a=0, b=100), nth=2)
    serving.restore(execution.name)
    serving.wait_until_quiet()
    serving.set_weights(a=100, b=0)  # as the shift does when it finds the order to halt
    assert_not_judged(serving, execution)


def test_another_hand_just_before_the_lock_is_free_raises_nothing(aws: Aws, serving: Shop, failing: Execution) -> None:
    """The rollback had seen weight 0 and was writing its records: half of the traffic stayed, and nobody looked."""
    aws.interrupt("PutEvents", lambda: serving.set_weights(a=50, b=50))
    serving.wait_until_quiet()
    serving.run(failing)
    serving.wait_until_quiet()
    assert_rolled_back(serving, failing)


def test_the_cause_that_an_operator_gave_is_kept(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    serving.stop(execution, error="GateFailed", cause="the catalogue was rebuilt")
    serving.restore(execution.name)
    assert serving.outcome(execution) == (NOT_JUDGED, "the execution was stopped: the catalogue was rebuilt")
    assert aws.events.told()[-1][0] == "Canary Rollout Not Judged"


def test_a_cause_that_step_functions_does_not_tell_holds_no_traffic_up(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    serving.stop(execution, cause="the catalogue was rebuilt")
    aws.fail("DescribeExecution", UNAVAILABLE, times=100)
    asked = len(aws.asked("DescribeExecution"))
    serving.restore(execution.name)
    assert len(aws.asked("DescribeExecution")) == asked + 1
    assert serving.outcome(execution) == (NOT_JUDGED, "the execution was stopped")


@pytest.mark.parametrize("operation", ["PutEvents", "UpdateItem", "GetItem", "DeleteItem"])
@pytest.mark.parametrize("number", range(1, 8))
def test_an_end_is_told_once(aws: Aws, serving: Shop, failing: Execution, operation: str, number: int) -> None:
    calls = count(1)
    aws.fail(operation, UNAVAILABLE, times=2, when=lambda _: next(calls) >= number)
    serving.run(failing)
    assert [kind for kind, _ in aws.events.told() if kind in ENDS] == ["Canary Rollout Rolled Back"]


@pytest.mark.parametrize(
    ("error", "outcome", "label"),
    [
        ("GateFailed", ROLLED_BACK, ROLLED_BACK),
        ("SmokeTestFailed", ROLLED_BACK, ROLLED_BACK),
        ("Inconclusive", ROLLED_BACK, ""),
        ("CapacityUnavailable", NOT_JUDGED, ""),
        ("EndpointChanged", NOT_JUDGED, ""),
        ("Throttled", NOT_JUDGED, ""),
        ("Lambda.Unknown", NOT_JUDGED, ""),
    ],
)
def test_only_the_fault_of_a_release_spends_its_label(serving: Shop, error: str, outcome: str, label: str) -> None:
    execution = serving.begin("v2", "Evaluate")
    execution.fail_with(error)
    serving.run(execution)
    assert_ended(serving, execution, outcome)
    release = serving.ledger.release("v2")
    assert release is not None
    assert release.outcome == label


@pytest.fixture
def failing_alone(serving: Shop) -> Execution:
    """The rollout of v2 at 100 %, about to roll back because its alarm went off: stable has its traffic back."""
    execution = serving.begin("v2", "Evaluate", index=2)
    serving.serve_for(3 * PERIOD)
    serving.panic("b-errors")
    serving.run(execution, "RollBack")
    assert serving.weights() == {A: 100, B: 0}
    return execution


def serve_when_asked(shop: Shop, *, failed: float) -> None:
    """Publish stable's traffic of three minutes, when it is asked for a second time."""

    def serve() -> None:
        shop.aws.wait(3 * PERIOD)
        shop.serve(failed=failed)

    shop.aws.interrupt("GetMetricData", serve, nth=2)


def test_an_alarm_at_everything_waits_for_stable_which_is_fine(serving: Shop, failing_alone: Execution) -> None:
    serve_when_asked(serving, failed=0)
    serving.run(failing_alone)
    assert_rolled_back(serving, failing_alone)
    assert "which has the traffic back, 0 of " in serving.outcome(failing_alone)[1]


def test_an_alarm_at_everything_judges_nobody_when_stable_fails_as_well(
    serving: Shop, failing_alone: Execution
) -> None:
    serve_when_asked(serving, failed=1_000_000)
    serving.run(failing_alone)
    assert_not_judged(serving, failing_alone)
    assert serving.outcome(failing_alone)[1].endswith(
        "of stable's, which has the traffic back, 2,400 of 3,600 failed (66.67 %) as well, so nobody was judged"
    )


@pytest.mark.parametrize("refusals", [0, 100_000])
def test_an_alarm_at_everything_judges_nobody_when_stable_is_not_seen(
    aws: Aws, serving: Shop, failing_alone: Execution, refusals: int
) -> None:
    aws.fail("GetMetricData", UNAVAILABLE, times=refusals)
    began = aws.clock.now()
    assert failing_alone.repeat()["safe"] is True
    assert SERVES_AGAIN_SECONDS - 2 * PERIOD < aws.clock.now() - began < LAMBDA_MILLISECONDS / 1000
    aws.heal()
    assert_not_judged(serving, failing_alone)
    assert serving.outcome(failing_alone)[1].endswith("was not published in time, so nobody was judged")
    assert "Canary Rollout Needs Attention" not in [kind for kind, _ in aws.events.told()]


def test_what_the_rollout_cleaned_up_itself_is_left_alone(aws: Aws, serving: Shop, failing: Execution) -> None:
    serving.run(failing)
    told = len(aws.events.entries)
    serving.restore(failing.name, "FAILED")
    assert_rolled_back(serving, failing)
    assert len(aws.events.entries) == told


def test_a_restore_outlasts_weak_services(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.stop(execution)
    for operation in OPERATIONS:
        aws.fail(operation, THROTTLED, times=2)
        aws.fail(operation, UNAVAILABLE, times=2, after_effect=True)
    serving.restore(execution.name)
    assert_not_judged(serving, execution)


def test_a_restore_meets_a_scaling_activity_and_waits(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.stop(execution)
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    serving.restore(execution.name)
    assert_not_judged(serving, execution)


@pytest.mark.parametrize("call", range(1, 14))
def test_a_rollback_and_a_restore_may_run_side_by_side(aws: Aws, serving: Shop, failing: Execution, call: int) -> None:
    aws.interrupt("", lambda: serving.restore(failing.name), nth=call)
    serving.run(failing)
    aws.before_call = None
    assert serving.unsafe() == []
    assert serving.weights()[A] == 100
    whoever_was_first = {(ROLLED_BACK, "business is in ALARM"), (NOT_JUDGED, "the execution was stopped")}
    assert serving.outcome(failing) in whoever_was_first
    assert len([kind for kind, _ in aws.events.told() if kind in ENDS]) == 1


def test_a_failure_without_a_message_keeps_its_name() -> None:
    died = Failure.parse({"Error": "Lambda.Unknown", "Cause": '{"errorType": "Runtime.ExitError"}'})
    assert died.reason.startswith("{")
    assert Failure.parse({"Error": "States.Timeout"}).reason == "States.Timeout"


def test_a_rollout_that_was_killed_before_it_was_opened_leaves_a_record_that_can_be_read(
    aws: Aws, serving: Shop
) -> None:
    serving.ledger.close_rollout("v2-1", ROLLED_BACK, "the execution was stopped", aws.clock.now())
    record = serving.ledger.rollout("v2-1")
    assert record is not None
    assert (record["version"], record["outcome"]) == ("", ROLLED_BACK)
    assert record["started_at"] == record["ended_at"]


@pytest.mark.parametrize("error", ["GateFailed", "Throttled"])
def test_the_end_of_a_rollout_without_a_version_is_told_and_spends_no_label(
    aws: Aws, serving: Shop, error: str
) -> None:
    serving.ledger.lock_for_rollout("v2-1", aws.clock.now(), stable=A, canary=B)
    end_rollout(serving.world, "v2-1", Failure(error=error, cause="it broke"))
    _, detail = aws.events.told()[-1]
    assert (detail["version"], detail["execution"], detail["reason"]) == ("", "v2-1", "it broke")
    assert serving.ledger.release("") is None
    assert serving.lock() is None


def test_an_end_that_was_told_is_not_told_again(aws: Aws, serving: Shop, failing: Execution) -> None:
    aws.fail("DeleteItem", UNAVAILABLE)
    failure = Failure(error="AlarmRaised", cause="business is in ALARM")

    def end() -> None:
        end_rollout(serving.world, failing.name, failure)

    with pytest.raises(EndpointBusy, match="endpoint shop could not be restored yet"):
        end()
    serving.wait_until_quiet()
    with pytest.raises(Unavailable):
        end()
    told = len(aws.events.entries)
    end()
    assert len(aws.events.entries) == told
    assert serving.lock() is None


def test_an_end_that_could_not_be_told_is_told_by_the_next_try(aws: Aws, serving: Shop, failing: Execution) -> None:
    failure = Failure(error="AlarmRaised", cause="business is in ALARM")
    aws.fail("PutEvents", UNAVAILABLE, times=3)
    aws.fail("DeleteItem", UNAVAILABLE)
    with pytest.raises(EndpointBusy):
        end_rollout(serving.world, failing.name, failure)
    serving.wait_until_quiet()
    with pytest.raises(Unavailable):
        end_rollout(serving.world, failing.name, failure)
    assert [kind for kind, _ in aws.events.told() if kind in ENDS] == []
    end_rollout(serving.world, failing.name, failure)
    assert [kind for kind, _ in aws.events.told() if kind in ENDS] == ["Canary Rollout Rolled Back"]
