"""One permission: actions, and on which resources of an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from canary_construct.permissions.endpoint_scope import EndpointScope


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on the resources of one endpoint."""

    actions: Sequence[str]
    resources: Callable[[EndpointScope], Sequence[str]]
    conditions: Callable[[EndpointScope], dict[str, object]] | None = None
    reason: str = ""
    """Why the resource is a wildcard, where it is."""

    def statement(self, scope: EndpointScope) -> iam.PolicyStatement:
        """Return the IAM statement for one endpoint."""
        conditions = None if self.conditions is None else self.conditions(scope)
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources(scope)), conditions=conditions
        )
