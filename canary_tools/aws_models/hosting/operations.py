"""The API operations of SageMaker and Application Auto Scaling, by name."""

from canary_tools.aws_models.api.operations import Operation
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting


def sagemaker_operations(hosting: SageMakerHosting) -> dict[str, Operation]:
    """Return the operations of SageMaker's control plane."""
    packages = hosting.catalogue.packages
    models, configs, endpoints = hosting.catalogue.models, hosting.catalogue.configs, hosting.endpoints
    return {
        "CreateModel": models.create,
        "DescribeModel": models.describe,
        "ListModels": models.list,
        "DeleteModel": models.delete,
        "CreateModelPackageGroup": packages.create_group,
        "CreateModelPackage": packages.create,
        "DescribeModelPackage": packages.describe,
        "UpdateModelPackage": packages.update,
        "ListModelPackages": packages.list,
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
        "AddTags": hosting.tags.add_tags,
        "ListTags": hosting.tags.list_tags,
        "DeleteTags": hosting.tags.delete_tags,
    }


def scaling_operations(hosting: SageMakerHosting) -> dict[str, Operation]:
    """Return the operations of Application Auto Scaling."""
    return {
        "RegisterScalableTarget": hosting.scaling.register,
        "DescribeScalableTargets": hosting.scaling.describe_targets,
        "DeregisterScalableTarget": hosting.scaling.deregister,
        "PutScalingPolicy": hosting.scaling.put_policy,
        "DescribeScalingPolicies": hosting.scaling.describe_policies,
        "DeleteScalingPolicy": hosting.scaling.delete_policy,
        "PutScheduledAction": hosting.scaling.scheduled.put,
        "DescribeScheduledActions": hosting.scaling.scheduled.describe,
        "DescribeScalingActivities": hosting.scaling.describe_activities,
        "ListTagsForResource": hosting.scaling.list_tags,
        "TagResource": hosting.scaling.tag,
        "UntagResource": hosting.scaling.untag,
    }
