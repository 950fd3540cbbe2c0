"""One permission: actions, and on which resources of a stack or of an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from aws_cdk import aws_iam as iam

from canary_construct.permissions.endpoint_scope import StackScope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ScopeT_contra = TypeVar("ScopeT_contra", bound=StackScope, contravariant=True)


@dataclass(frozen=True, kw_only=True)
class Permission(Generic[ScopeT_contra]):
    """Actions on resources that the stack's name tells, or an endpoint's."""

    actions: Sequence[str]
    resources: Callable[[ScopeT_contra], Sequence[str]]
    conditions: Callable[[ScopeT_contra], dict[str, dict[str, object]]] | None = None
    reason: str = ""
    """Why the resource is a wildcard, where it is."""

    def statement(self, scope: ScopeT_contra) -> iam.PolicyStatement:
        """Return the IAM statement."""
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources(scope)), conditions=self.condition_of(scope)
        )

    def condition_of(self, scope: ScopeT_contra) -> dict[str, dict[str, object]] | None:
        """Return the condition of the statement; `None` without one."""
        return None if self.conditions is None else self.conditions(scope)
