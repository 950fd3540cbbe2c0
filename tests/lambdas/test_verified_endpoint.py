import json
from typing import Any

import pytest
from rollout.contract.errors import DeployRefused
from rollout.handlers.verified_endpoint import verified_endpoint

from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.settings import ENDPOINT, A
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID, DeployFailed, scaling_id


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
