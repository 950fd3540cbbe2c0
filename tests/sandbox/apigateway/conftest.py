"""One stack with an endpoint and two front doors of it, deployed to a sandbox, and callers of the doors."""

import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from canary_construct import ApiAuthorization, CanaryEndpoint, EndpointApi, InstanceScaling, ModelRelease
from canary_tools.sandbox.apigateway.address import stage_url
from canary_tools.sandbox.emulator.settings import REGION
from tests.rollouts.declaring import Asset
from tests.rollouts.stage import BUCKET, SETTINGS, eventually
from tests.rollouts.stage import Stage as SandboxStage

ENDPOINT = "front-door-test"
MODEL = Path(__file__).parent / "model"
AT_REST = {"cohortVariant": "none", "cohortHeader": "none", "cohortValues": "none", "cohortBuckets": "0000"}
ROOT = Credentials("test", "test")
RATE_OF_KEYS = 1.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def variant(self) -> str:
        return self.headers.get("x-canary-variant", "")

    def json(self) -> Any:
        return json.loads(self.body)


class Door:
    """One deployed API as callers see it."""

    def __init__(self, stage: SandboxStage, rest_api_id: str, stage_name: str) -> None:
        self.rest_api_id, self.stage_name = rest_api_id, stage_name
        self._client = stage.client("apigateway")
        self._url = stage_url(stage.sandbox.endpoint_url, rest_api_id=rest_api_id, stage_name=stage_name)

    def send(
        self,
        body: bytes = b'{"user": 1}',
        *,
        content_type: str = "application/json",
        signer: Credentials | None = ROOT,
        path: str = "/invocations",
        **headers: str,
    ) -> Answer:
        """POST a body, signed unless `signer` is None; header names are given with underscores."""
        named = {"Content-Type": content_type} if content_type else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest("POST", self._url + path, data=body, headers=named)
        if signer is not None:
            SigV4Auth(signer, "execute-api", REGION).add_auth(request)
        return _sent(request)

    def set_cohort(self, **variables: str) -> None:
        """Patch the stage's variables, as the handlers of a rollout do."""
        operations = [
            {"op": "replace", "path": f"/variables/{name}", "value": value}
            for name, value in {**AT_REST, **variables}.items()
        ]
        self._client.update_stage(restApiId=self.rest_api_id, stageName=self.stage_name, patchOperations=operations)

    def variables(self) -> dict[str, str]:
        stage = self._client.get_stage(restApiId=self.rest_api_id, stageName=self.stage_name)
        found: dict[str, str] = stage["variables"]
        return found


def _sent(signed: AWSRequest) -> Answer:
    """Send exactly these headers, as no library that adds its own would."""
    prepared = signed.prepare()
    url = urllib.parse.urlsplit(prepared.url)
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    try:
        connection.request("POST", url.path, prepared.body, dict(prepared.headers.items()))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
    finally:
        connection.close()


