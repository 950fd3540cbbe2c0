"""The roles that models in the slots run under: that of the newest release, and kept ones of earlier releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canary_construct.cdk.lazy import lazy_value
from canary_construct.hosting.model_role import allow_watching_alarms, complete_given_role, model_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from canary_construct.hosting.model_sources import ModelNeeds, ModelSources


class ModelRoles:
    """Roles that may read the archives of all releases. The first one is that of the newest release."""

    def __init__(self, scope: Construct, sources: ModelSources, needs: ModelNeeds) -> None:
        self._scope = scope
        self._sources = sources
        self._needs = needs
        self._roles: list[iam.IRole] = []
        self._first_is_made = False
        self._watch_alarms = False

    def keep(self, role: iam.IRole | None) -> iam.IRole:
        """Let a role read; left out, make one, which is the same resource in every template that has it."""
        if role is None:
            self._first_is_made = self._first_is_made or not self._roles
            kept: iam.IRole = model_role(self._scope, "ModelRole", sources=self._sources, needs=self._needs)
        else:
            kept = complete_given_role(role, self._sources, self._needs)
        if self._watch_alarms:
            allow_watching_alarms(kept)
        self._roles.append(kept)
        return kept

    def watch_alarms(self) -> None:
        """Let SageMaker watch alarms with all of the roles; a second call does nothing."""
        if not self._watch_alarms:
            self._watch_alarms = True
            for role in self._roles:
                allow_watching_alarms(role)

    def properties(self) -> dict[str, object]:
        """Return the properties by which the guard knows what the newest model reads, and what the stack keeps.

        What a given role may read besides is not known.
        """
        newest, key = self._sources.newest, self._sources.key
        buckets = dict.fromkeys(archive.bucket for archive in newest if archive.bucket is not None)
        known = self._first_is_made
        return {
            "ModelBuckets": list(buckets) or None,
            "ModelKey": None if key is None else key.key_arn,
            "ModelFunctions": _arns(self._sources.newest_credentials) or None,
            "CallableFunctions": (_arns(self._sources.credentials) or None) if known else None,
            "ModelRole": self._roles[0].role_arn,
            "ReadableBuckets": self._sources.names() if known else None,
            "UsableKeys": [key.key_arn for key in self._sources.encryption_keys()] if known else None,
            "KeptRoles": lazy_value(lambda: [role.role_arn for role in self._roles]),
        }


def _arns(functions: Sequence[lambda_.IFunction]) -> list[str]:
    return [function.function_arn for function in functions]
