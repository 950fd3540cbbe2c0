"""The network interfaces that SageMaker makes in the user's VPC. They outlive the endpoint."""

from __future__ import annotations

from rollout import clients, clock
from rollout.contract.errors import Throttled, Unavailable

LOOK_AGAIN_SECONDS = 10


def wait_until_gone(security_group: str, *, until: float) -> None:
    """Wait until nothing uses a security group, or the time (seconds since the epoch) is over.

    CloudFormation deletes the endpoint and then fails to delete its group and its subnets, which are still in use.
    Sources: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1327 and
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
    """
    while _is_used(security_group):
        if clock.now() >= until:
            return
        clock.pause(LOOK_AGAIN_SECONDS)


def _is_used(security_group: str) -> bool:
    """Tell whether an interface uses it, or EC2 does not say: it limits the calls of a whole account."""
    try:
        with clients.named_failures():
            found = clients.client("ec2").describe_network_interfaces(
                Filters=[{"Name": "group-id", "Values": [security_group]}]
            )
    except (Throttled, Unavailable):
        return True
    return bool(found["NetworkInterfaces"])
