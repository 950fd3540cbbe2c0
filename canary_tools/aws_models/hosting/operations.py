"""The operations of both control planes by name."""

from canary_tools.aws_models.api.operations import Operation
from canary_tools.aws_models.hosting.model import SageMakerModel


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
