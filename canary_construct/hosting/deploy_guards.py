"""The two custom resources that guard a deploy: one before the endpoint is updated, one after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aws_cdk import CustomResource, Duration, Stack
from rollout.contract.adoption import KEPT
from rollout.contract.hosting import INSTANCE_TYPE, RELEASE_SCALING, RELEASE_TYPE
from rollout.contract.plan import Settings

from canary_construct.cdk.lazy import lazy_value
from canary_construct.hosting.adopted import adoption_properties
from canary_construct.rollout.settings import by_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import CfnElement
    from constructs import Construct, IConstruct
    from rollout.contract.plan import ApiStage

    from canary_construct.handlers.functions import Handlers
    from canary_construct.hosting.guarded import Guarded
    from canary_construct.hosting.hosting import Hosting

TIMEOUT_MINUTES = 16
"""A minute more than the Lambda function may run, so that its own error message arrives first."""


def release_slots(
    scope: Construct,
    hosting: Hosting,
    *,
    handlers: Handlers,
    guarded: Guarded,
    api_stages: Sequence[ApiStage],
    **release: object,
) -> CustomResource:
    """Declare the guard that decides which slot the release goes to, or refuses it before the endpoint changes.

    Its properties change with everything that updates the endpoint or its scaling, and with nothing else: a deploy that
    leaves the endpoint alone is never held up.
    """
    settings = {
        **_settings(hosting),
        "api_stages": lazy_value(lambda: [vars(stage) for stage in api_stages] or None),
    }
    slots = CustomResource(
        scope,
        "ReleaseSlots",
        resource_type="Custom::ReleaseSlots",
        service_token=handlers["ReleaseSlots"].function_arn,
        service_timeout=Duration.minutes(TIMEOUT_MINUTES),
        properties={
            "EndpointName": hosting.endpoint_name,
            INSTANCE_TYPE: hosting.instance_type,
            RELEASE_TYPE: hosting.release_instance_type,
            "Settings": Stack.of(scope).to_json_string(settings),
            **guarded.properties(),
            **_hosting(scope, hosting),
            **_release_scaling(scope, hosting),
            **adoption_properties(scope, hosting),
            **({KEPT: "yes"} if hosting.is_kept else {}),
            **release,
        },
    )
    guarded.answered_by(cast("CfnElement", slots.node.default_child))
    return slots


def verified_endpoint(
    scope: Construct,
    hosting: Hosting,
    *,
    handlers: Handlers,
    guarded: Guarded,
    state_machine_arn: str,
    config_name: str,
    after: Sequence[IConstruct],
    **watched: object,
) -> CustomResource:
    """Declare the check that the endpoint is on the config that was deployed.

    `watched`: the alarms that SageMaker watches meanwhile, which the sentence of a failure names.

    When the stack is deleted, this resource is deleted first and stops a running rollout before the endpoint changes.
    """
    settings = _settings(hosting)
    proof = CustomResource(
        scope,
        "VerifiedEndpoint",
        resource_type="Custom::VerifiedEndpoint",
        service_token=handlers["VerifiedEndpoint"].function_arn,
        service_timeout=Duration.minutes(TIMEOUT_MINUTES),
        properties={
            "EndpointName": hosting.endpoint_name,
            "EndpointConfigName": config_name,
            "Settings": Stack.of(scope).to_json_string({**settings, "state_machine_arn": state_machine_arn}),
            **guarded.properties(),
            **watched,
        },
    )
    proof.node.add_dependency(*after)
    return proof


def _hosting(scope: Construct, hosting: Hosting) -> dict[str, str]:
    """Return the property with the knobs of the slots; none when the endpoint has no knobs."""
    return {"Hosting": Stack.of(scope).to_json_string(hosting.knobs.to_json())} if hosting.knobs.endpoint else {}


def _release_scaling(scope: Construct, hosting: Hosting) -> dict[str, str]:
    """Return the property with the scaling of the release; none when it has the endpoint's."""
    own = hosting.release_scaling
    return {} if own is None else {RELEASE_SCALING: Stack.of(scope).to_json_string(by_role(own).to_json())}


def _settings(hosting: Hosting) -> dict[str, Any]:
    return Settings(endpoint=hosting.endpoint_name, scaling=by_role(hosting.scaling)).deploy_json()
