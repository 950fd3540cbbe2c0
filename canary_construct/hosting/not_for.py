"""Refuses at synth what somebody adds to the model or the endpoint config by an override."""

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
