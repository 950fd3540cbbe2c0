"""How an endpoint that is adopted stands in the template, from its import until it leaves."""

import json
from typing import Any

import pytest
from aws_cdk import RemovalPolicy

from canary_construct import Adoption, BareEndpoint, CanaryEndpoint, ModelRelease
from canary_construct.permissions.by_handler import ADOPTING, ADOPTION
from tests.infrastructure.synthesis import (
    INSTANCE_TYPE,
    RELEASE,
    Resources,
    declare,
    depends_on,
    of_type,
    only,
    properties,
    rendered,
    resources_of,
    stack,
    statements,
)

LIVE = "Orders-Recommender"
ADOPT = Adoption(endpoint_config_name="orders-2024")
ENDPOINT = "AWS::SageMaker::Endpoint"
SERVING = {
    ENDPOINT,
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
}


@pytest.fixture(scope="module")
def bare() -> Resources:
    shop = stack()
    BareEndpoint(shop, "Recommender", endpoint_name=LIVE, adopt=ADOPT)
    return rendered(shop)


@pytest.fixture(scope="module")
def waiting() -> Resources:
    return resources_of(release=None, adopt=ADOPT, endpoint_name=LIVE)


@pytest.fixture(scope="module")
def released() -> Resources:
    return resources_of(adopt=ADOPT, endpoint_name=LIVE)


def test_the_first_deploy_has_the_endpoint_as_it_was_imported(bare: Resources, waiting: Resources) -> None:
    name, imported = only(bare, ENDPOINT)
    declared = dict(waiting[name])
    assert only(waiting, "Custom::ReleaseSlots")[0] in declared.pop("DependsOn")
    assert declared == imported
    assert imported["Properties"] == {
        "EndpointName": LIVE,
        "EndpointConfigName": "orders-2024",
        "RetainAllVariantProperties": True,
    }


def test_the_first_deploy_has_nothing_that_would_change_the_endpoint(waiting: Resources) -> None:
    for kind in (
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
        "AWS::ApplicationAutoScaling::ScalableTarget",
    ):
        assert of_type(waiting, kind) == {}
    assert "Version" not in properties(waiting, "Custom::ReleaseSlots")
    assert properties(waiting, "Custom::VerifiedEndpoint")["EndpointConfigName"] == "orders-2024"


def test_the_guard_knows_what_is_adopted(waiting: Resources, released: Resources) -> None:
    said = [json.loads(properties(resources, "Custom::ReleaseSlots")["Adoption"]) for resources in (waiting, released)]
    assert said[0] == said[1] == {
        "variant": "AllTraffic",
        "version": "legacy",
        "config_name": "orders-2024",
        "logical_id": only(waiting, ENDPOINT)[0],
        "carried": [],
    }  # fmt: skip


def test_the_release_comes_to_the_same_endpoint(waiting: Resources, released: Resources) -> None:
    name, endpoint = only(released, ENDPOINT)
    assert name in waiting
    assert endpoint["Properties"]["EndpointName"] == LIVE
    config, _ = only(released, "AWS::SageMaker::EndpointConfig")
    assert {config, only(released, "Custom::ReleaseSlots")[0]} <= depends_on(released, name)


def test_permissions_name_the_endpoint_as_its_arn_does(released: Resources) -> None:
    named = {
        resource
        for statement in statements(released, "CanaryHandlersShiftTrafficRole")
        for resource in statement["Resource"]
        if ":endpoint/" in resource
    }
    assert {resource.rpartition("/")[2] for resource in named} == {LIVE.lower()}


@pytest.mark.parametrize("handler", ADOPTING)
def test_only_a_stack_that_adopts_may_do_what_that_takes(released: Resources, handler: str) -> None:
    def may(resources: Resources) -> set[str]:
        return {action for s in statements(resources, f"CanaryHandlers{handler}Role") for action in s["Action"]}

    needed = {action for permission in ADOPTION for action in permission.actions}
    assert may(released) - may(resources_of()) == needed - may(resources_of())
    assert needed <= may(released)


def kept(resources: Resources) -> set[str]:
    """Return the types of what stays when the construct is removed."""
    return {resource["Type"] for resource in resources.values() if resource.get("DeletionPolicy", "Delete") != "Delete"}


def test_an_adopted_endpoint_stays_with_all_that_it_needs_and_nothing_else(released: Resources) -> None:
    scaling = {"AWS::ApplicationAutoScaling::ScalableTarget"} & {resource["Type"] for resource in released.values()}
    assert kept(released) == SERVING | scaling
    policies = [p for p in of_type(released, "AWS::IAM::Policy").values() if "DeletionPolicy" in p]
    assert ["ModelRole" in str(policy["Properties"]["Roles"]) for policy in policies] == [True]
    assert properties(released, "Custom::ReleaseSlots")["Kept"] == "yes"


def test_what_a_failed_deploy_has_made_goes_again(released: Resources) -> None:
    assert {resource.get("DeletionPolicy") for resource in released.values()} == {
        None,
        "Delete",
        "RetainExceptOnCreate",
    }


def test_the_caller_says_whether_an_endpoint_stays() -> None:
    assert ENDPOINT in kept(resources_of(removal_policy=RemovalPolicy.RETAIN))
    assert ENDPOINT not in kept(resources_of(removal_policy=RemovalPolicy.DESTROY, adopt=ADOPT))


def test_an_endpoint_of_its_own_goes_with_its_stack() -> None:
    assert kept(resources_of()) & SERVING == set()


def refused(**props: Any) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the caller compares the sentence
        declare(stack(), **props)
    return str(caught.value)


def test_what_cannot_be_is_said_at_synth() -> None:
    assert refused(release=None) == "release must be given, unless adopt names a live endpoint"
    assert refused(endpoint_name=LIVE).startswith("endpoint_name must be 1 to 63 lower-case letters")
    assert refused(endpoint_name="a b", adopt=ADOPT).startswith("endpoint_name must be 1 to 63 letters")
    legacy = ModelRelease(version="legacy", image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1")
    assert refused(release=legacy, adopt=ADOPT).startswith("release and the adopted model must have different versions")
    assert refused(removal_policy=RemovalPolicy.SNAPSHOT) == "removal_policy must be DESTROY or RETAIN, got SNAPSHOT"
    with pytest.raises(ValueError, match="must be none of the construct's own, got 'variant-a'"):
        Adoption(endpoint_config_name="config", variant="variant-a")


def test_a_role_that_is_kept_later_stays_as_well() -> None:
    shop = stack()
    endpoint = CanaryEndpoint(
        shop, "Recommender", release=RELEASE, instance_type=INSTANCE_TYPE, endpoint_name=LIVE, adopt=ADOPT,
        role=declare(shop, "Other", endpoint_name="other").role,
    )  # fmt: skip
    endpoint.keep_role()
    roles = {
        name: role for name, role in of_type(rendered(shop), "AWS::IAM::Role").items() if "RecommenderModelRole" in name
    }
    assert [role["DeletionPolicy"] for role in roles.values()] == ["RetainExceptOnCreate"]
