"""API Gateway refuses logs of a stage while its account has no role for them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from canary_tools.sandbox.server import Sandbox
from tests.sandbox.platform.conftest import eventually

ROLE = "arn:aws:iam::000000000000:role/logs"
API = {
    "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "shop"}},
    "Method": {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": {"Ref": "Api"}, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "HttpMethod": "GET",
            "AuthorizationType": "NONE", "Integration": {"Type": "MOCK"},
        },
    },
    "Deployment": {
        "Type": "AWS::ApiGateway::Deployment", "DependsOn": ["Method"], "Properties": {"RestApiId": {"Ref": "Api"}}
    },
}  # fmt: skip
PLACE: dict[str, Any] = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}
LOGGED: list[dict[str, Any]] = [
    {
        "AccessLogSetting": {
            "DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:shop",
            "Format": "$context",
        }
    },
    {"MethodSettings": [{"HttpMethod": "*", "ResourcePath": "/*", "LoggingLevel": "ERROR"}]},
]
"""A stage with an access log, and one whose methods log their errors."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def deployed(sandbox: Sandbox, logged: dict[str, Any]) -> tuple[str, str]:
    """Deploy a stage; return how that ended, and what CloudFormation says of the stage."""
    cloudformation = sandbox.client("cloudformation")
    stage = {"Type": "AWS::ApiGateway::Stage", "Properties": {**PLACE, **logged}}
    body = json.dumps({"Resources": {**API, "Stage": stage}})
    cloudformation.create_stack(StackName="Shop", TemplateBody=body)

    def ended() -> str:
        status: str = cloudformation.describe_stacks(StackName="Shop")["Stacks"][0]["StackStatus"]
        return "" if status.endswith("IN_PROGRESS") else status

    status = eventually(ended)
    events = cloudformation.describe_stack_events(StackName="Shop")["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    return status, " ".join(event.get("ResourceStatusReason", "") for event in failed)


@pytest.mark.parametrize("logged", LOGGED)
def test_a_stage_with_logs_is_refused_without_the_accounts_role(sandbox: Sandbox, logged: dict[str, Any]) -> None:
    status, reason = deployed(sandbox, logged)
    assert status == "ROLLBACK_COMPLETE"
    assert "CloudWatch Logs role ARN must be set in account settings to enable logging" in reason


@pytest.mark.parametrize("logged", LOGGED)
def test_a_stage_with_logs_is_taken_with_the_accounts_role(sandbox: Sandbox, logged: dict[str, Any]) -> None:
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": ROLE}
    sandbox.client("apigateway").update_account(patchOperations=[role])
    assert deployed(sandbox, logged) == ("CREATE_COMPLETE", "")


def test_a_stage_without_logs_needs_no_role(sandbox: Sandbox) -> None:
    assert deployed(sandbox, {}) == ("CREATE_COMPLETE", "")
