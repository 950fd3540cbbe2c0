"""The knobs of both slots: what the endpoint and the release ask for, and how the guard's answer is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Token
from aws_cdk import aws_sagemaker as sagemaker
from rollout.contract.hosting import (
    AMI_VERSION,
    DOWNLOAD_TIMEOUT,
    ROUTING_STRATEGY,
    SSM_ACCESS,
    STARTUP_TIMEOUT,
    VOLUME_SIZE,
    SlotHosting,
)

from canary_construct.props.model_hosting import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import CustomResource, Reference

    from canary_construct.props.model_hosting import ModelHosting
    from canary_construct.props.model_release import ModelRelease
    from canary_construct.props.slot import Slot


def _routing_config(strategy: Reference) -> sagemaker.CfnEndpointConfig.RoutingConfigProperty:
    return sagemaker.CfnEndpointConfig.RoutingConfigProperty(routing_strategy=Token.as_string(strategy))


_RENDERED: dict[str, tuple[str, Callable[[Reference], Any]]] = {
    STARTUP_TIMEOUT: ("container_startup_health_check_timeout_in_seconds", Token.as_number),
    DOWNLOAD_TIMEOUT: ("model_data_download_timeout_in_seconds", Token.as_number),
    VOLUME_SIZE: ("volume_size_in_gb", Token.as_number),
    AMI_VERSION: ("inference_ami_version", Token.as_string),
    ROUTING_STRATEGY: ("routing_config", _routing_config),
    SSM_ACCESS: ("enable_ssm_access", lambda answer: answer),
}
"""By knob: the property of a variant, and what makes its value of an attribute of the guard."""


def slot_hosting(of_endpoint: ModelHosting | None, release: ModelRelease | None) -> SlotHosting:
    """Return what a deploy asks for. The release's values go before the endpoint's.

    `release`: `None` before an adopted endpoint has one.

    Raises:
        ValueError: when the release sets a knob that the endpoint does not have.
    """
    endpoint = {} if of_endpoint is None else of_endpoint.knobs()
    if release is None:
        return SlotHosting(endpoint=endpoint)
    own = {} if release.hosting is None else release.hosting.knobs()
    unknown = [PROPERTY[name] for name in own if name not in endpoint]
    if unknown:
        raise ValueError(
            f"release {release.version} sets {', '.join(unknown)}, which the endpoint's hosting must set as well: to "
            "the value for the release that serves now, because CloudFormation gives both variants the same properties"
        )
    return SlotHosting(endpoint=endpoint, release={**endpoint, **own})


def knobs_in(slot: Slot, hosting: SlotHosting, slots: CustomResource) -> dict[str, Any]:
    """Return the properties of a variant that hold its knobs as the guard answered."""
    properties = {}
    for name in hosting.endpoint:
        rendered, value = _RENDERED[name]
        properties[rendered] = value(slots.get_att(f"{name}{slot.name}"))
    return properties
