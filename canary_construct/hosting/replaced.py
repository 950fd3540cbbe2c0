"""Resources that CloudFormation keeps when it replaces them: a slot may still serve them."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import CfnDeletionPolicy

from canary_construct.hosting.overridden import EndpointConfig, Model

_Replaced = TypeVar("_Replaced", Model, EndpointConfig)


def keep_replaced(resource: _Replaced) -> _Replaced:
    """Keep the old resource when this one replaces it, and delete this one with its stack.

    The policy is an override, which CDK renders last: an Aspect such as `RemovalPolicies.of(app).destroy()` changes
    `cfn_options`, and CloudFormation would delete the model that stable serves.
    Source: https://github.com/aws/aws-cdk/issues/21303
    """
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
    resource.add_override("UpdateReplacePolicy", "Retain")
    return resource
