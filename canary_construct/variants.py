"""The SageMaker resources of an endpoint, and the two custom resources that guard its updates."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aws_cdk import CfnDeletionPolicy, CfnTag, CustomResource, Duration, Stack, Token
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sagemaker as sagemaker

from canary_construct.model_release import packed
from canary_construct.slots import TAG, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from constructs import Construct, IConstruct

    from canary_construct.handlers import Handlers
    from canary_construct.instance_scaling import InstanceScaling
    from canary_construct.model_release import ModelRelease

_Replaced = TypeVar("_Replaced", sagemaker.CfnModel, sagemaker.CfnEndpointConfig)

LETTERS = {Slot.A: "A", Slot.B: "B"}
DEPLOY_HANDLER_TIMEOUT = Duration.minutes(16)
"""A minute more than the Lambda may take, so that its own sentence arrives first."""


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How the models of an endpoint are hosted."""

    endpoint_name: str
    instance_type: str
    metric_period_seconds: int
    encryption_key: kms.IKey | None
    network_isolation: bool
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup]

    def tags(self) -> list[CfnTag]:
        """Return the tag by which the sweep finds what CloudFormation kept."""
        return [CfnTag(key=TAG, value=self.endpoint_name)]

    def endpoint_digest(self, stack: Stack) -> str:
        """Return a digest of what else updates the endpoint when it changes."""
        key = None if self.encryption_key is None else self.encryption_key.key_arn
        return _digest(stack, [self.instance_type, self.metric_period_seconds, key])


def model_data_url(scope: Construct, release: ModelRelease, role: iam.IRole) -> tuple[str | None, str | None]:
    """Return where the model's archive is, and a digest of it; an asset's is its content's."""
    if release.asset_path is None:
        return release.model_data_url, release.model_data_url
    asset = s3_assets.Asset(scope, "ModelArchive", path=packed(release.asset_path))
    asset.grant_read(role)
    return asset.s3_object_url, asset.asset_hash


def content_digest(stack: Stack, release: ModelRelease, data_digest: str | None) -> str:
    """Return the digest of image, model data and environment that, with the version, identifies a release."""
    return _digest(stack, [release.image_uri, data_digest, dict(release.environment)])


def model(
    scope: Construct, hosting: Hosting, *, release: ModelRelease, data_url: str | None, role: iam.IRole
) -> sagemaker.CfnModel:
    """Declare the model. CloudFormation keeps the ones it replaces: a slot may still serve them."""
    resource = sagemaker.CfnModel(
        scope,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=release.image_uri,
            model_data_url=data_url,
            environment=dict(release.environment) or None,
        ),
        enable_network_isolation=hosting.network_isolation or None,
        vpc_config=_vpc_config(hosting),
        tags=hosting.tags(),
    )
    resource.node.add_dependency(role)
    return _keep_replaced(resource)


def release_slots(
    scope: Construct, hosting: Hosting, *, handlers: Handlers, settings: dict[str, Any], **release: str
) -> CustomResource:
    """Declare the guard that decides which slot the release goes to."""
    return CustomResource(
        scope,
        "ReleaseSlots",
        resource_type="Custom::ReleaseSlots",
        service_token=handlers["ReleaseSlots"].function_arn,
        service_timeout=DEPLOY_HANDLER_TIMEOUT,
        properties={
            "EndpointName": hosting.endpoint_name,
            "InstanceType": hosting.instance_type,
            "EndpointDigest": hosting.endpoint_digest(Stack.of(scope)),
            "Settings": json.dumps(settings, sort_keys=True),
            **release,
        },
    )


def endpoint_config(scope: Construct, hosting: Hosting, slots: CustomResource) -> sagemaker.CfnEndpointConfig:
    """Declare the endpoint config with both slots as the guard answered."""
    config = sagemaker.CfnEndpointConfig(
        scope,
        "Config",
        production_variants=[_variant(hosting, slots, slot) for slot in Slot],
        kms_key_id=None if hosting.encryption_key is None else hosting.encryption_key.key_arn,
        metrics_config=sagemaker.CfnEndpointConfig.MetricsConfigProperty(
            enable_detailed_observability=False,
            enable_enhanced_metrics=hosting.metric_period_seconds < 60,  # noqa: PLR2004 - SageMaker's usual minute
            metric_publish_frequency_in_seconds=hosting.metric_period_seconds,
        ),
        tags=hosting.tags(),
    )
    return _keep_replaced(config)


