"""The VPC in which the models' containers run, if one is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from canary_construct.border.way_out import OF_MODELS, warn_without_way_out
from canary_construct.permissions.acknowledged_statement import add_statement
from canary_construct.props.network import check_network, subnet_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

_OWN_GROUP = "SecurityGroup"


def vpc_config(
    scope: Construct,
    *,
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup],
) -> sagemaker.CfnModel.VpcConfigProperty | None:
    """Return the subnets and security groups of a model; without a group given, one is made.

    Raises:
        ValueError: when subnets or security groups come without a VPC.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
    """
    check_network(vpc, vpc_subnets, security_groups)
    if vpc is None:
        return None
    groups = security_groups or [
        ec2.SecurityGroup(scope, _OWN_GROUP, vpc=vpc, description="SageMaker model containers")
    ]
    warn_without_way_out(scope, vpc, vpc_subnets, who="the models", services=OF_MODELS)
    return sagemaker.CfnModel.VpcConfigProperty(
        subnets=subnet_ids(vpc, vpc_subnets),
        security_group_ids=[group.security_group_id for group in groups],
    )


def own_group(scope: Construct) -> str | None:
    """Return the ID of the security group that was made for the models, if one was."""
    made = scope.node.try_find_child(_OWN_GROUP)
    return made.security_group_id if isinstance(made, ec2.SecurityGroup) else None


def allow_seeing_interfaces(scope: Construct, guard: iam.IRole | None) -> iam.Policy:
    """Let the guard see when SageMaker has left the security group: it must not be deleted before.

    The policy is the endpoint's own, so that the guard has it until it has acted.
    """
    assert guard is not None, "a function that is declared here has a role"
    policy = iam.Policy(scope, "InterfacesPolicy", roles=[guard])
    add_statement(
        policy,
        iam.PolicyStatement(actions=["ec2:DescribeNetworkInterfaces"], resources=["*"]),
        reason="DescribeNetworkInterfaces knows no resource",
    )
    return policy
