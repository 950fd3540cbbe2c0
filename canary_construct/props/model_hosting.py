"""How SageMaker starts the instances of a model and routes to them, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from rollout.contract.hosting import (
    AMI_VERSION,
    DOWNLOAD_TIMEOUT,
    ROUTING_STRATEGY,
    SSM_ACCESS,
    STARTUP_TIMEOUT,
    VOLUME_SIZE,
)

from canary_construct.border import checked
from canary_construct.border.texts import check_text

if TYPE_CHECKING:
    from aws_cdk import Duration, Size
    from rollout.contract.hosting import Knobs

TIMEOUT_SECONDS = range(60, 3601)
VOLUME_GIB = range(1, 513)
PROPERTY = {
    STARTUP_TIMEOUT: "startup_timeout",
    DOWNLOAD_TIMEOUT: "download_timeout",
    VOLUME_SIZE: "volume_size",
    AMI_VERSION: "inference_ami_version",
    ROUTING_STRATEGY: "routing_strategy",
    SSM_ACCESS: "enable_ssm",
}
"""What a caller knows a knob by."""
_AMI_VERSION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


class RoutingStrategy(Enum):
    """Which instance of a variant gets a request: the one with the fewest that are not answered yet, or any.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantRoutingConfig.html
    """

    LEAST_OUTSTANDING_REQUESTS = "LEAST_OUTSTANDING_REQUESTS"
    RANDOM = "RANDOM"


@checked()
@dataclass(frozen=True, kw_only=True, init=False)
class ModelHosting:
    """How SageMaker starts the instances of a model, and which of them gets a request.

    What is left out is SageMaker's choice, except in a release: there it is the endpoint's.

    Args:
        startup_timeout: how long a container may take until it answers its health check; 60 to 3,600 s
        download_timeout: how long SageMaker may take to download and unpack the model; 60 to 3,600 s
        volume_size: the volume of each instance, 1 to 512 GiB; refused for types that store on disks of their own
        inference_ami_version: drivers and kernel of the instances, such as "al2-ami-sagemaker-inference-gpu-3-1"
        routing_strategy: which instance of a variant gets a request (`RoutingStrategy`)
        enable_ssm: lets people who may use Systems Manager open a shell in the containers, once AWS has turned that on
            for the account; the role that the library makes then has what it needs

    Raises:
        ValueError: when a value is out of its range, or a time or a size is known at deploy time only.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/ssm-access.html
    """

    startup_timeout_seconds: int | None
    download_timeout_seconds: int | None
    volume_size_gib: int | None
    inference_ami_version: str | None
    routing_strategy: RoutingStrategy | None
    enable_ssm: bool | None

    def __init__(
        self,
        *,
        startup_timeout: Duration | None = None,
        download_timeout: Duration | None = None,
        volume_size: Size | None = None,
        inference_ami_version: str | None = None,
        routing_strategy: RoutingStrategy | None = None,
        enable_ssm: bool | None = None,
    ) -> None:
        _check_ami_version(inference_ami_version)
        values = {
            "startup_timeout_seconds": _seconds("startup_timeout", startup_timeout),
            "download_timeout_seconds": _seconds("download_timeout", download_timeout),
            "volume_size_gib": _gib("volume_size", volume_size),
            "inference_ami_version": inference_ami_version,
            "routing_strategy": routing_strategy,
            "enable_ssm": enable_ssm,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def knobs(self) -> Knobs:
        """Return what is set, by SageMaker's names."""
        strategy = self.routing_strategy
        values = {
            STARTUP_TIMEOUT: self.startup_timeout_seconds,
            DOWNLOAD_TIMEOUT: self.download_timeout_seconds,
            VOLUME_SIZE: self.volume_size_gib,
            AMI_VERSION: self.inference_ami_version,
            ROUTING_STRATEGY: None if strategy is None else strategy.value,
            SSM_ACCESS: self.enable_ssm,
        }
        return {name: value for name, value in values.items() if value is not None}


def _seconds(name: str, given: Duration | None) -> int | None:
    if given is None:
        return None
    return _within(TIMEOUT_SECONDS, int(given.to_seconds()), name, "s")


def _gib(name: str, given: Size | None) -> int | None:
    if given is None:
        return None
    return _within(VOLUME_GIB, int(given.to_gibibytes()), name, "GiB")


def _within(allowed: range, value: int, name: str, unit: str) -> int:
    if value not in allowed:
        raise ValueError(f"{name} must be between {allowed[0]} and {allowed[-1]} {unit}, got {value}")
    return value


def _check_ami_version(version: str | None) -> None:
    if version is not None:
        allowed = "be a name such as al2-ami-sagemaker-inference-gpu-3-1"
        check_text("inference_ami_version", version, _AMI_VERSION, allowed)
