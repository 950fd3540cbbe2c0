"""Models and endpoint configs that CloudFormation replaced and kept, found by their tag."""

from __future__ import annotations

from botocore.exceptions import ClientError

from rollout import clients

TAG = "canary-construct:endpoint"


def sweep(endpoint: str) -> None:
    """Delete every model and endpoint config of an endpoint that is gone.

    Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = clients.client("resourcegroupstaggingapi").get_paginator("get_resources")
    found = pages.paginate(
        TagFilters=[{"Key": TAG, "Values": [endpoint]}],
        ResourceTypeFilters=["sagemaker:model", "sagemaker:endpoint-config"],
    )
    for page in found:
        for resource in page["ResourceTagMappingList"]:
            _delete(resource["ResourceARN"])


def _delete(arn: str) -> None:
    kind, name = arn.rsplit(":", 1)[1].split("/", 1)
    sagemaker = clients.client("sagemaker")
    try:
        if kind == "model":
            sagemaker.delete_model(ModelName=name)
        else:
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
