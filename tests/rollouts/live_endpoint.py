"""An endpoint that a team made with boto3, long before it had a stack: one variant, scaled, with a mixed-case name."""

import json
from typing import Any

from canary_construct import Adoption
from canary_construct.hosting.model_archive import packed
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID
from canary_tools.sandbox.sagemaker_types.endpoint_import import ENDPOINT
from tests.rollouts.declaring import IMAGE, MODEL, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.stage import eventually

VARIANT = "AllTraffic"
LEAST, MOST, FIRST = 2, 6, 2
POLICY = {
    "TargetValue": 100_000.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}
"""So many invocations that nothing scales out in a test."""


def made_by_hand(shop: DeployedShop) -> Adoption:
    """Make the endpoint with everything that it needs, and wait until it serves."""
    name, sagemaker = shop.name, shop.stage.client("sagemaker")
    sagemaker.create_model(
        ModelName=f"{name}-model",
        ExecutionRoleArn=_role(shop),
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": _archive(shop), "Environment": {"VERSION": "legacy"}},
    )
    variant = {
        "VariantName": VARIANT,
        "ModelName": f"{name}-model",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": FIRST,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=f"{name}-config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
    eventually(lambda: described(shop)["EndpointStatus"] == "InService", what="a live endpoint")
    scaling, of = shop.stage.client("application-autoscaling"), _scaled(name)
    scaling.register_scalable_target(**of, MinCapacity=LEAST, MaxCapacity=MOST)
    scaling.put_scaling_policy(
        **of,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=POLICY,
    )
    return Adoption(endpoint_config_name=f"{name}-config")


def imported(shop: DeployedShop, adopt: Adoption) -> None:
    """Take the endpoint into a new stack, as `cdk import` does."""
    cloudformation, declaration = shop.stage.client("cloudformation"), Declaration(version="", adopt=adopt, bare=True)
    template = json.loads(shop.stage.template(declaration, shop.name))
    (logical_id,) = [name for name, resource in template["Resources"].items() if resource["Type"] == ENDPOINT]
    only_it = {"Resources": {logical_id: template["Resources"][logical_id]}}
    shop.stack_id = cloudformation.create_change_set(
        StackName=shop.name,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(only_it),
        ResourcesToImport=[
            {
                "ResourceType": ENDPOINT,
                "LogicalResourceId": logical_id,
                "ResourceIdentifier": {"EndpointArn": described(shop)["EndpointArn"]},
            }
        ],
    )["StackId"]
    cloudformation.execute_change_set(StackName=shop.name, ChangeSetName="import")
    eventually(lambda: _status(shop) == "IMPORT_COMPLETE", what="the import", otherwise=lambda: _status(shop))


def described(shop: DeployedShop) -> dict[str, Any]:
    """Describe the endpoint."""
    found: dict[str, Any] = shop.stage.client("sagemaker").describe_endpoint(EndpointName=shop.name)
    return found


def scaling_of_the_variant(shop: DeployedShop) -> dict[str, Any]:
    """Return bounds, suspension and policies of the live variant; nothing when it is not scaled."""
    scaling, of = shop.stage.client("application-autoscaling"), _scaled(shop.name)
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[of["ResourceId"]])
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=of["ResourceId"])
    return {
        "bounds": [(target["MinCapacity"], target["MaxCapacity"]) for target in targets["ScalableTargets"]],
        "suspended": any(any(target["SuspendedState"].values()) for target in targets["ScalableTargets"]),
        "policies": [
            (policy["PolicyName"], policy["TargetTrackingScalingPolicyConfiguration"])
            for policy in policies["ScalingPolicies"]
        ],
    }


def _scaled(name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _status(shop: DeployedShop) -> str:
    stack = shop.stage.client("cloudformation").describe_stacks(StackName=shop.stack_id)["Stacks"][0]
    status: str = stack["StackStatus"]
    return status


def _archive(shop: DeployedShop) -> str:
    s3, bucket = shop.stage.client("s3"), f"{shop.name.lower()}-models"
    s3.create_bucket(Bucket=bucket)
    with packed(str(MODEL)) as archive:
        s3.put_object(Bucket=bucket, Key="legacy.tar.gz", Body=archive.read_bytes())
    return f"s3://{bucket}/legacy.tar.gz"


def _role(shop: DeployedShop) -> str:
    iam, name = shop.stage.client("iam"), f"{shop.name}-models"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    iam.put_role_policy(RoleName=name, PolicyName="Read", PolicyDocument=policy)
    return f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"
