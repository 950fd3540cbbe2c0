"""Refuses what SageMaker and Lambda take from their own region or account only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Stack, Token

from canary_construct.border.resources import refuse_elsewhere, refuse_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from canary_construct.props.container import Container
    from canary_construct.props.handler_settings import HandlerSettings
    from canary_construct.props.model_release import ModelRelease

_ECR = re.compile(r"\d{12}\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/\S+")
"""Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html"""


def refuse_other_places(
    scope: Construct,
    *,
    release: ModelRelease | None,
    role: iam.IRole | None,
    buckets: Sequence[s3.IBucket],
    keys: Mapping[str, kms.IKey | None],
    handlers: HandlerSettings | None,
) -> None:
    """Refuse an image, a model package, a role, buckets or keys of another place, where both places are known.

    Raises:
        ValueError: with the first one, or with an image that is in no registry that SageMaker pulls from.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html (region of image and
    artifacts), https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html (account of a role)
    """
    if release is not None:
        _check_release(scope, release)
    if role is not None:
        refuse_elsewhere(scope, "role", role, "account")
    for bucket in buckets:
        refuse_elsewhere(scope, "model_buckets", bucket, "region")
    of_handlers = () if handlers is None else ("encryption_key", "ledger_key")
    of_all = {**keys, **{f"{name} of handlers": getattr(handlers, name) for name in of_handlers}}
    for name, key in of_all.items():
        if key is not None:
            refuse_elsewhere(scope, name, key, "region")


def _check_release(scope: Construct, release: ModelRelease) -> None:
    region = Stack.of(scope).region
    for container in release.all_containers():
        _check_image(container, region)
    arn = release.model_package_arn
    if arn is not None and not Token.is_unresolved(arn):
        refuse_place("a model package", arn, "region", region, arn.split(":")[3])


def _check_image(container: Container, region: str) -> None:
    """Refuse an image that SageMaker does not pull.

    It answers "Using non-ECR image … without Vpc repository access mode is not supported", or "Cross region ECR image
    pulls are not allowed", when the model is made. Sources: https://github.com/aws/sagemaker-python-sdk/pull/4700,
    https://github.com/aws/sagemaker-pytorch-inference-toolkit/pull/7
    """
    uri = container.image_uri
    if container.image_config is not None or Token.is_unresolved(uri):
        return
    found = _ECR.fullmatch(uri)
    if found is None:
        raise ValueError(
            f"image_uri must be of Amazon ECR, such as 123456789012.dkr.ecr.{_known(region)}.amazonaws.com/ranker:1, "
            f"or come with an image_config (PrivateRegistry): SageMaker pulls from nowhere else, got {uri!r}"
        )
    refuse_place("image_uri", uri, "region", region, found["region"])


def _known(region: str) -> str:
    return "eu-central-1" if Token.is_unresolved(region) else region
