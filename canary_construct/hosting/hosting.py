"""How an endpoint is hosted, as a value that checks itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import CfnTag, Token
from rollout.contract.names import TAG

from canary_construct.hosting.endpoint_name import check_endpoint_name
from canary_construct.props.metric_period import check_metric_period

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sagemaker as sagemaker

    from canary_construct.props.instance_scaling import InstanceScaling

_UNSCALABLE = re.compile(r"ml\.t\d")


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
