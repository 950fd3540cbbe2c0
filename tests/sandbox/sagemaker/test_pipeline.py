"""Models of several containers, and model data that is no archive."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.sagemaker.conftest import ROLE, packed

HANDS_ON = """
import os

def model_fn(model_dir):
    if os.environ.get("FAILS_TO_LOAD"):
        raise RuntimeError("no weights")
    return os.environ["NAME"]

def predict_fn(data, name):
    if data.get("fails_in") == name:
        raise ValueError(name + " failed")
    return {**data, "path": [*data.get("path", []), name]}
"""


def container(name: str, **members: Any) -> dict[str, Any]:
    environment = {"NAME": name, **members.pop("Environment", {})}
    return {"Image": "i:1", "ModelDataUrl": "s3://models/hands-on.tar.gz", "Environment": environment, **members}


def below(prefix: str) -> dict[str, Any]:
    source = {"S3Uri": prefix, "S3DataType": "S3Prefix", "CompressionType": "None"}
    return {"Image": "i:1", "ModelDataSource": {"S3DataSource": source}, "Environment": {"NAME": "only"}}


def let_models(running: Any, *statements: tuple[str, str]) -> None:
    allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    running.iam.put_role_policy(RoleName="execution", PolicyName="Read", PolicyDocument=policy)


def serve(running: Any, name: str, *containers: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Create a model and an endpoint of this name, and return the endpoint's description."""
    running.sandbox.client("s3").put_object(Bucket="models", Key="hands-on.tar.gz", Body=packed(HANDS_ON))
    what = {"Containers": list(containers)} if len(containers) > 1 else {"PrimaryContainer": containers[0]}
    running.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **what, **members)
    running.serve(name, {"a": (name, 1, 1)})
    described: dict[str, Any] = running.describe(name)
    return described


def answer(running: Any, name: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(running.invoke(name, data)["Body"].read())
    return found


def test_each_container_gets_the_answer_of_the_one_before(running: Any) -> None:
    serve(running, "line", container("first"), container("second"), container("third"))
    assert answer(running, "line") == {"path": ["first", "second", "third"]}
    described = running.sagemaker.describe_model(ModelName="line")
    assert [each["Environment"]["NAME"] for each in described["Containers"]] == ["first", "second", "third"]


def test_the_first_error_is_the_answer_and_later_containers_are_not_asked(running: Any) -> None:
    serve(running, "breaks", container("first"), container("second"))
    for name in ("first", "second"):
        with pytest.raises(ClientError, match=f"{name} failed"):
            running.invoke("breaks", {"fails_in": name})
    assert answer(running, "breaks") == {"path": ["first", "second"]}


def test_a_pipeline_does_not_start_without_each_of_its_containers(running: Any) -> None:
    broken = container("second", Environment={"FAILS_TO_LOAD": "yes"})
    described = serve(running, "half", container("first"), broken)
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]


def test_no_request_is_lost_when_a_pipeline_is_replaced(running: Any) -> None:
    serve(running, "moved", container("first"), container("second"))
    running.add_config("moved-second", {"a": ("moved", 1, 2)})
    running.sagemaker.update_endpoint(EndpointName="moved", EndpointConfigName="moved-second")
    while running.describe("moved")["EndpointStatus"] == "Updating":
        assert answer(running, "moved") == {"path": ["first", "second"]}


def test_uncompressed_model_data_is_copied_as_it_is(running: Any) -> None:
    running.sandbox.client("s3").put_object(Bucket="models", Key="raw/code/inference.py", Body=HANDS_ON.encode())
    let_models(running, ("s3:GetObject", "arn:aws:s3:::models/*"), ("s3:ListBucket", "arn:aws:s3:::models"))
    serve(running, "raw", below("s3://models/raw/"))
    assert answer(running, "raw") == {"path": ["only"]}


@pytest.mark.parametrize(
    ("name", "prefix", "allowed"),
    [
        ("unlisted", "raw/", [("s3:GetObject", "arn:aws:s3:::models/*")]),
        ("unread", "raw/", [("s3:ListBucket", "arn:aws:s3:::models")]),
        ("empty", "none/", [("s3:GetObject", "arn:aws:s3:::models/*"), ("s3:ListBucket", "arn:aws:s3:::models")]),
    ],
)
def test_uncompressed_model_data_that_is_not_there_or_not_allowed_fails_the_endpoint(
    running: Any, name: str, prefix: str, allowed: list[tuple[str, str]]
) -> None:
    running.sandbox.client("s3").put_object(Bucket="models", Key="raw/code/inference.py", Body=HANDS_ON.encode())
    let_models(running, *allowed)
    described = serve(running, name, below(f"s3://models/{prefix}"))
    running.let_models_read("models")
    assert described["EndpointStatus"] == "Failed"
    assert f'Failed to download model data from URL: "s3://models/{prefix}"' in described["FailureReason"]


def test_a_folder_object_of_the_s3_console_fails_the_endpoint(running: Any) -> None:
    s3 = running.sandbox.client("s3")
    s3.put_object(Bucket="models", Key="console/", Body=b"")
    s3.put_object(Bucket="models", Key="console/code/inference.py", Body=HANDS_ON.encode())
    let_models(running, ("s3:GetObject", "arn:aws:s3:::models/*"), ("s3:ListBucket", "arn:aws:s3:::models"))
    described = serve(running, "console", below("s3://models/console/"))
    running.let_models_read("models")
    assert described["EndpointStatus"] == "Failed"
    assert "has a name that no file can have" in described["FailureReason"]


REGISTRY = "arn:aws:lambda:us-east-1:000000000000:function:registry"
PRIVATE = {
    "RepositoryAccessMode": "Vpc",
    "RepositoryAuthConfig": {"RepositoryCredentialsProviderArn": REGISTRY},
}
IN_VPC = {"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}


def test_the_role_must_be_allowed_to_ask_for_the_credentials_of_a_registry(running: Any) -> None:
    described = serve(running, "locked", container("only", ImageConfig=PRIVATE), **IN_VPC)
    assert described["EndpointStatus"] == "Failed"
    assert f"may not call {REGISTRY}" in described["FailureReason"]
    reading = ("s3:GetObject", "arn:aws:s3:::models/*")
    let_models(running, reading, ("lambda:InvokeFunction", REGISTRY))
    assert serve(running, "open", container("only", ImageConfig=PRIVATE), **IN_VPC)["EndpointStatus"] == "InService"
    running.let_models_read("models")
