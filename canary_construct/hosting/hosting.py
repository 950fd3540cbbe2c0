"""How an endpoint is hosted, as a value that checks itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import CfnTag, Token
from rollout.contract.hosting import INSTANCE_TYPE, SSM_ACCESS, VOLUME_SIZE
from rollout.contract.names import STACK_TAG, TAG

from canary_construct.border.texts import check_text
from canary_construct.hosting.endpoint_name import check_endpoint_name
from canary_construct.hosting.model_sources import ModelNeeds
from canary_construct.props.metric_period import check_metric_period

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sagemaker as sagemaker
    from rollout.contract.hosting import SlotHosting

    from canary_construct.props.adoption import Adoption
    from canary_construct.props.data_capture import DataCapture
    from canary_construct.props.instance_scaling import InstanceScaling

_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_UNSCALABLE = re.compile(r"ml\.t\d")
_LOCAL_STORAGE = re.compile(r"ml\.(?:[a-z]+\d+[a-z]*d[a-z]*|g[5-9]\w*|p[5-9][\w-]*|trn\d\w*|dl\d)\.")
"""Families with a `d` behind their generation, and accelerators that come with disks. Source:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html"""


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How every release of an endpoint is hosted.

    Raises:
        ValueError: when endpoint name, instance type or metric period is none that works, or the type takes no key or
            no volume size.
    """

    endpoint_name: str
    stack_mark: str
    instance_type: str
    release_instance_type: str | None
    """Of the release that is deployed, if it has one of its own."""
    knobs: SlotHosting
    scaling: InstanceScaling
    release_scaling: InstanceScaling | None
    """Of the release that is deployed, if it has one of its own."""
    metric_period_seconds: int
    encryption_key: kms.IKey | None
    network_isolation: bool
    vpc_config: sagemaker.CfnModel.VpcConfigProperty | None
    data_capture: DataCapture | None
    adopt: Adoption | None
    is_kept: bool
    """Whether the endpoint stays when it leaves the stack."""

    def __post_init__(self) -> None:
        check_endpoint_name(self.endpoint_name, is_adopted=self.adopt is not None)
        check_metric_period(self.metric_period_seconds)
        for instance_type in (self.instance_type, self.started_on):
            self._check_type(instance_type)

    def _check_type(self, instance_type: str) -> None:
        check_instance_type(instance_type)
        if self.encryption_key is not None:
            check_storage_takes_key(instance_type)
        if VOLUME_SIZE in self.knobs.endpoint:
            check_volume_has_a_size(instance_type)

    @property
    def started_on(self) -> str:
        """Return the instance type of the release that is deployed."""
        return self.instance_type if self.release_instance_type is None else self.release_instance_type

    def of_release(self) -> dict[str, str | int]:
        """Return what belongs to the release beside its containers; empty when nothing is said of it."""
        own = {} if self.release_instance_type is None else {INSTANCE_TYPE: self.release_instance_type}
        return {**self.knobs.release, **own}

    def needs(self) -> ModelNeeds:
        """Return what the models' role must allow besides reading the models."""
        return ModelNeeds(
            in_vpc=self.vpc_config is not None,
            ssm_access=SSM_ACCESS in self.knobs.endpoint,
            data_capture=self.data_capture,
        )

    def tags(self) -> list[CfnTag]:
        """Return the tags by which the sweep finds what CloudFormation kept, and may delete it."""
        return [CfnTag(key=TAG, value=self.endpoint_name), CfnTag(key=STACK_TAG, value=self.stack_mark)]


def check_storage_takes_key(instance_type: str) -> None:
    """Refuse a key for instances that store on NVMe disks of their own, which hardware encrypts.

    Raises:
        ValueError: when SageMaker would refuse the endpoint config.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html (KmsKeyId)
    """
    if _has_local_storage(instance_type):
        raise ValueError(
            f"encryption_key must be left out for {instance_type}: its local NVMe storage is encrypted by hardware, "
            "and SageMaker refuses a key"
        )


def check_volume_has_a_size(instance_type: str) -> None:
    """Refuse a volume size for instances that have no volume: they store on NVMe disks of their own.

    Raises:
        ValueError: when SageMaker would refuse the endpoint config.

    Source: https://github.com/aws/sagemaker-python-sdk/pull/4828 (`volume_size_supported`)
    """
    if _has_local_storage(instance_type):
        raise ValueError(
            f"volume_size must be left out for {instance_type}: it stores on NVMe disks of its own, and SageMaker "
            "refuses a size"
        )


def _has_local_storage(instance_type: str) -> bool:
    return not Token.is_unresolved(instance_type) and _LOCAL_STORAGE.match(instance_type) is not None


def check_instance_type(instance_type: str) -> None:
    """Refuse an instance type that cannot scale.

    Raises:
        ValueError: when it is of a burstable family, or no SageMaker instance type at all.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
    """
    if Token.is_unresolved(instance_type):
        return
    check_text("instance_type", instance_type, _TYPE, "be a SageMaker type such as ml.m5.xlarge")
    if _UNSCALABLE.match(instance_type):
        raise ValueError(f"instance_type must be one that can scale, got {instance_type}: burstable types cannot")
