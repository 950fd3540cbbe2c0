"""Nested stacks, which ministack cannot update by itself."""

import json
from typing import Any


def child(delay: int) -> dict[str, Any]:
    """The second queue reads an attribute of the first, which an update leaves alone."""
    first = {"Type": "AWS::SQS::Queue"}
    second = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": {"Fn::Sub": "${First.QueueName}-two"}, "DelaySeconds": delay},
    }
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["First", "QueueName"]}}}
    return {"Resources": {"First": first, "Second": second}, "Outputs": outputs}


def parent(playground: Any, name: str, delay: int) -> dict[str, Any]:
    s3 = playground.client("s3")
    s3.put_object(Bucket="templates", Key=f"{name}.json", Body=json.dumps(child(delay)))
    url = f"{playground.sandbox.endpoint_url}/templates/{name}.json"
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    return {"Resources": {"Child": nested}, "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}}}


def test_an_update_reads_attributes_of_resources_that_did_not_change(playground: Any) -> None:
    playground.client("s3").create_bucket(Bucket="templates")
    assert playground.deploy("outer", parent(playground, "one", 0)) == "CREATE_COMPLETE"
    before = playground.client("cloudformation").describe_stacks(StackName="outer")["Stacks"][0]["Outputs"]
    assert playground.deploy("outer", parent(playground, "two", 7), update=True) == "UPDATE_COMPLETE"
    assert playground.client("cloudformation").describe_stacks(StackName="outer")["Stacks"][0]["Outputs"] == before
