"""The examples in the local AWS: `python -m tests.rollouts.examples` deploys each, and prints how the deploys ended.

What an example takes for granted is made before it: models in their buckets, an alarm, a topic, a version in the
model registry.
"""

import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from aws_cdk import App, DefaultStackSynthesizer

from docs.examples_table import NOT_DEPLOYED, STACKS
from examples.many_endpoints.app import RELEASES
from examples.registry_on_approval.app import BUCKET as REGISTRY_BUCKET
from examples.registry_on_approval.app import GROUP
from tests.rollouts.declaring import assets_of
from tests.rollouts.kernel import KERNEL
from tests.rollouts.stage import BUCKET, Stage, eventually

DEPLOYED = [name for name in STACKS if name not in NOT_DEPLOYED]
ENDPOINT = "AWS::SageMaker::Endpoint"
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
INFERENCE = b"def model_fn(folder): return folder\ndef predict_fn(request, model): return request\n"
MODELS = {
    "ranker-models": ["2026-11-22/model.tar.gz"],
    "team-models": [f"{name.lower()}/{version}/model.tar.gz" for name, version in RELEASES.items()],
}
"""The archives that the examples name, by bucket."""


def prepare(stage: Stage) -> Mapping[str, list[dict[str, str]]]:
    """Make what the examples take for granted; return the parameters of those that have some."""
    s3 = stage.client("s3")
    for bucket, keys in MODELS.items():
        s3.create_bucket(Bucket=bucket)
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=_archive())
    stage.client("sns").create_topic(Name="team-releases")
    stage.client("cloudwatch").put_metric_alarm(
        AlarmName="shop-revenue", Namespace="Shop", MetricName="Revenue", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="LessThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    return {"registry_on_approval": [{"ParameterKey": "PackageArn", "ParameterValue": _approved_package(stage)}]}


def _approved_package(stage: Stage) -> str:
    sagemaker = stage.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    model = f"s3://{REGISTRY_BUCKET}/2026-11-22/model.tar.gz"
    arn: str = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": model, "Environment": environment}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    return arn


def _archive() -> bytes:
    packed, code = io.BytesIO(), tarfile.TarInfo("code/inference.py")
    code.size = len(INFERENCE)
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(code, io.BytesIO(INFERENCE))
    return packed.getvalue()


def publish(stage: Stage, name: str, folder: Path) -> str:
    """Synthesise an example and upload it, as `cdk deploy` does; return its template's URL."""
    with KERNEL:
        app = App(
            outdir=str(folder),
            analytics_reporting=False,
            default_stack_synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        getattr(import_module(f"examples.{name}.app"), STACKS[name])(app, stack_name(name))
        app.synth()
    for asset in assets_of(folder, json.loads((folder / f"{stack_name(name)}.assets.json").read_text())):
        stage.upload(asset)
    template = (folder / f"{stack_name(name)}.template.json").read_bytes()
    stage.client("s3").put_object(Bucket=BUCKET, Key=f"example-{name}.json", Body=template)
    return f"{stage.sandbox.endpoint_url}/{BUCKET}/example-{name}.json"


def stack_name(name: str) -> str:
    """Return the name of an example's stack.

    >>> stack_name("many_endpoints")
    'ManyEndpoints'
    """
    return name.title().replace("_", "")


class Deploys:
    """All examples deployed at the same time, each as a stack of its own."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._cloudformation = stage, stage.client("cloudformation")
        parameters = prepare(stage)
        self._stacks = {
            name: self._cloudformation.create_stack(
                StackName=stack_name(name),
                TemplateURL=publish(stage, name, folder / name),
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=parameters.get(name, []),
            )["StackId"]
            for name in DEPLOYED
        }

    def statuses(self) -> dict[str, str]:
        """Wait until each deploy has ended; return its status, with the reasons of one that failed."""
        return {name: f"{self._ended(name)}{self._failures(name)}" for name in self._stacks}

    def endpoints(self, name: str) -> dict[str, str]:
        """Return the status of each endpoint of an example."""
        rows = self._cloudformation.describe_stack_resources(StackName=self._stacks[name])["StackResources"]
        names = [row["PhysicalResourceId"].rpartition("/")[2] for row in rows if row["ResourceType"] == ENDPOINT]
        describe = self._stage.client("sagemaker").describe_endpoint
        return {each: describe(EndpointName=each)["EndpointStatus"] for each in names}

    def delete(self) -> dict[str, str]:
        """Delete every stack; return the status in which each deletion ended."""
        for stack_id in self._stacks.values():
            self._cloudformation.delete_stack(StackName=stack_id)
        return self.statuses()

    def _ended(self, name: str) -> str:
        return eventually(lambda: self._status(name), what=f"the end of {name}")

    def _status(self, name: str) -> str:
        status: str = self._cloudformation.describe_stacks(StackName=self._stacks[name])["Stacks"][0]["StackStatus"]
        return "" if status.endswith("IN_PROGRESS") else status

    def _failures(self, name: str) -> str:
        return "".join(f"; {reason}" for reason in self._reasons(name))

    def _reasons(self, name: str) -> Iterator[Any]:
        events = self._cloudformation.describe_stack_events(StackName=self._stacks[name])["StackEvents"]
        yield from (one.get("ResourceStatusReason") for one in events if one["ResourceStatus"].endswith("FAILED"))


def main() -> None:
    """Deploy the examples, and print the status of each deploy and of its endpoints as JSON."""
    with tempfile.TemporaryDirectory() as folder, Stage() as stage:
        deploys = Deploys(stage, Path(folder))
        said = {
            name: {"stack": status, "endpoints": deploys.endpoints(name)} for name, status in deploys.statuses().items()
        }
        deploys.delete()
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
