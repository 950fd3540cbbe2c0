"""How SageMaker hosts the instances of a slot, beyond their type and number: knobs, by SageMaker's own names.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

STARTUP_TIMEOUT = "ContainerStartupHealthCheckTimeoutInSeconds"
DOWNLOAD_TIMEOUT = "ModelDataDownloadTimeoutInSeconds"
VOLUME_SIZE = "VolumeSizeInGB"
AMI_VERSION = "InferenceAmiVersion"
ROUTING_STRATEGY = "RoutingStrategy"
ROUTING_CONFIG = "RoutingConfig"
"""SageMaker puts the strategy into a structure of this name."""
SSM_ACCESS = "EnableSSMAccess"
INSTANCE_TYPE = "InstanceType"
"""No knob: every variant has one, and SageMaker changes it only in a slot that is no scalable target."""
RELEASE_TYPE = "ReleaseInstanceType"
"""The property of `Custom::ReleaseSlots` with the type of the release, if it has one of its own."""
RELEASE_SCALING = "ReleaseScaling"
"""The property with the scaling of the release, as text, if it has one of its own."""
KNOBS = (STARTUP_TIMEOUT, DOWNLOAD_TIMEOUT, VOLUME_SIZE, AMI_VERSION, ROUTING_STRATEGY, SSM_ACCESS)

Knobs = Mapping[str, str | int]
"""Values by name; a knob that is not set is not in it."""


@dataclass(frozen=True, kw_only=True)
class SlotHosting:
    """What a deploy asks for: of the endpoint, for slots that have no value of a knob yet, and of the release.

    A knob belongs to the slot as its model does, so a slot keeps the value that it was started with. CloudFormation
    cannot leave a property out by an answer, so that both slots have the same knobs: those of the endpoint.
    """

    endpoint: Knobs = field(default_factory=dict)
    release: Knobs = field(default_factory=dict)

    @classmethod
    def parse(cls, text: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(endpoint=text["endpoint"], release=text["release"])

    def to_json(self) -> dict[str, Knobs]:
        """Return it for the properties of `Custom::ReleaseSlots`."""
        return asdict(self)

    def kept(self, live: Knobs) -> Knobs:
        """Return the knobs of a slot that keeps its model.

        >>> SlotHosting(endpoint={"VolumeSizeInGB": 30, "EnableSSMAccess": False}).kept({"VolumeSizeInGB": 60})
        {'VolumeSizeInGB': 60, 'EnableSSMAccess': False}
        """
        return {name: live.get(name, value) for name, value in self.endpoint.items()}


def knobs_of(variant: Mapping[str, Any]) -> Knobs:
    """Return the knobs of a production variant as `DescribeEndpointConfig` has it.

    >>> knobs_of({"VariantName": "a", "VolumeSizeInGB": 30, "RoutingConfig": {"RoutingStrategy": "RANDOM"}})
    {'VolumeSizeInGB': 30, 'RoutingStrategy': 'RANDOM'}
    """
    flat = {**variant, **variant.get(ROUTING_CONFIG, {})}
    return {name: flat[name] for name in KNOBS if name in flat}
