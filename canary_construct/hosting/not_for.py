"""Refuses at synth what somebody adds to model, endpoint config and endpoint by an override or an Aspect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from constructs import IValidation

from canary_construct.border.not_for import refusals_in

if TYPE_CHECKING:
    from canary_construct.hosting.overridden import Overridden


@jsii.implements(IValidation)
class NotFor:
    """Looks at a resource as it is rendered: overrides, Aspects and properties that were set later are in."""

    def __init__(self, resource: Overridden) -> None:
        self._resource = resource

    def validate(self) -> list[str]:
        """Return a sentence for each property that a rollout cannot work with."""
        return list(dict.fromkeys(refusals_in(self._resource.rendered())))


def refuse_unfit(*resources: Overridden) -> None:
    """Refuse what no rollout can work with, when the stack is synthesised."""
    for resource in resources:
        resource.node.add_validation(NotFor(resource))


@jsii.implements(IValidation)
class OwnName:
    """Looks at the name of a resource as it is rendered. An Aspect that names everything is the usual reason."""

    def __init__(self, resource: Overridden, name: str, value: str | None) -> None:
        self._resource = resource
        self._name = name
        self._value = value

    def validate(self) -> list[str]:
        """Return a sentence if the resource has another name than the library gave it."""
        rendered = self._resource.rendered()
        name = self._name
        given = rendered.get(f"Properties.{name}", rendered.get(name[0].lower() + name[1:]))
        if given == self._value:
            return []
        if self._value is None:
            reason = "releases replace this resource, and CloudFormation replaces nothing that has a name of its own"
            return [f"{name} must be left out, got {given}: {reason}"]
        return [f"{name} must stay {self._value}, by which rollouts find the endpoint, got {given}; say endpoint_name"]


def refuse_renamed(resource: Overridden, name: str, value: str | None = None) -> None:
    """Refuse another name when the stack is synthesised. `value`: left out, CloudFormation names the resource.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    resource.node.add_validation(OwnName(resource, name, value))
