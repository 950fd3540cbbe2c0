"""Warns of a network of the app in which nothing can reach the AWS services that it needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Annotations, Aspects, IAspect
from aws_cdk import aws_ec2 as ec2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct, IConstruct

_DEPLOY_TIME = r"\$\{Token\["
"""CDK ends the name of an interface endpoint's service with a value of deploy time."""
OF_MODELS = ("s3",)
"""What the containers' instances reach through their VPC: SageMaker fetches the model's files with its interfaces.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
"""
OF_FUNCTIONS = ("dynamodb", "s3", "sagemaker.api")
"""What every function of a rollout calls, or is answered by: without one of these, no deploy ends."""


def warn_without_way_out(
    scope: Construct, vpc: ec2.IVpc, selection: ec2.SubnetSelection | None, *, who: str, services: Sequence[str]
) -> None:
    """Warn at synth when all chosen subnets are isolated, without a route, and a service has no endpoint in the app.

    Nothing is said of a network that is imported: its endpoints are not known. It is no refusal, since an endpoint may
    be declared elsewhere.

    Args:
        scope: where the warning stands
        vpc: the network
        selection: of its subnets; left out, those that CDK chooses
        who: what runs there, for the sentence
        services: as they end the names of their endpoints, `s3` for `com.amazonaws.us-east-1.s3`

    Source: https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
    """
    if isinstance(vpc, ec2.Vpc):
        Aspects.of(scope).add(_WarnsAtSynth(scope, vpc, selection, who=who, services=services))


@jsii.implements(IAspect)
class _WarnsAtSynth:
    """Looks just before the template is rendered: an endpoint may be declared after the construct."""

    def __init__(
        self, scope: Construct, vpc: ec2.Vpc, selection: ec2.SubnetSelection | None, *, who: str,
        services: Sequence[str],
    ) -> None:  # fmt: skip
        self._scope = scope
        self._vpc = vpc
        self._selection = selection
        self._who = who
        self._services = services

    def visit(self, node: IConstruct) -> None:
        """Add the warning. Of all constructs that are visited, only the one that the aspect stands on counts."""
        if node.node.path != self._scope.node.path or not self._is_isolated():
            return
        missing = [service for service in self._services if not self._has_endpoint_of(service)]
        if missing:
            Annotations.of(self._scope).add_warning_v2(
                "canary-construct:no-way-out",
                f"{self._who} run in isolated subnets of {self._vpc.node.path}, which has no endpoint of "
                f"{' and '.join(missing)} in this app; without one, or another way out, they do not start to work",
            )

    def _is_isolated(self) -> bool:
        """Tell whether no chosen subnet has a route but those inside of the VPC."""
        isolated = {subnet.subnet_id: subnet for subnet in self._vpc.isolated_subnets}
        chosen = chosen_subnets(self._vpc, self._selection).subnet_ids
        if not set(chosen) <= set(isolated):
            return False
        return not any(
            isinstance(child, ec2.CfnRoute) for subnet in chosen for child in isolated[subnet].node.find_all()
        )

    def _has_endpoint_of(self, service: str) -> bool:
        return any(
            isinstance(child, ec2.CfnVPCEndpoint)
            and child.vpc_id == self._vpc.vpc_id
            and re.search(rf"\.{re.escape(service)}({_DEPLOY_TIME}|$)", str(child.service_name))
            for child in self._scope.node.root.node.find_all()
        )


def chosen_subnets(vpc: ec2.IVpc, selection: ec2.SubnetSelection | None) -> ec2.SelectedSubnets:
    """Return the selected subnets; without a selection, those that CDK chooses."""
    if selection is None:
        return vpc.select_subnets()
    return vpc.select_subnets(
        availability_zones=selection.availability_zones,
        one_per_az=selection.one_per_az,
        subnet_filters=selection.subnet_filters,
        subnet_group_name=selection.subnet_group_name,
        subnets=selection.subnets,
        subnet_type=selection.subnet_type,
    )
