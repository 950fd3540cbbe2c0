"""What belongs together when something runs in a VPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canary_construct.border.resources import refuse_public_network
from canary_construct.border.way_out import chosen_subnets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2

MOST_GROUPS = 5
MOST_SUBNETS = 16


def check_network(
    vpc: ec2.IVpc | None, vpc_subnets: ec2.SubnetSelection | None, security_groups: Sequence[ec2.ISecurityGroup]
) -> None:
    """Refuse parts of a network without the network, and more groups than SageMaker and Lambda take.

    Raises:
        ValueError: when subnets or security groups come without a VPC, or there are more than five groups.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html,
    https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
    """
    if len(security_groups) > MOST_GROUPS:
        raise ValueError(f"security_groups must be at most {MOST_GROUPS}, got {len(security_groups)}")
    if vpc is not None:
        return
    for name, given in (("vpc_subnets", vpc_subnets is not None), ("security_groups", bool(security_groups))):
        if given:
            raise ValueError(f"{name} must come with a vpc, got none")


def subnet_ids(vpc: ec2.IVpc, selection: ec2.SubnetSelection | None) -> list[str]:
    """Return the IDs of the selected subnets; without a selection, of those that CDK chooses.

    Raises:
        ValueError: when there is no selection, and all subnets are public; when there are more than 16.
    """
    if selection is None:
        refuse_public_network(vpc)
    found = list(chosen_subnets(vpc, selection).subnet_ids)
    if len(found) > MOST_SUBNETS:
        raise ValueError(f"vpc_subnets must choose at most {MOST_SUBNETS} subnets, got {len(found)}")
    return found
