import pytest
from rollout.contract.errors import CannotBegin, EndpointUnusable, Halted, LockLost, NothingToRelease
from rollout.contract.names import NOT_JUDGED, PROMOTED
from rollout.contract.reads import Reads
from rollout.ledger import Release

from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id


@pytest.fixture
def preparing(serving: Shop) -> Execution:
    """The rollout of v2, just started."""
    return serving.begin("v2", "Prepare")


def test_it_pins_what_the_rollout_works_on_and_holds_scale_in(serving: Shop, preparing: Execution) -> None:
    assert preparing.repeat() == {"ready": True, "version": "v2", "stable": A, "canary": B}
    lock = serving.lock()
    assert lock is not None
    assert (lock.stable, lock.canary, lock.config_name) == (A, B, "config-2")
    assert all(slot.scale_in_suspended and not slot.scale_out_suspended for slot in serving.scaling().values())
    assert serving.floors() == {A: 2, B: 1}


def test_it_may_be_repeated(preparing: Execution) -> None:
    first = preparing.repeat()
    assert preparing.repeat() == first


def test_it_tells_that_the_rollout_started(aws: Aws, preparing: Execution) -> None:
    preparing.repeat()
    ((happened, detail),) = aws.events.told()
    assert (happened, detail["execution"], detail["version"]) == ("Canary Rollout Started", "v2-1", "v2")
    assert (detail["stable"], detail["canary"]) == (A, B)
    assert detail["reason"] == f"the rollout of v2 begins in {B}; {A} serves"


def test_an_abort_between_two_looks_stays_in_force(aws: Aws, serving: Shop, preparing: Execution) -> None:
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    assert preparing.repeat()["ready"] is False
    serving.ledger.halt(preparing.name, "an operator said so", aws.clock.now())
    with pytest.raises(Halted, match="an operator said so"):
        preparing.repeat()


def test_what_is_pinned_stays_pinned(aws: Aws, serving: Shop, preparing: Execution) -> None:
    preparing.repeat()
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    assert preparing.repeat() == {"ready": False}
    lock = serving.lock()
    assert lock is not None
    assert lock.canary == B


