"""How the functions of a stack run: what an organisation asks of every Lambda function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from canary_construct.border import checked
from canary_construct.props.network import check_network, subnet_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

PYTHON = "python3.14"
OLDEST_PYTHON = 11
"""The minor version that the handlers' code needs at least."""
_PYTHON = re.compile(r"python3\.(\d+)")


@checked()
@dataclass(frozen=True, kw_only=True)
class HandlerSettings:
    """Runtime, network, encryption and logs of the Lambda functions, which all endpoints of a stack share.

    Args:
        runtime: Python 3.11 or newer; left out, Python 3.14
        architecture: left out, ARM64
        vpc: where the functions run; left out, outside of any VPC. The functions call AWS: their subnets need a NAT
            gateway, or an endpoint of every service in docs/permissions.md and of S3, by which CloudFormation is
            answered
        vpc_subnets: subnets of `vpc`; left out, CDK chooses private ones
        security_groups: in `vpc`; left out, one is made for all functions
        encryption_key: of the functions' environment and of the logs of functions and state machines; left out, AWS's
            own keys. A key that the app makes is opened to CloudWatch Logs; do that yourself for another one
        ledger_key: of the ledger, the DynamoDB table of the stack's rollouts; left out, DynamoDB's own key. The roles
            of all functions may use it. The policy of a key that the app does not make must allow that
        log_retention: of these logs; left out, three months

    A permissions boundary is no setting: `iam.PermissionsBoundary.of(stack).apply(…)` of CDK reaches every role.

    Raises:
        ValueError: when the runtime is not Python 3.11 or newer, or subnets or security groups come without a VPC.

    Sources: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """

    runtime: lambda_.Runtime | None = None
    architecture: lambda_.Architecture | None = None
    vpc: ec2.IVpc | None = None
    vpc_subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()
    encryption_key: kms.IKey | None = None
    ledger_key: kms.IKey | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS

    def __post_init__(self) -> None:
        if self.runtime is not None:
            _check_runtime(self.runtime.name)
        check_network(self.vpc, self.vpc_subnets, self.security_groups)

    def used_runtime(self) -> lambda_.Runtime:
        """Return the runtime of the functions."""
        # CDKs of a year ago have no name for it
        return lambda_.Runtime(PYTHON, lambda_.RuntimeFamily.PYTHON) if self.runtime is None else self.runtime

    def used_architecture(self) -> lambda_.Architecture:
        """Return the architecture of the functions."""
        return lambda_.Architecture.ARM_64 if self.architecture is None else self.architecture

    def is_same(self, other: HandlerSettings) -> bool:
        """Tell whether two ask for the same. CDK's objects for Python are equal to nothing but themselves.

        Args:
            other: the settings of another endpoint
        """
        return self._compared() == other._compared()

    def _compared(self) -> tuple[object, ...]:
        return (
            self.used_runtime().name,
            self.used_architecture().name,
            None if self.vpc is None else (self.vpc.node.path, subnet_ids(self.vpc, self.vpc_subnets)),
            [group.node.path for group in self.security_groups],
            *(None if key is None else key.node.path for key in (self.encryption_key, self.ledger_key)),
            self.log_retention,
        )


def _check_runtime(name: str) -> None:
    python = _PYTHON.fullmatch(name)
    if python is None or int(python[1]) < OLDEST_PYTHON:
        raise ValueError(f"runtime must be Python 3.{OLDEST_PYTHON} or newer, got {name}")
