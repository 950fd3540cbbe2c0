"""A live endpoint that a stack takes over, as `cdk import` asks for it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.sagemaker_types import endpoint_import
from tests.sandbox.sagemaker.conftest import RunningSandbox

pytestmark = pytest.mark.xdist_group("sagemaker-sandbox")

LOGICAL_ID = "Endpoint"


def template(name: str, config: str) -> str:
    endpoint = {
        "Type": endpoint_import.ENDPOINT,
        "DeletionPolicy": "Retain",
        "Properties": {"EndpointName": name, "EndpointConfigName": config},
    }
    return json.dumps({"Resources": {LOGICAL_ID: endpoint}})


def asked(running: RunningSandbox, stack: str, arn: str, config: str) -> dict[str, Any]:
    """Make an import change set, and return it as it is described."""
    cloudformation = running.cloudformation
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=template(stack, config),
        ResourcesToImport=[
            {
                "ResourceType": endpoint_import.ENDPOINT,
                "LogicalResourceId": LOGICAL_ID,
                "ResourceIdentifier": {"EndpointArn": arn},
            }
        ],
    )
    described: dict[str, Any] = cloudformation.describe_change_set(StackName=stack, ChangeSetName="import")
    return described


def live(running: RunningSandbox, name: str) -> dict[str, Any]:
    running.add_model(f"{name}-model")
    running.serve(name, {"AllTraffic": (f"{name}-model", 1.0, 1)})
    return running.describe(name)


def test_a_stack_owns_an_imported_endpoint_that_stays_as_it_is(running: RunningSandbox) -> None:
    before = live(running, "Imported-Shop")
    change_set = asked(running, "Imported-Shop", before["EndpointArn"], before["EndpointConfigName"])
    assert change_set["ExecutionStatus"] == "AVAILABLE", change_set
    cloudformation = running.cloudformation
    cloudformation.execute_change_set(StackName="Imported-Shop", ChangeSetName="import")
    cloudformation.get_waiter("stack_import_complete").wait(StackName="Imported-Shop", WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resource(StackName="Imported-Shop", LogicalResourceId=LOGICAL_ID)
    assert found["StackResourceDetail"]["PhysicalResourceId"] == before["EndpointArn"]
    after = running.describe("Imported-Shop")
    assert after["LastModifiedTime"] == before["LastModifiedTime"]


def test_an_endpoint_that_is_not_there_is_not_imported(running: RunningSandbox) -> None:
    arn = live(running, "lone-shop")["EndpointArn"].replace("lone", "no")
    change_set = asked(running, "no-shop", arn, "any")
    assert change_set["Status"] == "FAILED"
    assert change_set["StatusReason"] == (
        f"Resource of type 'AWS::SageMaker::Endpoint' with identifier '{arn}' was not found."
    )


def test_where_aws_imports_no_endpoints_it_says_so(running: RunningSandbox) -> None:
    before, patches = live(running, "kept-shop"), Patches()
    endpoint_import.refuse(patches)
    try:
        with pytest.raises(ClientError, match=r"ResourceTypes \[AWS::SageMaker::Endpoint\] are not supported"):
            asked(running, "kept-shop", before["EndpointArn"], before["EndpointConfigName"])
    finally:
        patches.undo()


def test_the_summary_of_a_template_names_what_identifies_an_endpoint(running: RunningSandbox) -> None:
    summary = running.cloudformation.get_template_summary(TemplateBody=template("any-shop", "any"))
    assert summary["ResourceIdentifierSummaries"] == [
        {
            "ResourceType": endpoint_import.ENDPOINT,
            "LogicalResourceIds": [LOGICAL_ID],
            "ResourceIdentifiers": ["EndpointArn"],
        }
    ]