def test_a_second_rollout_is_refused_with_the_name_of_the_first(serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    serving.aws.states.executions["v2-1"] = "RUNNING"
    second = Execution(serving.aws, "by-hand", serving.plan)
    serving.aws.states.executions["by-hand"] = "RUNNING"
    with pytest.raises(LockLost, match="the lock of endpoint shop is held by rollout v2-1, not by by-hand"):
        second.repeat()


def test_a_refused_rollout_touches_nothing_of_the_running_one(serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    before = (serving.lock(), serving.weights(), serving.scaling())
    second = serving.start("by-hand")
    while second.task:
        second.advance()
    assert second.status == "FAILED"
    serving.restore("by-hand", "FAILED")
    assert before == (serving.lock(), serving.weights(), serving.scaling())
    assert serving.outcome(second)[0] == NOT_JUDGED
    assert "is held by rollout v2-1" in serving.outcome(second)[1]


def test_a_deployment_in_progress_refuses_a_rollout(serving: Shop) -> None:
    for resource in serving.stack.deploying(serving.stack.template("v2")):
        if resource == "Config":
            break
    with pytest.raises(LockLost, match="is held by deployment request-3, not by by-hand"):
        serving.start("by-hand").repeat()
    assert serving.suspended()


def test_a_stopped_execution_cannot_take_the_lock_any_more(serving: Shop, preparing: Execution) -> None:
    serving.stop(preparing)
    serving.restore(preparing.name)
    with pytest.raises(LockLost, match="rollout v2-1 is over already"):
        preparing.repeat()
    assert serving.unsafe() == []


@pytest.mark.parametrize("call", range(1, 20))
def test_a_stop_at_any_moment_leaves_the_endpoint_at_rest(
    aws: Aws, serving: Shop, preparing: Execution, call: int
) -> None:
    def stopped() -> None:
        serving.stop(preparing)
        serving.restore(preparing.name)

    aws.interrupt("", stopped, nth=call)
    preparing.advance()
    aws.before_call = None
    if preparing.status == "RUNNING":
        stopped()
    assert serving.unsafe() == []


def test_a_busy_endpoint_is_waited_for(aws: Aws, preparing: Execution) -> None:
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    assert preparing.repeat() == {"ready": False}


def test_an_endpoint_that_stays_busy_ends_the_rollout(aws: Aws, serving: Shop, preparing: Execution) -> None:
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 3600
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    aws.wait(901)
    with pytest.raises(EndpointUnusable, match=r"endpoint shop is Updating: .*; it must be InService"):
        preparing.repeat()
    serving.wait_until_quiet()


def test_a_failed_endpoint_ends_the_rollout_at_once(aws: Aws, serving: Shop, preparing: Execution) -> None:
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="no capacity", silent=False)
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    with pytest.raises(EndpointUnusable, match="endpoint shop is Failed: no capacity; it must be InService"):
        preparing.repeat()


def test_two_serving_slots_end_the_rollout(serving: Shop, preparing: Execution) -> None:
    serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    with pytest.raises(EndpointUnusable, match="got variant-a 50, variant-b 50"):
        preparing.repeat()


def test_a_release_that_serves_is_not_rolled_out_again(serving: Shop) -> None:
    execution = serving.start("by-hand")
    told = len(serving.aws.events.told())
    serving.run(execution)
    assert serving.unsafe() == []
    assert execution.status == "SUCCEEDED"
    assert str(execution.errors[-1]) == "version v1 serves already"
    assert len(serving.aws.events.told()) == told
    assert serving.rollouts() == {}
    release = serving.ledger.release("v1")
    assert release is not None
    assert release.outcome == PROMOTED


def test_a_rejected_release_is_not_tried_by_hand(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution)
    aws.cloudwatch.alarms["business"] = "OK"
    with pytest.raises(NothingToRelease, match="version v2 was rolled back before; deploy it under a new version"):
        serving.start("by-hand").repeat()


def test_a_callers_alarm_gets_time_to_calm_down_and_then_ends_the_rollout(aws: Aws, preparing: Execution) -> None:
    aws.cloudwatch.alarms |= {"business": "ALARM", "b-errors": "ALARM"}
    assert preparing.repeat()["ready"] is False
    aws.wait(901)
    with pytest.raises(CannotBegin, match=r"^business was in ALARM before the rollout began"):
        preparing.repeat()


def test_an_alarm_of_the_slots_earlier_release_gets_time_and_then_prevents_nothing(
    aws: Aws, preparing: Execution
) -> None:
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    assert preparing.repeat()["ready"] is False
    aws.wait(901)
    assert preparing.repeat()["ready"] is True


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_a_deleted_alarm_ends_the_rollout_with_a_way_out(
    aws: Aws, serving: Shop, preparing: Execution, alarm: str
) -> None:
    del aws.cloudwatch.alarms[alarm]
    serving.run(preparing)
    outcome, reason = serving.outcome(preparing)
    assert outcome == NOT_JUDGED
    assert reason.startswith(f"the alarms {alarm} do not exist any more; create them again")
    assert serving.unsafe() == []


def test_a_rollout_that_began_with_what_is_not_declared_any_more_says_so(
    aws: Aws, serving: Shop, preparing: Execution
) -> None:
    aws.cloudwatch.alarms["b-errors"] = "ALARM"
    preparing.advance()
    v1, scaling = Release(version="v1", digest="digest-of-v1"), serving.world.settings.scaling
    serving.ledger.declare(v1, "model-v1-digest-of-v1", scaling, reads=Reads())
    serving.run(preparing)
    assert serving.outcome(preparing) == (NOT_JUDGED, "version v1 serves already")
    assert serving.unsafe() == []


def test_an_alarm_of_the_stable_slot_holds_nothing_up(aws: Aws, preparing: Execution) -> None:
    aws.cloudwatch.alarms["a-errors"] = "ALARM"
    assert preparing.repeat()["ready"] is True


def test_a_composite_alarm_is_an_alarm(aws: Aws, preparing: Execution) -> None:
    del aws.cloudwatch.alarms["business"]
    aws.cloudwatch.composite_alarms["business"] = "ALARM"
    assert preparing.repeat()["ready"] is False
