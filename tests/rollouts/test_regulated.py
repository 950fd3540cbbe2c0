"""The example for regulated data in the local AWS: its network, its keys and its endpoint, made and deleted."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from aws_cdk import App, DefaultStackSynthesizer

from examples.vpc_kms_isolated.app import MODELS, RegulatedStack
from tests.rollouts.conftest import SideBySide
from tests.rollouts.declaring import MODEL, assets_of
from tests.rollouts.kernel import KERNEL
from tests.rollouts.stage import BUCKET, Stage, eventually

VERSION = "2026-11-29"
UNKNOWN_HERE = {"AWS::EC2::FlowLog"}
"""Types that the local AWS does not make. Nothing refers to them."""


def _archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(MODEL, arcname=".")
    return packed.getvalue()


def _template(folder: Path) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((folder / "Regulated.template.json").read_text(encoding="utf-8"))
    kept = {name: one for name, one in template["Resources"].items() if one["Type"] not in UNKNOWN_HERE}
    return {**template, "Resources": kept}


def _publish(stage: Stage, folder: Path) -> str:
    """Put the model into its bucket and the stack into the bucket of assets; return the template's URL."""
    with KERNEL:
        app = App(outdir=str(folder), analytics_reporting=False)
        synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        RegulatedStack(app, "Regulated", version=VERSION, synthesizer=synthesizer)
        app.synth()
    s3 = stage.client("s3")
    s3.create_bucket(Bucket=MODELS)
    s3.put_object(Bucket=MODELS, Key=f"ranker/{VERSION}/model.tar.gz", Body=_archive())
    for asset in assets_of(folder, json.loads((folder / "Regulated.assets.json").read_text(encoding="utf-8"))):
        stage.upload(asset)
    s3.put_object(Bucket=BUCKET, Key="regulated.json", Body=json.dumps(_template(folder)).encode())
    return f"{stage.sandbox.endpoint_url}/{BUCKET}/regulated.json"


def _ended(cloudformation: Any, stack_id: str) -> str:
    status: str = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
    return "" if status.endswith("IN_PROGRESS") else status


def _endpoint_of(cloudformation: Any, stack_id: str) -> str:
    resources = cloudformation.describe_stack_resources(StackName=stack_id)["StackResources"]
    (endpoint,) = [one["PhysicalResourceId"] for one in resources if one["ResourceType"] == "AWS::SageMaker::Endpoint"]
    return str(endpoint).rpartition("/")[2]


def test_the_regulated_example_serves_and_goes_away_again(side_by_side: SideBySide, tmp_path: Path) -> None:
    stage = side_by_side.stage
    url = _publish(stage, tmp_path)
    cloudformation = stage.client("cloudformation")
    stack_id = cloudformation.create_stack(
        StackName="Regulated", TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"]
    )["StackId"]
    status = eventually(lambda: _ended(cloudformation, stack_id), what="the end of the deploy")
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    assert status == "CREATE_COMPLETE", [
        one.get("ResourceStatusReason") for one in events if one["ResourceStatus"].endswith("FAILED")
    ]

    endpoint = _endpoint_of(cloudformation, stack_id)
    described = stage.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    answer = stage.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=b'{"user": 1}', ContentType="application/json"
    )
    assert answer["InvokedProductionVariant"] == "variant-a"

    cloudformation.delete_stack(StackName=stack_id)
    status = eventually(lambda: _ended(cloudformation, stack_id), what="the end of the deletion")
    assert status == "DELETE_COMPLETE"
