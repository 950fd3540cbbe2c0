"""What stays when an endpoint leaves its stack and goes on serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnDeletionPolicy, CfnResource, RemovalPolicy

if TYPE_CHECKING:
    from constructs import IConstruct

    from canary_construct.props.adoption import Adoption

SERVING = frozenset({"Resource", "Config", "Model", "ModelRole", "SecurityGroup"})
"""The construct IDs of what an endpoint that serves needs. Its scaling is no resource of the stack."""


def is_kept(removal_policy: RemovalPolicy | None, adopt: Adoption | None) -> bool:
    """Tell whether the endpoint stays. An adopted one does, unless the caller says otherwise.

    Raises:
        ValueError: for a policy that says neither to keep nor to delete.
    """
    if removal_policy is None:
        return adopt is not None
    if removal_policy not in {RemovalPolicy.DESTROY, RemovalPolicy.RETAIN}:
        raise ValueError(f"removal_policy must be DESTROY or RETAIN, got {removal_policy.name}")
    return removal_policy is RemovalPolicy.RETAIN


def keep_what_serves(scope: IConstruct) -> None:
    """Keep all that an endpoint needs when it leaves the stack. What a failed deploy has made goes again.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    for child in scope.node.children:
        if child.node.id in SERVING:
            for resource in child.node.find_all():
                if isinstance(resource, CfnResource):
                    keep(resource)


def keep(resource: CfnResource) -> None:
    """Keep one resource when it leaves the stack, or is replaced."""
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
