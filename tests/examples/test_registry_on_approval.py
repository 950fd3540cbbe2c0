"""The example that deploys what is approved in the model registry."""

import json
from typing import Any

import boto3
import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from examples.registry_on_approval import deploy_approved
from examples.registry_on_approval.app import RankerStack
from tests.infrastructure.synthesis import Resources, named, of_type, properties, statements

pytestmark = pytest.mark.xdist_group("guards")

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/"


class Account:
    """The stack and the registry, as the function sees them."""

    def __init__(self, *, deployed: int, approved: int | None, status: str = "UPDATE_COMPLETE") -> None:
        parameters = [("Package", f"{ARN}{deployed}"), ("BootstrapVersion", "/cdk/version")]
        rows = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters]
        self._stack = {"StackStatus": status, "Parameters": rows}
        self._approved = [] if approved is None else [{"ModelPackageArn": f"{ARN}{approved}"}]
        self.updates: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}

    def describe_stacks(self, **_request: str) -> dict[str, Any]:
        return {"Stacks": [self._stack]}

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        return {"ModelPackageSummaryList": self._approved}

    def update_stack(self, **request: Any) -> None:
        self.updates.append(request)


def called(monkeypatch: pytest.MonkeyPatch, account: Account) -> Account:
    for name, value in {"STACK": "Ranker", "GROUP": "ranker", "PARAMETER": "Package"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "client", lambda _service: account)
    deploy_approved.handler({"detail": {"ModelPackageArn": "of an event that came late"}}, None)
    return account


def test_the_newest_approved_version_is_deployed_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    account = called(monkeypatch, Account(deployed=9, approved=10))
    (update,) = account.updates
    assert (update["StackName"], update["UsePreviousTemplate"]) == ("Ranker", True)
    assert update["Parameters"] == [
        {"ParameterKey": "Package", "ParameterValue": f"{ARN}10"},
        {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
    ]
    wanted = {"ModelPackageGroupName": "ranker", "ModelApprovalStatus": "Approved", "SortOrder": "Descending"}
    assert wanted.items() <= account.asked.items()


@pytest.mark.parametrize(
    ("approved", "status"),
    [(9, "UPDATE_COMPLETE"), (8, "UPDATE_COMPLETE"), (None, "UPDATE_COMPLETE"), (10, "UPDATE_IN_PROGRESS")],
    ids=["deployed already", "older", "none", "a deploy runs"],
)
def test_without_a_newer_version_or_while_the_stack_changes_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, approved: int | None, status: str
) -> None:
    assert called(monkeypatch, Account(deployed=9, approved=approved, status=status)).updates == []


@pytest.fixture(scope="module")
def resources() -> Resources:
    found: Resources = Template.from_stack(RankerStack(App(), "Ranker")).to_json()["Resources"]
    return found


def test_the_release_is_what_the_parameter_says_and_its_number_is_the_label(resources: Resources) -> None:
    guard = properties(resources, "Custom::ReleaseSlots")
    assert guard["ModelPackage"] == {"Ref": "PackageArn"}
    assert guard["Version"] == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "PackageArn"}]}]}


def test_approvals_and_the_clock_call_the_function(resources: Resources) -> None:
    rules = [rule["Properties"] for name, rule in of_type(resources, "AWS::Events::Rule").items() if "Registry" in name]
    assert sorted("EventPattern" in rule for rule in rules) == [False, True]
    assert all("Deployer" in json.dumps(rule["Targets"]) for rule in rules)


def test_the_function_may_update_its_stack_and_list_its_group_and_nothing_else(resources: Resources) -> None:
    allowed = {action: s["Resource"] for s in statements(resources, "RegistryDeployer") for action in s["Action"]}
    group = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:model-package-group/ranker"
    assert allowed == {
        "cloudformation:DescribeStacks": ["<AWS::StackId>"],
        "cloudformation:UpdateStack": ["<AWS::StackId>"],
        "sagemaker:ListModelPackages": [group],
    }
    variables = named(resources, "RegistryDeployer", "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables == {"STACK": {"Ref": "AWS::StackId"}, "GROUP": "ranker", "PARAMETER": "PackageArn"}
