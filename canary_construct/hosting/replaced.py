"""Resources that CloudFormation keeps when it replaces them: a slot may still serve them."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import CfnDeletionPolicy
from aws_cdk import aws_sagemaker as sagemaker

_Replaced = TypeVar("_Replaced", sagemaker.CfnModel, sagemaker.CfnEndpointConfig)


def keep_replaced(resource: _Replaced) -> _Replaced:
    """Keep the old resource when this one replaces it, and delete this one with its stack."""
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
    return resource