class FrontDoors:
    """A deployed stack with one endpoint and three APIs in front of it."""

    def __init__(self, stage: SandboxStage, outputs: Mapping[str, str]) -> None:
        self.stage = stage
        self.strict = Door(stage, outputs["Strict"], "live")
        self.binary = Door(stage, outputs["Binary"], "live")
        self.keyed = Door(stage, outputs["Keyed"], "live")
        self._key_id = outputs["KeyId"]

    def key(self) -> str:
        value: str = self.stage.client("apigateway").get_api_key(apiKey=self._key_id, includeValue=True)["value"]
        return value

    def user(self, name: str, *statements: Mapping[str, object]) -> Credentials:
        """Make an AWS identity that may do nothing but what is given."""
        client = self.stage.client("iam")
        client.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            client.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=document)
        key = client.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def _declare(scope: Stack) -> None:
    endpoint = CanaryEndpoint(
        scope,
        "Endpoint",
        endpoint_name=ENDPOINT,
        release=ModelRelease.from_asset(
            version="v1",
            image_uri="000000000000.dkr.ecr.us-east-1.amazonaws.com/shop:1",
            path=str(MODEL),
            environment={"VERSION": "v1"},
        ),
        instance_type="ml.m5.xlarge",
        scaling=InstanceScaling(min_instances=1, idle_instances=1),
    )
    doors = {
        "Strict": EndpointApi(
            scope, "StrictDoor", endpoint=endpoint, content_types=["application/json", "text/csv"], account_logging=True
        ),
        "Binary": EndpointApi(
            scope,
            "BinaryDoor",
            endpoint=endpoint,
            binary_content_types=["application/octet-stream"],
        ),
    }
    key = apigateway.ApiKey(scope, "Key")
    doors["Keyed"] = EndpointApi(
        scope,
        "KeyedDoor",
        endpoint=endpoint,
        authorization=ApiAuthorization.api_key([key]),
        rate_limit=RATE_OF_KEYS,
        burst_limit=2,
    )
    doors["Strict"].grant_invoke(iam.User(scope, "Caller", user_name="allowed-caller"))
    for name, door in doors.items():
        CfnOutput(scope, f"{name}Id", value=door.rest_api.rest_api_id).override_logical_id(name)
    for name, value in {"KeyId": key.key_id, "LedgerId": endpoint.ledger.table_name}.items():
        CfnOutput(scope, name, value=value).override_logical_id(name)


def _deployed(stage: SandboxStage, folder: Path) -> dict[str, str]:
    """Synthesise the stack, ship it as the CDK command line does, and return its outputs."""
    app = App(outdir=str(folder), analytics_reporting=False)
    stack = Stack(app, "Shop", synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    _declare(stack)
    app.synth()
    for file in json.loads((folder / "Shop.assets.json").read_text())["files"].values():
        for destination in file["destinations"].values():
            if not file["source"]["path"].endswith("template.json"):
                stage.upload(Asset(key=destination["objectKey"], path=folder / file["source"]["path"]))
    stage.client("s3").put_object(Bucket=BUCKET, Key="shop.json", Body=(folder / "Shop.template.json").read_bytes())
    cloudformation = stage.client("cloudformation")
    url = f"{stage.sandbox.endpoint_url}/{BUCKET}/shop.json"
    cloudformation.create_stack(StackName="Shop", TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"])
    status = eventually(lambda: _ended(cloudformation), what="the end of the deploy")
    assert status == "CREATE_COMPLETE", cloudformation.describe_stack_events(StackName="Shop")["StackEvents"]
    outputs = cloudformation.describe_stacks(StackName="Shop")["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _ended(cloudformation: Any) -> str:
    (stack, *_) = cloudformation.list_stacks()["StackSummaries"]
    status: str = stack["StackStatus"]
    return "" if status.endswith("IN_PROGRESS") else status


def _settled(stage: SandboxStage, ledger: str) -> bool:
    """Whether the handler that every deploy calls has let the lock go: it changes stage variables as well."""
    key = {"endpoint": {"S": ENDPOINT}, "record": {"S": "lock"}}
    return "Item" not in stage.client("dynamodb").get_item(TableName=ledger, Key=key, ConsistentRead=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoors]:
    with SandboxStage(replace(SETTINGS, duplicate_event_probability=0.0)) as stage:
        outputs = _deployed(stage, tmp_path_factory.mktemp("shop"))
        eventually(lambda: _settled(stage, outputs["LedgerId"]), what="the end of the lock")
        yield FrontDoors(stage, outputs)
        cloudformation = stage.client("cloudformation")
        cloudformation.delete_stack(StackName="Shop")
        assert eventually(lambda: _ended(cloudformation), what="the deletion") == "DELETE_COMPLETE"


@pytest.fixture(autouse=True)
def _rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """Withdraw the cohort that a test has set."""
    yield
    if "shop" in request.fixturenames:
        front = request.getfixturevalue("shop")
        for door in (front.strict, front.binary):
            door.set_cohort()
