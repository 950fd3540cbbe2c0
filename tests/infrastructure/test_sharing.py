"""Several endpoints: in one stack, in two, in a nested one."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnWaitConditionHandle, NestedStack, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match, Template

from canary_construct import CanaryEndpoint
from canary_construct.permissions.by_handler import ENDPOINT_POLICIES, PERMISSIONS
from canary_tools.sandbox.iam.policy_sizes import characters
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

SHARED = (
    "AWS::Lambda::Function",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::DynamoDB::Table",
)
PER_ENDPOINT = 20
MAX_RESOURCES = 500
TEMPLATE_BYTES = 1_000_000
"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


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


def characters_by_role(resources: Resources) -> dict[str, int]:
    """The characters of all inline policies of each role, with every reference as long as a long ARN."""
    sizes: dict[str, int] = defaultdict(int)
    for policy in of_type(resources, "AWS::IAM::Policy").values():
        document = concrete(policy["Properties"]["PolicyDocument"])
        for role in policy["Properties"]["Roles"]:
            sizes[text(role)] += characters(document)
    return sizes


def concrete(value: Any) -> Any:
    """Return a value with every reference in a length that AWS's longest names have."""
    match value:
        case {"Ref": "AWS::Partition" | "AWS::Region" | "AWS::AccountId"}:
            return "ap-northeast-1"
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return "x" * 120
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(concrete, parts))
        case dict():
            return {key: concrete(inner) for key, inner in value.items()}
        case list():
            return [concrete(inner) for inner in value]
        case _:
            return value


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


def test_fifteen_endpoints_fit_into_a_stack(tmp_path: Path) -> None:
    stack = Stack(App(outdir=str(tmp_path)), "Many")
    for number in range(15):
        endpoint(stack, f"Endpoint{number}")
    template = Template.from_stack(stack).to_json()
    assert len(template["Resources"]) < MAX_RESOURCES
    assert (tmp_path / stack.template_file).stat().st_size < TEMPLATE_BYTES
    assert {role for role, size in characters_by_role(template["Resources"]).items() if size > 7000} == set()


def test_synth_warns_of_a_template_that_is_larger_than_cloudformation_takes() -> None:
    stack = Stack(App(), "Large")
    endpoint(stack, "Endpoint")
    CfnWaitConditionHandle(stack, "Padding").add_metadata("Padding", "x" * TEMPLATE_BYTES)
    said = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("Template size exceeds limit: "))
    assert [f"/{TEMPLATE_BYTES}. Split resources into multiple stacks" in str(one.entry.data) for one in said] == [True]


def test_policies_that_would_not_fit_into_a_role_are_refused_with_a_sentence() -> None:
    stack = Stack(App(), "Crowd")
    children = endpoint(stack, "Endpoint").node.children
    policy = next(child for child in children if child.node.id.startswith("WeightsPolicy"))
    assert isinstance(policy, iam.Policy)
    wide = [f"arn:aws:s3:::{'b' * 50}/{number:03}" for number in range(150)]
    policy.add_statements(iam.PolicyStatement(actions=["s3:GetObject"], resources=wide))
    with pytest.raises(RuntimeError) as refusal:
        rendered(stack)
    refused = re.findall(
        r"\] a role takes 10240 characters of policies, (\w+) would have 1\d{4}: (.*)", str(refusal.value)
    )
    assert {handler for handler, _ in refused} == set(ENDPOINT_POLICIES["Weights"].handlers)
    assert {advice for _, advice in refused} == {
        "put some of the stack's endpoints into another stack, or give them shorter names"
    }


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
