"""What a deploy leaves behind is swept; what anything could still need stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from rollout.contract.names import STACK_TAG, STACK_VARIABLE, TAG
from rollout.sweep import Swept, sweep

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.settings import ENDPOINT, INSTANCE_TYPE, STACK_MARK
from tests.lambdas.fakes.stack import EXECUTION_ROLE

if TYPE_CHECKING:
    from tests.lambdas.fakes.shop import Shop

DENIED = ApiError("AccessDeniedException", "no identity-based policy allows it")


def models(aws: Aws) -> list[str]:
    return sorted(arn.rsplit("/", 1)[1] for arn, _ in aws.sagemaker.tags.all() if ":model/" in arn)


def configs(aws: Aws) -> list[str]:
    return [arn.rsplit("/", 1)[1] for arn, _ in aws.sagemaker.tags.all() if ":endpoint-config/" in arn]


def test_both_slots_models_and_the_config_in_use_stay(aws: Aws, serving: Shop) -> None:
    serving.promote("v2")
    view = serving.view()
    in_slots = {slot.model_name for slot in serving.world.endpoint.config(view.config_name).values()}
    assert set(models(aws)) == in_slots
    assert len(in_slots) == 2
    assert configs(aws) == [view.config_name]


def test_the_model_that_left_its_slot_goes(aws: Aws, serving: Shop) -> None:
    first = models(aws)
    serving.promote("v2")
    serving.promote("v3")
    assert len(models(aws)) == 2
    assert not set(first) & set(models(aws))


def test_a_model_of_a_deploy_that_waits_for_the_lock_stays(aws: Aws, serving: Shop) -> None:
    """CloudFormation makes the model before the guard is asked."""
    serving.stack._make_model(serving.stack.template("v9"))
    serving.promote("v2")
    assert "model-v9-digest-of-v9" in models(aws)


def test_the_config_that_the_stack_has_stays_when_another_hand_moved_the_endpoint(aws: Aws, serving: Shop) -> None:
    """CloudFormation asks for no proof of an endpoint that it does not update, and goes back to this config later."""
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    deploy = serving.stack.deploying(serving.stack.template("v1", readable=("models",)))
    while next(deploy) != "VerifiedEndpoint":
        pass
    aws.stacks.status = "UPDATE_COMPLETE"
    serving.settle()
    assert "config-1" in configs(aws)
    serving.promote("v2")
    assert "config-1" not in configs(aws)


def test_a_config_of_the_stack_that_somebody_deleted_holds_up_no_settling(aws: Aws, serving: Shop) -> None:
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    aws.sagemaker.catalogue.configs.delete({"EndpointConfigName": "config-1"})
    deploy = serving.stack.deploying(serving.stack.template("v1", readable=("models",)))
    while next(deploy) != "VerifiedEndpoint":
        pass
    aws.stacks.status = "UPDATE_COMPLETE"
    serving.settle()
    assert serving.unsafe() == []


def test_what_another_stack_has_left_under_this_name_is_its_own(
    aws: Aws, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that left its stack keeps its models. Somebody deleted it by hand, and another stack has the name."""
    monkeypatch.setenv(STACK_VARIABLE, STACK_MARK)
    tags = [{"Key": TAG, "Value": ENDPOINT}, {"Key": STACK_TAG, "Value": "another"}]
    container = {"Image": "image:1", "ModelDataUrl": "s3://models/left.tar.gz"}
    catalogue = aws.sagemaker.catalogue
    catalogue.models.create(
        {"ModelName": "left", "ExecutionRoleArn": EXECUTION_ROLE, "PrimaryContainer": container, "Tags": tags}
    )
    variant = {
        "VariantName": "a", "ModelName": "left", "InstanceType": INSTANCE_TYPE, "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }  # fmt: skip
    catalogue.configs.create({"EndpointConfigName": "left", "ProductionVariants": [variant], "Tags": tags})
    aws.fail("DeleteModel", DENIED, times=99, when=lambda asked: asked["ModelName"] == "left")
    aws.fail("DeleteEndpointConfig", DENIED, times=99, when=lambda asked: asked["EndpointConfigName"] == "left")
    shop.serve_first()
    shop.promote("v2")
    assert len(configs(aws)) == 2
    shop.stack.destroy()
    assert (models(aws), configs(aws)) == (["left"], ["left"])


def test_a_sweep_that_fails_does_not_hold_up_the_rollout(aws: Aws, serving: Shop) -> None:
    serving.promote("v2")
    aws.fail("GetResources", THROTTLED, times=50)
    serving.promote("v3")
    assert len(models(aws)) == 3
    aws.heal()
    serving.promote("v4")
    assert len(models(aws)) == 2


@pytest.mark.usefixtures("serving")
def test_what_vanished_between_list_and_delete_does_not_matter(aws: Aws) -> None:
    """AWS may deny the deletion of what is gone, since it has no tag that the condition could match."""
    gone = Swept("model", "gone")
    aws.fail("DeleteModel", DENIED)
    sweep(ENDPOINT, [gone])


@pytest.mark.usefixtures("serving")
def test_what_may_not_be_deleted_is_said(aws: Aws) -> None:
    (first,) = models(aws)
    aws.fail("DeleteModel", DENIED)
    with pytest.raises(ClientError, match="AccessDenied"):
        sweep(ENDPOINT, [Swept("model", first)])
