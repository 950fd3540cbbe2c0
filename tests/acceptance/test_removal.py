"""What a run made is found by the names that services list, and is removed whatever the stack is doing."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.acceptance import cdk
from canary_tools.acceptance.declaration import STACK_NAME
from canary_tools.acceptance.removal import Removal, endpoints_of_earlier_runs
from canary_tools.acceptance.stack import Stack
from canary_tools.acceptance.undoing import Undoing

ENDPOINT = "canary-acceptance-20261128-120000"
ARN = "arn:aws:sagemaker:eu-west-1:210987654321:model/"


class Service:
    """A boto3 client that lists rows of one page, and notes every other call."""

    def __init__(self, listings: dict[str, dict[str, Any]], calls: list[str]) -> None:
        self._listings = listings
        self._calls = calls

    def can_paginate(self, _operation: str) -> bool:
        return True

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [self._listings.get(operation, NOTHING)])

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda **arguments: self._calls.append(f"{name} {' '.join(map(str, arguments.values()))}")


NOTHING: dict[str, Any] = {
    "ResourceTagMappingList": [],
    "Models": [],
    "EndpointConfigs": [],
    "logGroups": [],
}


def removal(listings: dict[str, dict[str, Any]], calls: list[str], *, stack: Any = None) -> Removal:
    pace = SimpleNamespace(settle=0.0, look_again=0.0)
    account = SimpleNamespace(make_client=lambda _: Service(listings, calls), pace=pace)
    staging = SimpleNamespace(remove=lambda: calls.append("staged files"), left=list)
    usual = SimpleNamespace(delete=lambda: calls.append("stack"), staging=staging)
    return Removal(account, usual if stack is None else stack, ENDPOINT)


TAGGED = {
    "get_resources": {"ResourceTagMappingList": [{"ResourceARN": f"{ARN}mixedcase"}, {"ResourceARN": f"{ARN}gone"}]},
    "list_models": {
        "Models": [
            {"ModelName": "MixedCase", "ModelArn": f"{ARN}mixedcase"},
            {"ModelName": "another", "ModelArn": f"{ARN}another"},
        ]
    },
}


def test_a_tagged_model_is_removed_by_the_name_that_sagemaker_lists() -> None:
    calls: list[str] = []
    assert removal(TAGGED, calls).run(Undoing()) == []
    assert [call for call in calls if call.startswith("delete_model")] == ["delete_model MixedCase"]


def test_the_stack_goes_first_and_its_files_last() -> None:
    calls: list[str] = []
    removal({}, calls).run(Undoing())
    assert calls == ["stack", f"delete_endpoint {ENDPOINT}", "staged files"]


def test_what_cannot_be_removed_is_named_and_the_rest_goes() -> None:
    def denied() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DeleteStack")

    calls: list[str] = []
    staging = SimpleNamespace(remove=lambda: calls.append("staged files"))
    (failure,) = removal({}, calls, stack=SimpleNamespace(delete=denied, staging=staging)).run(Undoing())
    assert failure.startswith(f"the stack {STACK_NAME}: ")
    assert "staged files" in calls


def test_what_is_named_after_the_stack_or_the_endpoint_is_left() -> None:
    log = f"/aws/sagemaker/Endpoints/{ENDPOINT}"
    listings = {
        **TAGGED,
        "list_roles": {"Roles": [{"RoleName": f"{STACK_NAME}-Role"}, {"RoleName": "Admin"}]},
        "list_tables": {"TableNames": [f"{STACK_NAME}-Ledger", "orders"]},
        "describe_log_groups": {"logGroups": [{"logGroupName": log}]},
    }
    left = removal(listings, [])
    expected = [f"{STACK_NAME}-Ledger", f"{STACK_NAME}-Role", "MixedCase"]
    assert left.left_by_the_stack() == sorted(expected)
    assert left.left() == sorted([*expected, log])


def test_what_may_not_be_listed_is_not_taken_for_nothing() -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "ListRoles")

    services = removal({}, [])
    usual = services._account.make_client
    no_iam = SimpleNamespace(can_paginate=lambda _: False, list_roles=refused)
    services._account.make_client = lambda name: no_iam if name == "iam" else usual(name)
    (left,) = services.left()
    assert left.startswith("what list_roles would list: ")


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        ({"EndpointName": "canary-acceptance-2"}, ["canary-acceptance-1", "canary-acceptance-2"]),
        ({}, ["canary-acceptance-1", "canary-acceptance-none"]),
    ],
)
def test_earlier_runs_are_found_by_the_stack_and_by_their_logs(outputs: dict[str, str], names: list[str]) -> None:
    groups = {"describe_log_groups": {"logGroups": [{"logGroupName": "/aws/sagemaker/Endpoints/canary-acceptance-1"}]}}
    account = SimpleNamespace(make_client=lambda _: Service(groups, []))
    assert endpoints_of_earlier_runs(account, SimpleNamespace(outputs=lambda: outputs)) == names


class CloudFormation:
    """A stack whose status moves on with every look; `after_delete`: what each deletion leads to."""

    def __init__(self, statuses: list[str], after_delete: list[str]) -> None:
        self.statuses = statuses
        self.after_delete = after_delete
        self.deletions = 0

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert StackName in {STACK_NAME, "the-id"}
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if not status:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "it does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": status, "StackId": "the-id"}]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803 - boto3's names
        assert StackName == "the-id"
        self.deletions += 1
        self.statuses = ["DELETE_IN_PROGRESS", self.after_delete.pop(0)]


@pytest.mark.parametrize(
    ("statuses", "after_delete", "deletions"),
    [
        ([""], [], 0),
        (["CREATE_COMPLETE"], ["DELETE_COMPLETE"], 1),
        (["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"], ["DELETE_COMPLETE"], 1),
        (["REVIEW_IN_PROGRESS"], ["DELETE_COMPLETE"], 1),
        (["CREATE_COMPLETE"], ["DELETE_FAILED", "DELETE_COMPLETE"], 2),
    ],
)
def test_a_stack_is_deleted_once_it_does_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, statuses: list[str], after_delete: list[str], deletions: int
) -> None:
    monkeypatch.setattr(cdk.shutil, "which", lambda *_, **__: "cdk")
    cloudformation = CloudFormation(statuses, after_delete)
    pace = SimpleNamespace(deploy=5.0, look_again=0.0)
    account = SimpleNamespace(
        make_client=lambda _: cloudformation, pace=pace, environment={}, number="1", region="eu-west-1"
    )
    stack = Stack(account, tmp_path)
    stack.delete()
    assert cloudformation.deletions == deletions
    assert stack.status() == ""
