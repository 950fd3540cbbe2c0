"""Refuses resources of the caller that cannot do here what they are given for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack, Token
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import IResource
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_sns as sns
    from constructs import Construct

SAGEMAKER = "sagemaker.amazonaws.com"


def refuse_alarm_elsewhere(scope: Construct, alarm: cloudwatch.IAlarm, *, prop: str) -> None:
    """Refuse an alarm of another account or region: no call from here asks for it, and no event of it comes.

    `prop`: what the caller gave it for.

    Raises:
        ValueError: when both places are known, and differ.
    """
    stack, arn = Stack.of(scope), alarm.alarm_arn
    if not Token.is_unresolved(arn):
        its = stack.split_arn(arn, ArnFormat.COLON_RESOURCE_NAME)
        account, region = its.account or stack.account, its.region or stack.region
    else:
        account, region = alarm.env.account, alarm.env.region
    refuse_place(prop, alarm.node.path, "account", stack.account, account)
    refuse_place(prop, alarm.node.path, "region", stack.region, region)


def refuse_elsewhere(scope: Construct, prop: str, resource: IResource, *places: str) -> None:
    """Refuse a resource of another place. `places`: "account" or "region", or both.

    Raises:
        ValueError: when both places are known, and differ.
    """
    for place in places:
        refuse_place(prop, resource.node.path, place, getattr(Stack.of(scope), place), getattr(resource.env, place))


def refuse_unfit_topic(scope: Construct, topic: sns.ITopic) -> None:
    """Refuse a topic to which the library cannot publish.

    Raises:
        ValueError: when it is of another region, or a FIFO topic, which reaches no mail and no chat.

    Sources: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html,
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    refuse_elsewhere(scope, "notification_topic", topic, "region")
    if topic.fifo:
        raise ValueError(f"notification_topic must be a standard topic, got {topic.node.path}, which is FIFO")


def refuse_unfit_role(role: iam.IRole) -> None:
    """Refuse a role of the app that SageMaker may not assume; what an imported one allows is not known.

    Raises:
        ValueError: with the principals that may.
    """
    policy = role.assume_role_policy if isinstance(role, iam.Role) else None
    if policy is None:
        return
    statements = Stack.of(role).resolve(policy.to_json())["Statement"]
    principals = [statement["Principal"] for statement in statements if "Principal" in statement]
    if not any(SAGEMAKER in json.dumps(principal) or principal == "*" for principal in principals):
        raise ValueError(f"role must be one that {SAGEMAKER} may assume, got {role.node.path} for {principals}")


def refuse_public_network(vpc: ec2.IVpc) -> None:
    """Refuse a VPC without private subnets, when nobody chose subnets: SageMaker gives an instance no public address.

    Raises:
        ValueError: when all subnets are public.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
    """
    if vpc.public_subnets and not vpc.private_subnets and not vpc.isolated_subnets:
        raise ValueError(f"vpc must have private subnets, or vpc_subnets must choose some, got {vpc.node.path}")


def refuse_place(prop: str, given: str, place: str, own: str, its: str) -> None:
    """Refuse what is given when it has another account or region than the endpoint, and both are known.

    Raises:
        ValueError: when they differ.
    """
    if own != its and not Token.is_unresolved(own) and not Token.is_unresolved(its):
        raise ValueError(f"{prop} must be in the {place} of the endpoint, {own}, got {given} of {its}")
