import pytest
from botocore.exceptions import ClientError
from rollout.contract.errors import EndpointBusy, EndpointUnusable
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import NOT_JUDGED, PROMOTED

from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.lambdas.fakes.aws import DENIED, THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed, scaling_id


def test_a_waiting_release_gets_a_rollout_and_the_lock(serving: Shop) -> None:
    execution = serving.release("v2")
    assert execution is not None
    assert execution.name == "v2-1"
    lock = serving.lock()
    assert lock is not None
    assert (lock.kind, lock.holder) == (ROLLOUT, "v2-1")
    assert not serving.suspended()


def test_the_first_release_counts_as_promoted(serving: Shop) -> None:
    release = serving.ledger.release("v1")
    assert release is not None
    assert release.outcome == PROMOTED
    assert serving.aws.states.executions == {}


@pytest.mark.parametrize("times", [1, 2, 5])
def test_the_event_may_come_many_times(serving: Shop, times: int) -> None:
    serving.deploy("v2")
    for _ in range(times):
        serving.settle()
    assert list(serving.aws.states.executions) == ["v2-1"]


def test_a_late_repetition_starts_no_second_rollout(serving: Shop) -> None:
    serving.promote("v2")
    serving.settle()
    assert list(serving.aws.states.executions) == ["v2-1"]
    assert serving.unsafe() == []


@pytest.mark.parametrize("call", range(1, 13))
def test_a_repetition_at_any_moment_starts_no_second_rollout(aws: Aws, serving: Shop, call: int) -> None:
    serving.deploy("v2")
    aws.interrupt("", serving.settle, nth=call)
    serving.settle()
    aws.before_call = None
    execution = serving.running()
    assert execution is not None
    serving.run(execution)
    assert list(aws.states.executions) == ["v2-1"]
    assert serving.unsafe() == []


@pytest.mark.parametrize("call", range(1, 13))
def test_a_repetition_that_outlives_its_rollout_leaves_no_lock_behind(aws: Aws, serving: Shop, call: int) -> None:
    """The first delivery sleeps while the second one settles and the whole rollout comes to its end."""

    def the_rollout_comes_and_goes() -> None:
        serving.settle()
        execution = serving.running()
        if execution is not None:
            serving.stop(execution)
            serving.restore(execution.name)

    serving.deploy("v2")
    aws.interrupt("", the_rollout_comes_and_goes, nth=call)
    serving.settle()
    aws.before_call = None
    if serving.running() is None:
        assert serving.unsafe() == []