def endpoint(scope: Construct, hosting: Hosting, config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
    """Declare the endpoint. An update keeps live weights and instance counts of both variants."""
    return sagemaker.CfnEndpoint(
        scope,
        "Resource",
        endpoint_name=hosting.endpoint_name,
        endpoint_config_name=config.attr_endpoint_config_name,
        retain_all_variant_properties=True,
        tags=hosting.tags(),
    )


def scalable_target(
    scope: Construct, hosting: Hosting, slots: CustomResource, slot: Slot, scaling: InstanceScaling
) -> appscaling.CfnScalableTarget:
    """Declare the bounds of one slot and, unless the fleet is fixed, the target that its size follows."""
    floor = Token.as_number(slots.get_att(f"MinCapacity{LETTERS[slot]}"))
    target = appscaling.CfnScalableTarget(
        scope,
        f"Scaling{LETTERS[slot]}",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{hosting.endpoint_name}/variant/{slot.value}",
        min_capacity=floor,
        max_capacity=floor if scaling.invocations_per_instance is None else scaling.max_instances,
    )
    if scaling.invocations_per_instance is not None:
        _track_invocations(scope, target, slot, scaling)
    return target


def verified_endpoint(
    scope: Construct, hosting: Hosting, *, handlers: Handlers, config: sagemaker.CfnEndpointConfig, settings: str
) -> CustomResource:
    """Declare the proof that the endpoint is on the config that was deployed."""
    return CustomResource(
        scope,
        "VerifiedEndpoint",
        resource_type="Custom::VerifiedEndpoint",
        service_token=handlers["VerifiedEndpoint"].function_arn,
        service_timeout=DEPLOY_HANDLER_TIMEOUT,
        properties={
            "EndpointName": hosting.endpoint_name,
            "EndpointConfigName": config.attr_endpoint_config_name,
            "Settings": settings,
        },
    )


def depend_on_permissions(resource: IConstruct, handler: IConstruct) -> None:
    """Keep a handler able to act for as long as its resource is there, its deletion included."""
    resource.node.add_dependency(handler)


def _variant(
    hosting: Hosting, slots: CustomResource, slot: Slot
) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    letter = LETTERS[slot]
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=slot.value,
        model_name=slots.get_att_string(f"Model{letter}"),
        instance_type=hosting.instance_type,
        initial_instance_count=Token.as_number(slots.get_att(f"Instances{letter}")),
        initial_variant_weight=Token.as_number(slots.get_att(f"Weight{letter}")),
    )


def _track_invocations(
    scope: Construct, target: appscaling.CfnScalableTarget, slot: Slot, scaling: InstanceScaling
) -> None:
    appscaling.CfnScalingPolicy(
        scope,
        f"Tracking{LETTERS[slot]}",
        policy_name=f"invocations-{slot.value}",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=appscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=float(scaling.invocations_per_instance or 0),
            predefined_metric_specification=appscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type="SageMakerVariantInvocationsPerInstance"
            ),
            scale_in_cooldown=scaling.scale_in_cooldown_seconds,
            scale_out_cooldown=scaling.scale_out_cooldown_seconds,
        ),
    )


def _vpc_config(hosting: Hosting) -> sagemaker.CfnModel.VpcConfigProperty | None:
    if hosting.vpc is None:
        return None
    return sagemaker.CfnModel.VpcConfigProperty(
        subnets=_subnet_ids(hosting.vpc, hosting.vpc_subnets or ec2.SubnetSelection()),
        security_group_ids=[group.security_group_id for group in hosting.security_groups],
    )


def _subnet_ids(vpc: ec2.IVpc, selection: ec2.SubnetSelection) -> list[str]:
    selected = vpc.select_subnets(
        availability_zones=selection.availability_zones,
        one_per_az=selection.one_per_az,
        subnet_filters=selection.subnet_filters,
        subnet_group_name=selection.subnet_group_name,
        subnets=selection.subnets,
        subnet_type=selection.subnet_type,
    )
    return list(selected.subnet_ids)


def _keep_replaced(resource: _Replaced) -> _Replaced:
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
    return resource


def _digest(stack: Stack, content: Any) -> str:
    return hashlib.sha256(json.dumps(stack.resolve(content), sort_keys=True).encode()).hexdigest()
