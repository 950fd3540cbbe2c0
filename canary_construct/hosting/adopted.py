"""An endpoint that was live before its stack: how it stands in the template until it has a release."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import CfnElement, Stack
from constructs import Construct
from rollout.contract.adoption import ADOPTION
from rollout.contract.adoption import Adoption as Property

from canary_construct.border import checked
from canary_construct.cdk.lazy import lazy_value
from canary_construct.hosting.endpoint_name import check_endpoint_name
from canary_construct.hosting.overridden import Endpoint
from canary_construct.hosting.removal import keep

if TYPE_CHECKING:
    from aws_cdk import CustomResource, IResolvable

    from canary_construct.hosting.hosting import Hosting
    from canary_construct.props.adoption import Adoption
    from canary_construct.props.model_release import ModelRelease

ENDPOINT_ID = "Resource"
"""The construct ID of the endpoint. The logical ID is made of it and of the constructs around it."""


@checked()
class BareEndpoint(Construct):
    """A live endpoint as `cdk import` takes it into a stack: nothing but the endpoint, left as it is.

    Declare it with the construct ID that the `CanaryEndpoint` will have, and put that in its place afterwards: the
    endpoint then has the same logical ID.

    Args:
        scope: the stack or construct that will hold the `CanaryEndpoint`
        construct_id: the one that the `CanaryEndpoint` will have
        endpoint_name: the name of the live endpoint, as it was made
        adopt: what the `CanaryEndpoint` will be given

    Source: https://docs.aws.amazon.com/cdk/v2/guide/ref-cli-cmd-import.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, endpoint_name: str, adopt: Adoption) -> None:
        """Declare a live endpoint as `cdk import` takes it into a stack: nothing but the endpoint, left as it is.

        Args:
            scope: the stack or construct that will hold the `CanaryEndpoint`
            construct_id: the one that the `CanaryEndpoint` will have
            endpoint_name: the name of the live endpoint, as it was made
            adopt: what the `CanaryEndpoint` will be given
        """
        super().__init__(scope, construct_id)
        check_endpoint_name(endpoint_name, is_adopted=True)
        untouched_endpoint(self, endpoint_name, adopt)


def untouched_endpoint(scope: Construct, name: str, adopt: Adoption) -> Endpoint:
    """Declare a live endpoint with the same properties as at its import, so that CloudFormation changes nothing."""
    resource = Endpoint(
        scope,
        ENDPOINT_ID,
        endpoint_name=name,
        endpoint_config_name=adopt.endpoint_config_name,
        retain_all_variant_properties=True,
    )
    keep(resource)
    return resource


def waiting_endpoint(scope: Construct, hosting: Hosting, slots: CustomResource) -> tuple[Endpoint, str]:
    """Declare an endpoint that has no release yet; return it with the config that it is on.

    It comes after the guard, so that CloudFormation calls the guard first when it comes back to this template.
    """
    assert hosting.adopt is not None, "an endpoint of its own has a release"
    resource = untouched_endpoint(scope, hosting.endpoint_name, hosting.adopt)
    resource.node.add_dependency(slots)
    return resource, hosting.adopt.endpoint_config_name


def adoption_properties(scope: Construct, hosting: Hosting) -> dict[str, IResolvable]:
    """Return the property by which the guard knows the endpoint that it takes over; none for an endpoint of its own."""
    return {} if hosting.adopt is None else {ADOPTION: lazy_value(lambda: _said(scope, hosting, hosting.adopt))}


def _said(scope: Construct, hosting: Hosting, adopt: Adoption | None) -> str:
    assert adopt is not None
    endpoint = scope.node.find_child(ENDPOINT_ID)
    assert isinstance(endpoint, CfnElement)
    declared = {"KmsKeyId": hosting.encryption_key, "DataCaptureConfig": hosting.data_capture}
    said = Property(
        variant=adopt.variant,
        version=adopt.version,
        config_name=adopt.endpoint_config_name,
        logical_id=Stack.of(scope).resolve(endpoint.logical_id),
        carried=[name for name, value in declared.items() if value is not None],
    )
    return json.dumps(said.to_json())


def check_release(release: ModelRelease | None, adopt: Adoption | None, endpoint_name: str | None) -> None:
    """Refuse an endpoint without a release, but for one that is about to be adopted.

    Raises:
        ValueError: when there is none, it has the label of the live model, or nobody says which endpoint is live.
    """
    if release is None and adopt is None:
        raise ValueError("release must be given, unless adopt names a live endpoint")
    if adopt is not None and endpoint_name is None:
        raise ValueError("endpoint_name must be the name of the live endpoint that adopt takes over, got none")
    if release is not None and adopt is not None and release.version == adopt.version:
        raise ValueError(f"release and the adopted model must have different versions, got {adopt.version!r} for both")
