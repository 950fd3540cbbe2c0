"""The policies of each handler as the library synthesises them, with the names of `tests.lambdas.fakes` filled in."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from canary_construct import CanaryEndpoint, EndpointApi, ModelRelease, SmokeTest
from tests.lambdas.fakes.boto_clients import ACCOUNT, REGION
from tests.lambdas.fakes.settings import ENDPOINT, REST_API
from tests.lambdas.fakes.stack import STACK_ID

Statement = dict[str, Any]
Policies = dict[str, list[Statement]]
"""The statements of each handler's role, by handler."""

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackId": STACK_ID}
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/ranker/1"
STREAM = "/stream/2026-11-29T00:00:00.000"
LOG_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:handlers:*"


def policies(table: str, *endpoints: str) -> Policies:
    """Return what each handler may do in a stack with these endpoints (default: the one of the tests)."""
    resources = _synthesised(endpoints or (ENDPOINT,))
    arns = {name: _arn(resource, table) for name, resource in resources.items()}
    found: Policies = {}
    for function in _of_type(resources, "AWS::Lambda::Function").values():
        module = function["Properties"]["Handler"].split(".")[-2]
        role = function["Properties"]["Role"]["Fn::GetAtt"][0]
        found[handler_name(module)] = [_concrete(s, arns) for s in _statements(resources, role)]
    return found


def without(given: Policies, handler: str, action: str) -> Policies:
    """Return the policies with one action taken from one handler."""
    left = [{**s, "Action": [a for a in listed(s["Action"]) if a != action]} for s in given[handler]]
    return {**given, handler: [statement for statement in left if statement["Action"]]}


def handler_name(module: str) -> str:
    """Return the name of a handler in the construct.

    >>> handler_name("scale_canary")
    'ScaleCanary'
    """
    return "".join(word.capitalize() for word in module.split("_"))


def listed(value: Any) -> list[str]:
    """Return what IAM takes as one text or many."""
    return value if isinstance(value, list) else [value]


@cache
def _synthesised(endpoints: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    stack = Stack(App(), "Shop")
    for name in endpoints:
        endpoint = CanaryEndpoint(
            stack,
            name.title(),
            release=ModelRelease.from_model_package(version="v1", arn=PACKAGE),
            instance_type="ml.m5.xlarge",
            endpoint_name=name,
            smoke_test=SmokeTest(payloads=["{}"]),
        )
        EndpointApi(stack, f"{name.title()}Api", endpoint=endpoint)
    resources: dict[str, dict[str, Any]] = Template.from_stack(stack).to_json()["Resources"]
    return resources


def _statements(resources: Mapping[str, Any], role: str) -> list[Statement]:
    properties = resources[role]["Properties"]
    assert not properties.keys() & {"ManagedPolicyArns", "Policies"}, f"{role} has policies that are not read here"
    return [
        statement
        for policy in _of_type(resources, "AWS::IAM::Policy").values()
        if {"Ref": role} in policy["Properties"].get("Roles", [])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def _of_type(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def _arn(resource: Mapping[str, Any], table: str) -> str:
    """Return what statements call a resource by: an ARN, but for the REST API of the tests its ID."""
    arns = {
        "AWS::ApiGateway::RestApi": REST_API,
        "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}",
        "AWS::Logs::LogGroup": LOG_GROUP,
    }
    return arns.get(resource["Type"], "")


def _concrete(value: Any, arns: Mapping[str, str]) -> Any:
    """Return a value of the template as CloudFormation would hand it to IAM."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_concrete(part, arns) for part in parts)
        case {"Ref": name}:
            return PSEUDO.get(name) or arns[name]
        case {"Fn::GetAtt": [name, "Arn" | "StreamArn" as attribute]} if arns[name]:
            return arns[name] + (STREAM if attribute == "StreamArn" else "")
        case dict():
            assert not any(key.startswith("Fn::") for key in value), f"{value} is not understood here"
            return {key: _concrete(inner, arns) for key, inner in value.items()}
        case list():
            return [_concrete(inner, arns) for inner in value]
        case _:
            return value