def test_an_event_of_the_deploy_before_touches_nothing_of_the_next_one(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    next_deploy = serving.stack.deploying(serving.stack.template("v3"))
    for resource in next_deploy:
        if resource == "Config":
            break
    lock = serving.lock()
    serving.settle("UPDATE_COMPLETE")
    assert serving.lock() == lock
    assert serving.suspended()
    assert aws.states.executions == {}


@pytest.mark.parametrize("call", range(1, 15))
def test_a_deploy_that_begins_while_the_one_before_is_settled_keeps_its_lock(
    aws: Aws, serving: Shop, call: int
) -> None:
    """Either the next deploy has the lock, or it was refused because a rollout was first."""
    serving.deploy("v2")
    next_deploy = serving.stack.deploying(serving.stack.template("v3"))

    def begin() -> None:
        for resource in next_deploy:
            if resource == "Config":
                return

    aws.interrupt("", begin, nth=call)
    try:
        serving.settle("UPDATE_COMPLETE")
        aws.before_call = None
        lock = serving.lock()
        assert lock is not None
        assert lock.holder == ("v2-1" if aws.states.executions else "request-5")
        for _ in next_deploy:
            pass
        assert aws.states.executions == {}
    except DeployFailed as refusal:
        assert "rollout v2-1 of endpoint shop is running" in str(refusal)  # noqa: PT017 - either way is right


def test_a_crash_between_the_lock_and_the_start_is_made_good_by_the_next_event(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    aws.fail("StartExecution", UNAVAILABLE, times=1000)
    with pytest.raises(Exception, match="Internal server error"):
        serving.settle()
    aws.heal()
    assert serving.running() is None
    serving.settle()
    assert serving.running() is not None


def test_a_lock_without_an_execution_is_started_even_by_a_refused_deploy(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    aws.fail("StartExecution", UNAVAILABLE, times=1000)
    with pytest.raises(Exception, match="Internal server error"):
        serving.settle()
    aws.heal()
    with pytest.raises(DeployFailed, match="rollout v2-1 of endpoint shop is running"):
        serving.deploy("v3")
    serving.settle()
    assert serving.running() is not None


def not_judged(shop: Shop) -> None:
    """Let the rollout of v2 end for a reason that is not the release's."""
    execution = shop.begin("v2", "Evaluate")
    execution.fail_with("CapacityUnavailable")
    shop.run(execution)
    assert shop.outcome(execution)[0] == NOT_JUDGED


def test_a_release_that_was_not_judged_waits_for_a_deploy(aws: Aws, serving: Shop) -> None:
    not_judged(serving)
    serving.settle("UPDATE_COMPLETE")
    serving.look_for_what_was_left()
    assert serving.running() is None
    aws.wait(1)
    again = serving.release("v2")
    assert again is not None
    serving.run(again)
    assert serving.outcome(again)[0] == PROMOTED


def test_a_deploy_that_fails_tries_no_release_again(aws: Aws, serving: Shop) -> None:
    not_judged(serving)
    aws.stacks.began_at = aws.clock.now() + 1
    aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
    serving.settle()
    assert serving.running() is None


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_rollout_that_was_stopped_before_it_was_prepared_is_not_begun_again(serving: Shop, status: str) -> None:
    """Its record has no version yet, and its event comes again, or a deploy after it is refused."""
    execution = serving.begin("v2", "Prepare")
    serving.stop(execution)
    serving.restore(execution.name)
    serving.aws.stacks.status = status
    serving.settle()
    assert serving.running() is None


def test_a_release_that_was_not_judged_is_started_by_hand(serving: Shop) -> None:
    not_judged(serving)
    by_hand = serving.start("by-hand")
    serving.run(by_hand)
    assert serving.outcome(by_hand)[0] == PROMOTED


def test_a_stack_that_rolled_back_starts_no_rollout(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="no", silent=True)
    with pytest.raises(DeployFailed):
        serving.deploy("v2")
    serving.settle()
    assert aws.stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert aws.states.executions == {}
    assert serving.unsafe() == []


def test_a_release_waits_when_rollouts_do_not_start_on_deploy(aws: Aws) -> None:
    shop = Shop(aws, start_on_deploy=False)
    shop.serve_first()
    assert shop.release("v2") is None
    assert shop.unsafe() == []
    execution = shop.start("by-hand")
    shop.run(execution)
    assert shop.outcome(execution) == (PROMOTED, "every step passed")


def test_a_rejected_release_is_not_tried_again(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution)
    aws.cloudwatch.alarms["business"] = "OK"
    serving.settle()
    assert list(aws.states.executions) == ["v2-1"]
    assert serving.unsafe() == []


def test_floors_follow_the_roles_after_they_swapped(serving: Shop) -> None:
    serving.promote("v2")
    serving.see_it_land()
    serving.deploy("v3")
    serving.settle()
    assert serving.floors() == {A: 1, B: 2}
    assert not serving.suspended()


def test_a_scaling_activity_is_waited_for(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    serving.settle()
    assert serving.running() is not None


def test_an_endpoint_that_stays_busy_is_left_to_the_next_delivery(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 2000
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    with pytest.raises(EndpointBusy, match="endpoint shop is Updating; the stack cannot be settled yet"):
        serving.settle()
    serving.wait_until_quiet()
    serving.settle()
    assert serving.running() is not None


def test_weak_services_are_tried_again(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    for operation in ("GetItem", "DescribeStacks", "DescribeEndpoint", "RegisterScalableTarget", "PutItem", "Query"):
        aws.fail(operation, THROTTLED, times=3)
        aws.fail(operation, UNAVAILABLE, times=2, after_effect=True)
    serving.settle()
    execution = serving.running()
    assert execution is not None
    serving.run(execution)
    assert serving.unsafe() == []


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "RegisterScalableTarget", "PutItem", "StartExecution"])
def test_a_policy_that_takes_effect_late_holds_no_rollout_up(aws: Aws, serving: Shop, operation: str) -> None:
    serving.deploy("v2")
    healed_at = aws.clock.now() + 60
    aws.fail(operation, DENIED, times=1_000, when=lambda _: aws.clock.now() < healed_at)
    serving.settle()
    assert serving.running() is not None
    assert "Canary Rollout Needs Attention" not in [kind for kind, _ in aws.events.told()]


def test_what_stays_denied_is_told_by_each_invocation(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    began = aws.clock.now()
    aws.fail("RegisterScalableTarget", DENIED, times=1_000)
    with pytest.raises(ClientError, match="not authorized"):
        serving.settle()
    assert 90 <= aws.clock.now() - began <= 120
    (told,) = [detail for kind, detail in aws.events.told() if kind == "Canary Rollout Needs Attention"]
    assert "not authorized" in told["reason"]


def test_two_serving_slots_are_said_and_leave_neither_lock_nor_suspension(serving: Shop) -> None:
    serving.deploy("v2")
    serving.set_weights(a=50, b=50)
    with pytest.raises(EndpointUnusable, match="exactly one variant of endpoint shop must have all the weight"):
        serving.settle()
    assert serving.lock() is None
    assert not serving.suspended()


def test_a_failed_endpoint_is_said_and_leaves_no_lock(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="no capacity", silent=False)
    aws.sagemaker.endpoints.update({"EndpointName": ENDPOINT, "EndpointConfigName": "config-1"})
    with pytest.raises(EndpointUnusable, match="endpoint shop is Failed: no capacity; it must be InService"):
        serving.settle()
    assert serving.lock() is None


def test_the_rollback_of_a_creation_leaves_no_lock(aws: Aws, shop: Shop) -> None:
    aws.host.broken["s3://models/model-v1-digest-of-v1.tar.gz"] = "it does not start"
    with pytest.raises(DeployFailed):
        shop.deploy("v1")
    shop.settle()
    assert aws.stacks.status == "ROLLBACK_COMPLETE"
    assert shop.lock() is None
