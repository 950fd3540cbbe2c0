"""Deletes models and endpoint configs that CloudFormation replaced and retained. They are found by their tag."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from rollout import clients
from rollout.contract.errors import EndpointUnusable
from rollout.contract.names import STACK_TAG, STACK_VARIABLE, TAG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.endpoint import EndpointView
    from rollout.world import World


class Swept(NamedTuple):
    """A model or an endpoint config. `kind`: the resource type in its ARN."""

    kind: str
    name: str


def sweep(endpoint: str, resources: Iterable[Swept]) -> None:
    """Delete models and endpoint configs of an endpoint. It is no error if one is deleted already.

    A deleted resource has no tag any more. The permission depends on the tag, so the error may be AccessDenied.
    """
    for resource in resources:
        try:
            _delete(resource)
        except ClientError:
            if resource in all_of(endpoint):
                raise


def all_of(endpoint: str) -> list[Swept]:
    """Return every model and endpoint config that this stack made for an endpoint, with the name as it was given.

    Another stack may have had an endpoint of this name and left what it needs. IAM denies the deletion of that.

    The tagging API returns ARNs only, and SageMaker writes names in ARNs in lower case. A name taken from an ARN may
    differ from the real name, and a needed resource would look unneeded.
    Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = clients.client("resourcegroupstaggingapi").get_paginator("get_resources")
    wanted = {TAG: endpoint, STACK_TAG: os.environ.get(STACK_VARIABLE, "")}
    found = pages.paginate(
        TagFilters=[{"Key": key, "Values": [value]} for key, value in wanted.items() if value],
        ResourceTypeFilters=["sagemaker:model", "sagemaker:endpoint-config"],
    )
    arns = {resource["ResourceARN"] for page in found for resource in page["ResourceTagMappingList"]}
    return [*_named(arns, "model", "Model"), *_named(arns, "endpoint-config", "EndpointConfig")]


def _named(arns: set[str], kind: str, word: str) -> list[Swept]:
    """Return the resources of one kind whose ARN is among these.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModels.html and
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpointConfigs.html
    """
    if not any(f":{kind}/" in arn for arn in arns):
        return []
    pages = clients.client("sagemaker").get_paginator(f"list_{kind.replace('-', '_')}s").paginate()
    rows = (row for page in pages for row in page[f"{word}s"])
    return [Swept(kind, row[f"{word}Name"]) for row in rows if row[f"{word}Arn"] in arns]


def unneeded_by(world: World, view: EndpointView) -> list[Swept]:
    """Return the models and endpoint configs that are not needed any more when the stack is at rest.

    The endpoint's config, the models of both slots and the model that the stack declares are needed. The idle slot's
    model makes a fast return possible. Another hand may have moved the endpoint: then the stack's config and its models
    are needed as well, because a stack that goes back updates the endpoint to them. A model that no accepted deploy has
    placed is kept: it may belong to a deploy that waits for the lock.
    """
    in_slots = _models_of(world, view.config_name)
    needed = {view.config_name, world.ledger.declared_model(), *in_slots}
    of_stack = world.ledger.stack_config()
    if of_stack not in {"", view.config_name}:
        needed.add(of_stack)
        with suppress(EndpointUnusable):  # somebody deleted it
            needed |= _models_of(world, of_stack)
    found = [resource for resource in all_of(world.settings.endpoint) if resource.name not in needed]
    return [resource for resource in found if resource.kind != "model" or world.ledger.release_in(resource.name)]


def _models_of(world: World, config_name: str) -> set[str]:
    return {slot.model_name for slot in world.endpoint.config(config_name).values()}


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
