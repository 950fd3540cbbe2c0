"""The VPC in which the functions run, if one is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from canary_construct.border.way_out import OF_FUNCTIONS, warn_without_way_out
from canary_construct.permissions.acknowledged_statement import add_statement

if TYPE_CHECKING:
    from constructs import Construct

    from canary_construct.props.handler_settings import HandlerSettings


def network(scope: Construct, settings: HandlerSettings) -> dict[str, Any]:
    """Return what each function is told of its network: one security group for all, if none is given."""
    if settings.vpc is None:
        return {}
    groups = list(settings.security_groups) or [
        ec2.SecurityGroup(scope, "SecurityGroup", vpc=settings.vpc, description="Handlers of canary rollouts")
    ]
    warn_without_way_out(scope, settings.vpc, settings.vpc_subnets, who="the functions", services=OF_FUNCTIONS)
    return {"vpc": settings.vpc, "vpc_subnets": settings.vpc_subnets, "security_groups": groups}


def allow_network_interfaces(role: iam.Role) -> None:
    """Let Lambda attach a function of this role to a VPC. CDK adds this to the roles that it makes itself only.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html (required IAM permissions)
    """
    add_statement(
        role,
        iam.PolicyStatement(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=["*"],
        ),
        reason="Lambda makes and names the network interfaces, and the describing actions know no resource",
    )
