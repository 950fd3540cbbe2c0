"""The SageMaker resources of an endpoint: model, endpoint config, endpoint."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aws_cdk import CfnDeletionPolicy, CfnTag, CustomResource, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker

from canary_construct.hosting.endpoint_name import check_endpoint_name
from canary_construct.props.metric_period import check_metric_period
from canary_construct.props.slots import TAG, Slot

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.model_release import ModelRelease

_Replaced = TypeVar("_Replaced", sagemaker.CfnModel, sagemaker.CfnEndpointConfig)
_UNSCALABLE = re.compile(r"ml\.t\d")
SECONDS_OF_USUAL_METRICS = 60


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How every release of an endpoint is hosted.

    Raises:
        ValueError: when endpoint name, instance type or metric period is none that works.
    """

    endpoint_name: str
    instance_type: str
    scaling: InstanceScaling
    metric_period_seconds: int
    encryption_key: kms.IKey | None
    network_isolation: bool
    vpc_config: sagemaker.CfnModel.VpcConfigProperty | None

    def __post_init__(self) -> None:
        check_endpoint_name(self.endpoint_name)
        check_metric_period(self.metric_period_seconds)
        check_instance_type(self.instance_type)

    def tags(self) -> list[CfnTag]:
        """Return the tag by which the sweep finds what CloudFormation kept."""
        return [CfnTag(key=TAG, value=self.endpoint_name)]

    def digest(self, stack: Stack) -> str:
        """Return a digest of all but the release that updates the endpoint or its scaling when it changes."""
        key = None if self.encryption_key is None else self.encryption_key.key_arn
        return _digest(stack, [self.instance_type, self.metric_period_seconds, key, asdict(self.scaling)])


def check_instance_type(instance_type: str) -> None:
    """Refuse an instance type that cannot scale.

    Raises:
        ValueError: when it is of a burstable family, or no SageMaker instance type at all.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
    """
    if Token.is_unresolved(instance_type):
        return
    if not instance_type.startswith("ml."):
        raise ValueError(f"instance_type must be a SageMaker type such as ml.m5.xlarge, got {instance_type!r}")
    if _UNSCALABLE.match(instance_type):
        raise ValueError(f"instance_type must be one that can scale, got {instance_type}: burstable types cannot")


def content_digest(stack: Stack, release: ModelRelease, archive: ModelArchive | None) -> str:
    """Return the digest of image, model data and environment that, with the version, identifies a release."""
    data = None if archive is None else archive.digest
    return _digest(stack, [release.image_uri, data, dict(release.environment)])


def model(
    scope: Construct, hosting: Hosting, *, release: ModelRelease, archive: ModelArchive | None, role: iam.IRole
) -> sagemaker.CfnModel:
    """Declare the model. CloudFormation keeps the ones it replaces: a slot may still serve them."""
    resource = sagemaker.CfnModel(
        scope,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=release.image_uri,
            model_data_url=None if archive is None else archive.url,
            environment=dict(release.environment) or None,
        ),
        enable_network_isolation=hosting.network_isolation or None,
        vpc_config=hosting.vpc_config,
        tags=hosting.tags(),
    )
    resource.node.add_dependency(role)
    return _keep_replaced(resource)


def endpoint_config(scope: Construct, hosting: Hosting, slots: CustomResource) -> sagemaker.CfnEndpointConfig:
    """Declare the endpoint config with both slots as the guard answered.

    Detailed observability is on by default, and costs.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricsConfig.html
    """
    config = sagemaker.CfnEndpointConfig(
        scope,
        "Config",
        production_variants=[_variant(hosting, slots, slot) for slot in Slot],
        kms_key_id=None if hosting.encryption_key is None else hosting.encryption_key.key_arn,
        metrics_config=sagemaker.CfnEndpointConfig.MetricsConfigProperty(
            enable_detailed_observability=False,
            enable_enhanced_metrics=hosting.metric_period_seconds < SECONDS_OF_USUAL_METRICS,
            metric_publish_frequency_in_seconds=hosting.metric_period_seconds,
        ),
        tags=hosting.tags(),
    )
    return _keep_replaced(config)


def endpoint(scope: Construct, hosting: Hosting, config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
    """Declare the endpoint. An update keeps live weights and instance counts of both variants.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    """
    return sagemaker.CfnEndpoint(
        scope,
        "Resource",
        endpoint_name=hosting.endpoint_name,
        endpoint_config_name=config.attr_endpoint_config_name,
        retain_all_variant_properties=True,
        tags=hosting.tags(),
    )


def _variant(
    hosting: Hosting, slots: CustomResource, slot: Slot
) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=slot.value,
        model_name=slots.get_att_string(f"Model{slot.name}"),
        instance_type=hosting.instance_type,
        initial_instance_count=Token.as_number(slots.get_att(f"Instances{slot.name}")),
        initial_variant_weight=Token.as_number(slots.get_att(f"Weight{slot.name}")),
    )


def _keep_replaced(resource: _Replaced) -> _Replaced:
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
    return resource


def _digest(stack: Stack, content: Any) -> str:
    return hashlib.sha256(json.dumps(stack.resolve(content), sort_keys=True).encode()).hexdigest()
