"""A network of the app in which nothing reaches the services that it needs is named at synth."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match

from canary_construct import HandlerSettings
from tests.infrastructure.synthesis import declare, stack

pytestmark = pytest.mark.xdist_group("graph")

ISOLATED = ec2.SubnetType.PRIVATE_ISOLATED
GATEWAYS = ec2.GatewayVpcEndpointAwsService
MODELS = "the models run in isolated subnets of Shop/Vpc, which has no endpoint of s3 in this app"
FUNCTIONS = "the functions run in isolated subnets of Shop/Vpc, which has no endpoint of {} in this app"


def isolated(scope: Stack) -> ec2.Vpc:
    only = ec2.SubnetConfiguration(name="Isolated", subnet_type=ISOLATED)
    return ec2.Vpc(scope, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[only])


def warnings(scope: Stack) -> list[str]:
    """Return what is warned of at synth."""
    found = Annotations.from_stack(scope).find_warning("*", Match.string_like_regexp("isolated subnets"))
    return [str(entry.entry.data).split(";", maxsplit=1)[0] for entry in found]


def in_it(vpc: ec2.Vpc, *, chosen: ec2.SubnetSelection | None = None) -> dict[str, Any]:
    return {
        "vpc": vpc, "vpc_subnets": chosen,
        "handlers": HandlerSettings(vpc=vpc, vpc_subnets=chosen or ec2.SubnetSelection(subnet_type=ISOLATED)),
    }  # fmt: skip


def test_isolated_subnets_without_endpoints_are_named_for_models_and_functions() -> None:
    shop = stack()
    declare(shop, **in_it(isolated(shop)))
    assert warnings(shop) == [MODELS, FUNCTIONS.format("dynamodb and s3 and sagemaker.api")]


@pytest.mark.parametrize("complete", [False, True])
def test_an_endpoint_counts_though_it_is_declared_afterwards(*, complete: bool) -> None:
    shop = stack()
    vpc = isolated(shop)
    declare(shop, **in_it(vpc))
    vpc.add_gateway_endpoint("S3", service=GATEWAYS.S3)
    vpc.add_gateway_endpoint("Ledger", service=GATEWAYS.DYNAMODB)
    if complete:
        vpc.add_interface_endpoint("SageMaker", service=ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API)
    assert warnings(shop) == ([] if complete else [FUNCTIONS.format("sagemaker.api")])


def test_an_endpoint_of_another_network_does_not_count() -> None:
    shop = stack()
    declare(shop, vpc=isolated(shop))
    ec2.Vpc(shop, "Other", max_azs=2).add_gateway_endpoint("S3", service=GATEWAYS.S3)
    assert warnings(shop) == [MODELS]


def test_a_route_may_be_another_way_out() -> None:
    shop = stack()
    vpc = isolated(shop)
    declare(shop, vpc=vpc)
    for number, subnet in enumerate(vpc.isolated_subnets):
        ec2.CfnRoute(
            subnet, "Transit", route_table_id=subnet.route_table.route_table_id,
            destination_cidr_block="0.0.0.0/0", transit_gateway_id=f"tgw-{number}",
        )  # fmt: skip
    assert warnings(shop) == []


def test_subnets_with_a_nat_gateway_and_networks_of_others_are_not_doubted() -> None:
    shop = stack()
    declare(shop, vpc=ec2.Vpc(shop, "Vpc", max_azs=2))
    assert warnings(shop) == []
    another = stack()
    known = ec2.Vpc.from_vpc_attributes(
        another, "Vpc", vpc_id="vpc-1", availability_zones=["us-west-2a"], isolated_subnet_ids=["subnet-1"]
    )
    declare(another, vpc=known)
    assert warnings(another) == []
