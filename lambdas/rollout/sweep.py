"""Models and endpoint configs that CloudFormation replaced and kept, found by their tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from rollout import clients
from rollout.contract.names import TAG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.endpoint import EndpointView
    from rollout.world import World


class Swept(NamedTuple):
    """A model or an endpoint config, by its kind in the ARN and its name."""

    kind: str
    name: str


def sweep(endpoint: str, resources: Iterable[Swept]) -> None:
    """Delete models and endpoint configs of an endpoint; those that are gone already do not matter.

    What is gone has no tag any more, so that the permission to delete it may be gone as well.
    """
    for resource in resources:
        try:
            _delete(resource)
        except ClientError:
            if resource in all_of(endpoint):
                raise


def all_of(endpoint: str) -> list[Swept]:
    """Return every model and endpoint config of an endpoint, by the names they were given.

    The tagging API knows ARNs only, in which SageMaker writes names in lower case: a name out of an ARN may be none,
    and would never be found among those that are needed.
    Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = clients.client("resourcegroupstaggingapi").get_paginator("get_resources")
    found = pages.paginate(
        TagFilters=[{"Key": TAG, "Values": [endpoint]}],
        ResourceTypeFilters=["sagemaker:model", "sagemaker:endpoint-config"],
    )
    arns = {resource["ResourceARN"] for page in found for resource in page["ResourceTagMappingList"]}
    return [*_named(arns, "model", "Model"), *_named(arns, "endpoint-config", "EndpointConfig")]


def _named(arns: set[str], kind: str, word: str) -> list[Swept]:
    """Return the resources of one kind that have one of these ARNs.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModels.html and
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpointConfigs.html
    """
    if not any(f":{kind}/" in arn for arn in arns):
        return []
    pages = clients.client("sagemaker").get_paginator(f"list_{kind.replace('-', '_')}s").paginate()
    rows = (row for page in pages for row in page[f"{word}s"])
    return [Swept(kind, row[f"{word}Name"]) for row in rows if row[f"{word}Arn"] in arns]


def unneeded_by(world: World, view: EndpointView) -> list[Swept]:
    """Return the models and endpoint configs that nothing can need once the stack is at rest.

    Needed are the endpoint's config, the models of both its slots (the idle one is the fast way back), and the model
    that the stack declares. A model that no accepted deploy has placed may belong to one that waits for the lock.
    """
    in_slots = {slot.model_name for slot in world.endpoint.config(view.config_name).values()}
    needed = {view.config_name, world.ledger.declared_model(), *in_slots}
    found = [resource for resource in all_of(world.settings.endpoint) if resource.name not in needed]
    return [resource for resource in found if resource.kind != "model" or world.ledger.release_in(resource.name)]


def _delete(resource: Swept) -> None:
    sagemaker = clients.client("sagemaker")
    try:
        if resource.kind == "model":
            sagemaker.delete_model(ModelName=resource.name)
        else:
            sagemaker.delete_endpoint_config(EndpointConfigName=resource.name)
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
