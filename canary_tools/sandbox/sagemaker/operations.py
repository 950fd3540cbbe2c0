"""The control planes' operations by name, in their turn and at the rate that AWS allows."""

from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.sandbox.sagemaker.model import SageMakerModel
from canary_tools.sandbox.sagemaker.throttle import Throttle
from canary_tools.sandbox.sagemaker.turns import Turns
from canary_tools.sandbox.sagemaker.wire import Operation


def sagemaker_operations(model: SageMakerModel) -> dict[str, Operation]:
    """Return SageMaker's operations."""
    models, configs, endpoints = model.catalogue.models, model.catalogue.configs, model.endpoints
    return {
        "CreateModel": models.create,
        "DescribeModel": models.describe,
        "ListModels": models.list,
        "DeleteModel": models.delete,
        "CreateEndpointConfig": configs.create,
        "DescribeEndpointConfig": configs.describe,
        "ListEndpointConfigs": configs.list,
        "DeleteEndpointConfig": configs.delete,
        "CreateEndpoint": endpoints.create,
        "DescribeEndpoint": endpoints.describe,
        "ListEndpoints": endpoints.list,
        "UpdateEndpoint": endpoints.update,
        "UpdateEndpointWeightsAndCapacities": endpoints.update_weights_and_capacities,
        "DeleteEndpoint": endpoints.delete,
        "AddTags": model.tags.add_tags,
        "ListTags": model.tags.list_tags,
        "DeleteTags": model.tags.delete_tags,
    }


def scaling_operations(model: SageMakerModel) -> dict[str, Operation]:
    """Return Application Auto Scaling's operations."""
    return {
        "RegisterScalableTarget": model.scaling.register,
        "DescribeScalableTargets": model.scaling.describe_targets,
        "DeregisterScalableTarget": model.scaling.deregister,
        "PutScalingPolicy": model.scaling.put_policy,
        "DescribeScalingPolicies": model.scaling.describe_policies,
        "DeleteScalingPolicy": model.scaling.delete_policy,
        "DescribeScalingActivities": model.scaling.describe_activities,
    }


def admitted(operations: Mapping[str, Operation], throttle: Throttle, turns: Turns) -> dict[str, Operation]:
    """Return the operations behind the throttle, each taking its turn."""
    return {name: _admitted(name, operation, throttle, turns) for name, operation in operations.items()}


def _admitted(name: str, operation: Operation, throttle: Throttle, turns: Turns) -> Callable[..., dict[str, Any]]:
    def call(request: Mapping[str, Any]) -> dict[str, Any]:
        with turns:
            throttle.admit(name)
            return operation(request)

    return call
