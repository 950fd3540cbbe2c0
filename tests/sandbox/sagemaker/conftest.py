import io
import json
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from canary_tools.sandbox.emulator.settings import SandboxSettings
from canary_tools.sandbox.server import Sandbox

ROLE = "arn:aws:iam::000000000000:role/execution"

Weights = dict[str, tuple[str, float, int]]


INFERENCE = """
import os, time

def model_fn(model_dir):
    if os.environ.get("FAILS_TO_LOAD"):
        raise RuntimeError("no weights in the archive")
    return os.environ["VERSION"]

def predict_fn(data, model):
    if "raise" in data:
        raise ValueError(data["raise"])
    if "exit" in data:
        os._exit(1)
    time.sleep(data.get("sleep", 0))
    return {"version": model}
"""


def packed(code: str = INFERENCE) -> bytes:
    """Make a `model.tar.gz` with this inference code."""
    buffer, content = io.BytesIO(), code.encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds, and fail if it does not in time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.02)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    return wait_until


@pytest.fixture
def archive() -> bytes:
    return packed()


class RunningSandbox:
    """A started sandbox with models to serve."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.faults = sandbox.sagemaker
        self.sagemaker = sandbox.client("sagemaker")
        self.runtime = sandbox.client("sagemaker-runtime")
        self.scaling = sandbox.client("application-autoscaling")
        self.cloudformation = sandbox.client("cloudformation")
        self.eventually = wait_until
        self.iam = sandbox.client("iam")
        self.iam.create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
        self.let_models_read("models")
        s3 = sandbox.client("s3")
        s3.create_bucket(Bucket="models")
        s3.put_object(Bucket="models", Key="good.tar.gz", Body=packed())
        s3.put_object(Bucket="models", Key="broken.tar.gz", Body=b"no archive")

    def let_models_read(self, bucket: str) -> None:
        """Give the models' role the objects of one bucket, and of no other."""
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName="execution", PolicyName="Read", PolicyDocument=policy)

    def add_model(self, name: str, *, archive: str = "good", **environment: str) -> None:
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": "ignored:1",
                "ModelDataUrl": f"s3://models/{archive}.tar.gz",
                "Environment": {"VERSION": name, **environment},
            },
        )

    def add_config(self, name: str, variants: Weights) -> None:
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            MetricsConfig={"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": 10},
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InitialVariantWeight": weight,
                    "InitialInstanceCount": count,
                    "InstanceType": "ml.m5.xlarge",
                }
                for variant, (model, weight, count) in variants.items()
            ],
        )

    def serve(self, endpoint: str, variants: Weights) -> None:
        """Create an endpoint and wait until it serves."""
        self.add_config(f"{endpoint}-first", variants)
        self.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-first")
        self.settle(endpoint)

    def settle(self, endpoint: str) -> dict[str, Any]:
        """Wait until no change runs; return the endpoint's description."""
        wait_until(lambda: self.describe(endpoint)["EndpointStatus"] in ("InService", "Failed"))
        return self.describe(endpoint)

    def describe(self, endpoint: str) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=endpoint)
        return described

    def invoke(self, endpoint: str, data: dict[str, Any] | None = None, **members: str) -> dict[str, Any]:
        body = json.dumps(data or {}).encode()
        answer: dict[str, Any] = self.runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType="application/json", **members
        )
        return answer


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    settings = SandboxSettings(
        fleet_update_seconds=0.3,
        instance_launch_seconds=0.2,
        weight_update_seconds=0.1,
        metric_delay_seconds=0.1,
        scaling_period_seconds=1.0,
        changing_calls_per_second=1000.0,
        instance_queue_size=2,
        model_timeout_seconds=1.0,
    )
    with Sandbox(settings=settings) as sandbox:
        yield RunningSandbox(sandbox)
