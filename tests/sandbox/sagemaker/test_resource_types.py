"""A stack of the SageMaker resource types, deployed to the sandbox."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("sagemaker-sandbox")

RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def model(version: str) -> dict[str, Any]:
    container = {
        "Image": "ignored:1",
        "ModelDataUrl": "s3://models/good.tar.gz",
        "Environment": {"VERSION": version},
    }
    properties = {"ExecutionRoleArn": "arn:aws:iam::000000000000:role/execution", "PrimaryContainer": container}
    return {"Type": "AWS::SageMaker::Model", **RETAINED, "Properties": properties}


def variant(slot: str, weight: str) -> dict[str, Any]:
    return {
        "VariantName": f"variant-{slot}",
        "ModelName": {"Fn::GetAtt": [f"Model{slot.upper()}", "ModelName"]},
        "InitialInstanceCount": "1",
        "InitialVariantWeight": weight,
        "InstanceType": "ml.m5.xlarge",
    }


def template(stack: str, *, canary: str, floor: int = 1, tag: str = "one") -> str:
    resources = {
        "ModelA": model("v1"),
        "ModelB": model(canary),
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            **RETAINED,
            "Properties": {
                "ProductionVariants": [variant("a", "100.0"), variant("b", "0")],
                "Tags": [{"Key": "tag", "Value": tag}],
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": stack,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "RetainAllVariantProperties": True,
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": DIMENSION,
                "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/variant-a"},
                "MinCapacity": f"{floor}.0",
                "MaxCapacity": 4,
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "track",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": "600",
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
                },
            },
        },
    }
    outputs = {name: {"Value": {"Ref": name}} for name in ("Endpoint", "Target", "ModelB", "Config")}
    return json.dumps({"Resources": resources, "Outputs": outputs})


class Stack:
    def __init__(self, running: Any, name: str, body: str = "") -> None:
        self.running, self.name, self.cloudformation = running, name, running.cloudformation
        self.cloudformation.create_stack(StackName=name, TemplateBody=body or template(name, canary="v1"))
        assert self.settle() == "CREATE_COMPLETE"

    def update(self, **changes: Any) -> str:
        self.cloudformation.update_stack(StackName=self.name, TemplateBody=template(self.name, **changes))
        return self.settle()

    def settle(self) -> str:
        self.running.eventually(lambda: not self.describe()["StackStatus"].endswith("_IN_PROGRESS"))
        return str(self.describe()["StackStatus"])

    def describe(self) -> dict[str, Any]:
        described: dict[str, Any] = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return described

    def outputs(self) -> dict[str, str]:
        return {row["OutputKey"]: row["OutputValue"] for row in self.describe()["Outputs"]}

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return found

    def events(self) -> set[tuple[str, str]]:
        return {(row["LogicalResourceId"], row["ResourceStatus"]) for row in self.rows()}


def test_references_are_those_of_cloudformation(running: Any) -> None:
    outputs = Stack(running, "refs").outputs()
    assert outputs["Endpoint"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/refs"
    assert outputs["Target"] == f"endpoint/refs/variant/variant-a|{DIMENSION}|sagemaker"
    assert outputs["ModelB"].startswith("arn:aws:sagemaker:us-east-1:000000000000:model/refs-modelb-")


def test_a_new_release_replaces_model_and_config_and_keeps_live_weights(running: Any) -> None:
    stack = Stack(running, "release")
    before = stack.outputs()
    running.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="release",
        DesiredWeightsAndCapacities=[
            {"VariantName": "variant-a", "DesiredWeight": 40},
            {"VariantName": "variant-b", "DesiredWeight": 60},
        ],
    )
    running.settle("release")
    assert stack.update(canary="v2") == "UPDATE_COMPLETE"
    after = stack.outputs()
    assert before["ModelB"] != after["ModelB"]
    assert before["Config"] != after["Config"]
    described = running.describe("release")
    assert after["Config"].endswith(described["EndpointConfigName"].lower())
    assert [row["CurrentWeight"] for row in described["ProductionVariants"]] == [40, 60]
    answer = running.invoke("release", TargetVariant="variant-b")
    assert json.loads(answer["Body"].read()) == {"version": "v2"}
    assert {("ModelB", "DELETE_SKIPPED"), ("Config", "DELETE_SKIPPED")} <= stack.events()
    assert before["ModelB"] in {row["ModelArn"] for row in running.sagemaker.list_models()["Models"]}


def test_a_change_of_tags_replaces_nothing(running: Any) -> None:
    stack = Stack(running, "tags")
    before = stack.outputs()
    assert stack.update(canary="v1", tag="two") == "UPDATE_COMPLETE"
    assert stack.outputs() == before
    tags = running.sagemaker.list_tags(ResourceArn=before["Config"])["Tags"]
    assert {"Key": "tag", "Value": "two"} in tags
    assert {"Key": "aws:cloudformation:stack-name", "Value": "tags"} in tags


def test_a_tag_of_the_stack_reaches_every_resource_and_registers_the_targets_again(running: Any) -> None:
    """`cdk deploy --tags`: the template stays as it is."""
    stack = Stack(running, "stack-tags")
    target = {"ServiceNamespace": "sagemaker", "ScalableDimension": DIMENSION}
    variant_a = {**target, "ResourceId": "endpoint/stack-tags/variant/variant-a"}
    running.scaling.register_scalable_target(**variant_a, MinCapacity=2)
    running.settle("stack-tags")
    body = template("stack-tags", canary="v1")
    running.cloudformation.update_stack(
        StackName="stack-tags", TemplateBody=body, Tags=[{"Key": "team", "Value": "shop"}]
    )
    assert stack.settle() == "UPDATE_COMPLETE"
    (row,) = running.scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[variant_a["ResourceId"]]
    )["ScalableTargets"]
    assert row["MinCapacity"] == 1
    assert running.scaling.list_tags_for_resource(ResourceARN=row["ScalableTargetARN"])["Tags"]["team"] == "shop"
    for arn in (stack.outputs()[name] for name in ("Endpoint", "ModelB", "Config")):
        assert {"Key": "team", "Value": "shop"} in running.sagemaker.list_tags(ResourceArn=arn)["Tags"]


def test_a_target_whose_bounds_exclude_the_count_moves_it_at_once(running: Any) -> None:
    Stack(running, "bounds")
    variant_a = {"ServiceNamespace": "sagemaker", "ScalableDimension": DIMENSION}
    variant_a["ResourceId"] = "endpoint/bounds/variant/variant-a"
    for low, high, count in ((3, 4, 3), (1, 2, 2)):
        running.scaling.register_scalable_target(**variant_a, MinCapacity=low, MaxCapacity=high)
        assert running.settle("bounds")["ProductionVariants"][0]["CurrentInstanceCount"] == count


def test_a_higher_floor_raises_capacity(running: Any) -> None:
    stack = Stack(running, "floor")
    assert stack.update(canary="v1", floor=2) == "UPDATE_COMPLETE"
    assert running.settle("floor")["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_a_silently_failed_update_is_reported_as_success(running: Any) -> None:
    stack = Stack(running, "silent")
    before = running.describe("silent")["EndpointConfigName"]
    running.faults.fail_next_update("silent", "no luck")
    assert stack.update(canary="v2") == "UPDATE_COMPLETE"
    described = running.describe("silent")
    assert (described["EndpointConfigName"], described["FailureReason"]) == (before, "no luck")


def test_a_loudly_failed_update_rolls_the_stack_back(running: Any) -> None:
    stack = Stack(running, "loud")
    running.faults.fail_next_update("loud", "no luck", silent=False)
    assert stack.update(canary="v2").startswith("UPDATE_ROLLBACK")
    assert ("Endpoint", "UPDATE_FAILED") in stack.events()


def test_a_sibling_that_fails_during_an_update_leaves_the_stack_unable_to_go_back(running: Any) -> None:
    stack = Stack(running, "sibling")
    running.faults.fail_sibling("sibling")
    assert stack.update(canary="v2") == "UPDATE_ROLLBACK_FAILED"
    reasons = {row["ResourceStatusReason"] for row in stack.rows() if "ResourceStatusReason" in row}
    assert any(reason.startswith("Cannot update in-progress endpoint") for reason in reasons)
    running.settle("sibling")
    running.cloudformation.continue_update_rollback(StackName="sibling")
    assert stack.settle() == "UPDATE_ROLLBACK_COMPLETE"


def test_a_sibling_that_fails_during_the_first_deploy_leaves_the_endpoint_behind(running: Any) -> None:
    running.faults.fail_sibling("first")
    body = template("first", canary="v1")
    running.cloudformation.create_stack(StackName="first", TemplateBody=body)

    def status() -> str:
        return str(running.cloudformation.describe_stacks(StackName="first")["Stacks"][0]["StackStatus"])

    running.eventually(lambda: status() == "ROLLBACK_FAILED")
    running.settle("first")
    running.cloudformation.delete_stack(StackName="first")
    running.eventually(
        lambda: "first" not in {row["EndpointName"] for row in running.sagemaker.list_endpoints()["Endpoints"]}
    )


def in_a_vpc(name: str) -> str:
    """The template with its models in a security group of the stack."""
    made = json.loads(template(name, canary="v1"))
    made["Resources"]["Group"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "models"}}
    network = {"Subnets": ["subnet-1"], "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}]}
    for model in ("ModelA", "ModelB"):
        made["Resources"][model]["Properties"]["VpcConfig"] = network
    made["Outputs"]["Group"] = {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}}
    return json.dumps(made)


def test_the_interfaces_of_models_in_a_vpc_outlive_the_endpoint(running: Any) -> None:
    stack = Stack(running, "network", in_a_vpc("network"))
    ec2 = running.sandbox.client("ec2")
    filters = [{"Name": "group-id", "Values": [stack.outputs()["Group"]]}]

    def interfaces() -> list[Any]:
        found: list[Any] = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return found

    assert [row["SubnetId"] for row in interfaces()] == ["subnet-1"]
    assert (
        ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": ["sg-0"]}])["NetworkInterfaces"] == []
    )
    running.cloudformation.delete_stack(StackName="network")
    assert stack.settle() == "DELETE_FAILED"
    assert ("Group", "DELETE_FAILED") in stack.events()
    running.eventually(lambda: not interfaces())
    running.cloudformation.delete_stack(StackName="network")


def test_an_endpoint_that_cannot_be_created_is_not_left_behind(running: Any) -> None:
    body = template("stillborn", canary="v1").replace("good.tar.gz", "broken.tar.gz")
    running.cloudformation.create_stack(StackName="stillborn", TemplateBody=body)

    def status() -> str:
        return str(running.cloudformation.describe_stacks(StackName="stillborn")["Stacks"][0]["StackStatus"])

    running.eventually(lambda: status() == "ROLLBACK_COMPLETE")
    names = {row["EndpointName"] for row in running.sagemaker.list_endpoints()["Endpoints"]}
    assert "stillborn" not in names


def test_deleting_the_stack_deletes_the_endpoint_and_keeps_retained_records(running: Any) -> None:
    stack = Stack(running, "gone")
    kept = stack.outputs()["ModelB"]
    running.cloudformation.delete_stack(StackName="gone")
    running.eventually(
        lambda: "gone" not in {row["EndpointName"] for row in running.sagemaker.list_endpoints()["Endpoints"]}
    )
    assert kept in {row["ModelArn"] for row in running.sagemaker.list_models()["Models"]}
    targets = running.scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=["endpoint/gone/variant/variant-a"]
    )
    assert targets["ScalableTargets"] == []
