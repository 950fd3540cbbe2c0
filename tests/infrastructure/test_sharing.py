"""Several endpoints: in one stack, in two, in a nested one."""

import json

import pytest
from aws_cdk import App, NestedStack, Stack
from aws_cdk.assertions import Template

from canary_construct import CanaryEndpoint
from canary_construct.permissions.by_handler import PERMISSIONS
from tests.infrastructure.synthesis import (
    INSTANCE_TYPE,
    RELEASE,
    Resources,
    named,
    of_type,
    only,
    rendered,
    statements,
    text,
)

pytestmark = pytest.mark.xdist_group("graph")

SHARED = ("AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::Lambda::EventInvokeConfig")
PER_ENDPOINT = 40
MAX_ROLE_POLICY_BYTES = 10_240
"""Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def endpoint(scope: Stack, construct_id: str) -> CanaryEndpoint:
    return CanaryEndpoint(scope, construct_id, release=RELEASE, instance_type=INSTANCE_TYPE)


@pytest.fixture(scope="module")
def stacks() -> dict[str, Stack]:
    """One app: a stack with one endpoint, one with two, and one with an endpoint in a nested stack."""
    app = App()
    found = {name: Stack(app, name) for name in ("One", "Two", "Outer")}
    endpoint(found["One"], "First")
    endpoint(found["Two"], "First")
    endpoint(found["Two"], "Second")
    found["Inner"] = NestedStack(found["Outer"], "Inner")
    endpoint(found["Inner"], "Ranker")
    return found


@pytest.fixture(scope="module")
def one(stacks: dict[str, Stack]) -> Resources:
    return rendered(stacks["One"])


@pytest.fixture(scope="module")
def two(stacks: dict[str, Stack]) -> Resources:
    return rendered(stacks["Two"])


@pytest.fixture(scope="module")
def outer(stacks: dict[str, Stack]) -> Resources:
    return rendered(stacks["Outer"])


@pytest.fixture(scope="module")
def inner(stacks: dict[str, Stack]) -> Resources:
    return rendered(stacks["Inner"])


def names(resources: Resources) -> list[str]:
    endpoints = of_type(resources, "AWS::SageMaker::Endpoint").values()
    return [one["Properties"]["EndpointName"] for one in endpoints]


@pytest.mark.parametrize("kind", SHARED)
def test_endpoints_of_a_stack_share_handlers_and_ledger(one: Resources, two: Resources, kind: str) -> None:
    assert len(of_type(two, kind)) == len(of_type(one, kind))


def test_a_second_endpoint_adds_what_is_its_own(one: Resources, two: Resources) -> None:
    assert len(two) - len(one) == PER_ENDPOINT


def test_a_handler_may_act_for_each_endpoint_of_its_stack(two: Resources) -> None:
    lowering = [s for s in statements(two, "PanicRole") if "UpdateEndpointWeights" in str(s["Action"])]
    assert {arn.rsplit("/", 1)[1] for s in lowering for arn in s["Resource"]} == set(names(two))


def test_six_endpoints_fit_into_a_stack() -> None:
    stack = Stack(App(), "Many")
    for number in range(6):
        endpoint(stack, f"Endpoint{number}")
    template = Template.from_stack(stack).to_json()
    policies = of_type(template["Resources"], "AWS::IAM::Policy").values()
    sizes = [len(text(json.dumps(p["Properties"]["PolicyDocument"], separators=(",", ":")))) for p in policies]
    assert len(template["Resources"]) < 500
    assert len(json.dumps(template)) < 1024 * 1024
    assert max(sizes) < MAX_ROLE_POLICY_BYTES


def test_endpoints_have_different_names_wherever_they_are(one: Resources, two: Resources, inner: Resources) -> None:
    found = [*names(one), *names(two), *names(inner)]
    assert len(set(found)) == 4


@pytest.mark.parametrize("stack", ["one", "two", "inner"])
def test_every_stack_has_one_ledger_and_one_set_of_handlers(stack: str, request: pytest.FixtureRequest) -> None:
    resources = request.getfixturevalue(stack)
    assert len(of_type(resources, "AWS::DynamoDB::Table")) == 1
    assert len(of_type(resources, "AWS::Lambda::Function")) == len(PERMISSIONS)


def test_a_nested_endpoint_is_named_after_the_stack_that_is_deployed(inner: Resources) -> None:
    (name,) = names(inner)
    assert name.startswith("outer-")


def test_a_nested_endpoint_is_settled_by_the_stack_that_is_deployed(outer: Resources, inner: Resources) -> None:
    _, stack = only(outer, "AWS::CloudFormation::Stack")
    (listened,) = named(inner, "StackSettled", "AWS::Events::Rule")["EventPattern"]["detail"]["stack-id"]
    assert stack["Properties"]["Parameters"][listened["Ref"]] == {"Ref": "AWS::StackId"}


def test_a_nested_endpoints_handlers_may_read_both_stacks(inner: Resources) -> None:
    (reading,) = [s for s in statements(inner, "SettleRole") if s["Action"] == ["cloudformation:DescribeStacks"]]
    assert "<AWS::StackId>" in reading["Resource"]
    assert len(reading["Resource"]) == 2
