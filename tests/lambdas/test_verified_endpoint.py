import json
from typing import Any

import pytest
from rollout.contract.errors import DeployRefused
from rollout.handlers.verified_endpoint import verified_endpoint

from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.aws_models.fleets import routed
from tests.lambdas.fakes.aws import DENIED, THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.settings import ENDPOINT, SCALED, A, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID, DeployFailed, scaling_id

WATCHED = routed("CANARY", percent=20, wait=300, last=300, alarms=["fleet-errors", "fleet-latency"])


def asked(shop: Shop, kind: str, config: str = "config-1") -> dict[str, Any]:
    properties = {"EndpointName": ENDPOINT, "EndpointConfigName": config, "Settings": json.dumps(shop.settings)}
    return {"RequestType": kind, "RequestId": "r-9", "StackId": STACK_ID, "ResourceProperties": properties}


def test_an_endpoint_on_its_config_is_verified(serving: Shop) -> None:
    assert verified_endpoint(asked(serving, "Update")) == {}


def test_a_silent_failure_of_an_update_fails_the_deploy_with_sagemakers_reason(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="the container does not start", silent=True)
    with pytest.raises(DeployFailed) as caught:
        serving.deploy("v2")
    assert str(caught.value) == (
        "SageMaker did not move endpoint shop to endpoint config config-2: it is InService on config-1, because: "
        "the container does not start"
    )


def test_an_endpoint_that_another_hand_moved_fails_a_deploy_that_does_not_move_it(serving: Shop) -> None:
    """SageMaker was not asked. Its reason would say nothing of it."""
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    with pytest.raises(DeployFailed) as caught:
        serving.deploy("v1")
    assert str(caught.value) == (
        "another hand moved endpoint shop to endpoint config config-by-hand, and this deploy leaves it there: it has "
        "endpoint config config-1, as the deploy before; update the endpoint to config-1 with "
        "RetainAllVariantProperties, or deploy a new version"
    )
    serving.settle()
    assert serving.lock() is None
    assert not serving.suspended()


def test_a_stack_goes_back_though_the_ledger_takes_no_note(aws: Aws, serving: Shop) -> None:
    deploy = serving.stack.deploying(serving.stack.template("v2"))
    while next(deploy) != "VerifiedEndpoint":
        pass
    aws.fail("PutItem", DENIED, times=99, when=lambda parameters: parameters["Item"]["record"] == {"S": "config"})
    deploy.throw(DeployFailed("something else failed"))
    with pytest.raises(DeployFailed, match="something else failed"):
        next(deploy)
    assert aws.stacks.status == "UPDATE_ROLLBACK_COMPLETE"


def test_moving_it_back_lets_the_deploy_succeed(aws: Aws, serving: Shop) -> None:
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    aws.sagemaker.endpoints.update(
        {"EndpointName": ENDPOINT, "EndpointConfigName": "config-1", "RetainAllVariantProperties": True}
    )
    serving.wait_until_quiet()
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    serving.deploy("v1")
    serving.settle()
    assert serving.floors()[A] == 3


def test_a_new_version_moves_it_to_a_config_of_the_stack(serving: Shop) -> None:
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    serving.promote("v2")
    assert serving.unsafe() == []


def not_moved(aws: Aws, shop: Shop, *, after_seconds: float) -> str:
    """Deploy v2, raise one of the two alarms so long after the beginning; return what the team reads."""
    aws.cloudwatch.alarms |= {"fleet-errors": "OK", "fleet-latency": "OK"}
    aws.clock.call_at(aws.clock.now() + after_seconds, lambda: aws.cloudwatch.alarms.update({"fleet-errors": "ALARM"}))
    with pytest.raises(DeployFailed) as caught:
        shop.deploy("v2", deployment_config=WATCHED)
    return str(caught.value)


def test_a_fleet_that_an_alarm_sends_back_fails_the_deploy_and_the_sentence_names_it(aws: Aws, serving: Shop) -> None:
    sentence = not_moved(aws, serving, after_seconds=450)
    assert sentence.startswith(
        "SageMaker did not move endpoint shop to endpoint config config-2: it is InService on config-1, because: "
    )
    assert sentence.endswith("; of the alarms that SageMaker watched meanwhile, fleet-errors is in ALARM")
    serving.settle()
    assert (serving.running(), serving.unsafe()) == (None, [])

    # When the alarm is over, then the same release can be deployed, and is rolled out
    aws.cloudwatch.alarms["fleet-errors"] = "OK"
    execution = serving.release("v2", deployment_config=WATCHED)
    assert execution is not None
    serving.run(execution)
    assert serving.outcome(execution)[0] == "PROMOTED"
    assert serving.unsafe() == []


def test_when_sagemaker_does_not_say_why_the_alarms_do(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.endpoints.fleet_rollback_reason_is_told = False
    assert not_moved(aws, serving, after_seconds=450) == (
        "SageMaker did not move endpoint shop to endpoint config config-2: it is InService on config-1; of the alarms "
        "that SageMaker watched meanwhile, fleet-errors is in ALARM"
    )


@pytest.mark.parametrize("deaf", [False, True], ids=["fine again", "CloudWatch does not answer"])
def test_alarms_that_are_not_seen_in_alarm_are_named_too(aws: Aws, serving: Shop, *, deaf: bool) -> None:
    """The alarm may be fine again by now."""
    aws.cloudwatch.alarms |= {"fleet-errors": "OK", "fleet-latency": "OK"}
    if deaf:
        aws.fail("DescribeAlarms", UNAVAILABLE, times=1000)
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason=None, silent=True)
    with pytest.raises(DeployFailed) as caught:
        serving.deploy("v2", deployment_config=WATCHED)
    assert str(caught.value).endswith(
        "; SageMaker watched fleet-errors, fleet-latency meanwhile, and their history says whether one was in ALARM"
    )


def test_an_alarm_that_stays_does_not_keep_the_stack_from_going_back(aws: Aws, serving: Shop) -> None:
    """Something else fails after the swap: SageMaker cannot go back to the old config, and the traffic stays safe."""
    aws.cloudwatch.alarms |= {"fleet-errors": "OK", "fleet-latency": "OK"}
    serving.release("v1", deployment_config=WATCHED)
    deploying: Any = serving.stack.deploying(
        serving.stack.template("v2", settings=serving.settings, deployment_config=WATCHED)
    )
    while next(deploying) != "VerifiedEndpoint":
        pass
    aws.cloudwatch.alarms["fleet-errors"] = "ALARM"
    deploying.throw(DeployFailed("something else failed"))
    with pytest.raises(DeployFailed, match="something else"):
        next(deploying)
    serving.settle()
    assert (serving.running(), serving.unsafe()) == (None, [])
    assert serving.weights()[A] == 100

    aws.cloudwatch.alarms["fleet-errors"] = "OK"
    execution = serving.release("v2", deployment_config=WATCHED)
    assert execution is not None
    serving.run(execution)
    assert serving.outcome(execution)[0] == "PROMOTED"


def test_a_running_update_is_waited_for(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    assert verified_endpoint(asked(serving, "Update")) == {}


def test_an_update_that_does_not_end_fails_the_deploy(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 3600
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    with pytest.raises(
        DeployRefused,
        match="is on endpoint config config-1, but has not come to rest in 10 minutes: it is Updating, because: Unable",
    ):
        verified_endpoint(asked(serving, "Update"))


def test_during_a_rollback_nothing_is_refused(aws: Aws, serving: Shop) -> None:
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.fail("DescribeStacks", THROTTLED, times=4)
    assert verified_endpoint(asked(serving, "Update", "config-of-then")) == {}


def test_deletion_stops_a_rollout_and_waits_for_its_restoration(aws: Aws, serving: Shop) -> None:
    """The restore path lowers the weights, which would collide with the deletion of the endpoint."""
    execution = serving.begin("v2", "Evaluate")
    restored = False

    def restore_later(_call: object) -> None:
        nonlocal restored
        if execution.status == "ABORTED" and not restored:
            restored = True
            serving.restore(execution.name)

    aws.before_call = restore_later
    verified_endpoint(asked(serving, "Delete", "config-2"))
    aws.before_call = None
    assert execution.status == "ABORTED"
    assert serving.outcome(execution) == ("NOT_JUDGED", "the stack is being deleted")
    assert not aws.sagemaker.endpoints.find(ENDPOINT).in_progress


def test_deletion_goes_on_when_nobody_restores_any_more(aws: Aws, serving: Shop) -> None:
    """Every invocation of the restore path may have died."""
    execution = serving.begin("v2", "Evaluate")
    began = aws.clock.now()
    serving.stack.destroy()
    assert execution.status == "ABORTED"
    assert aws.clock.now() < began + 600
    assert not aws.sagemaker.endpoints.exists(ENDPOINT)


def test_a_scaling_activity_is_waited_for_before_the_endpoint_is_deleted(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    verified_endpoint(asked(serving, "Delete"))
    assert not aws.sagemaker.endpoints.find(ENDPOINT).in_progress


def test_deletion_without_an_endpoint_is_no_failure(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    serving.wait_until_quiet()
    assert verified_endpoint(asked(serving, "Delete")) == {}
