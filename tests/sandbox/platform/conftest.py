import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from canary_tools.sandbox.emulator.settings import SandboxSettings
from canary_tools.sandbox.server import Sandbox

Found = TypeVar("Found")

DEADLINE_SECONDS = 60.0
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


PAUSE = threading.Event()


def eventually(look: Callable[[], Found], seconds: float = DEADLINE_SECONDS) -> Found:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        PAUSE.wait(0.05)
    pytest.fail(f"nothing came within {seconds} s")


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code)
    return buffer.getvalue()


class Playground:
    """A running sandbox with short ways to say what a test needs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.eventually = eventually
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.sandbox.client(service)
        return self._clients[service]

    def role(self, name: str, *actions: str) -> str:
        """A role that may do these actions on anything."""
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        if actions:
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps(policy))
        return arn

    def function(self, name: str, code: str, *, role: str, seconds: int = 20) -> str:
        """A function whose handler is `handle` in `code`."""
        created = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.14",
            Role=role,
            Handler="index.handle",
            Code={"ZipFile": zipped(code)},
            Timeout=seconds,
        )
        return str(created["FunctionArn"])

    def update(self, name: str, code: str) -> None:
        """Give a function other code."""
        self.client("lambda").update_function_code(FunctionName=name, ZipFile=zipped(code))

    def invoke(self, function: str, event: object) -> Any:
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def machine(self, name: str, definition: dict[str, Any], *, role: str) -> str:
        created = self.client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role
        )
        return str(created["stateMachineArn"])

    def inbox(self, name: str, pattern: dict[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        """A queue behind a rule; call it for all events that have come so far."""
        sqs, events, got = self.client("sqs"), self.client("events"), list[dict[str, Any]]()
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

        def received() -> list[dict[str, Any]]:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                got.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return got

        return received

    def deploy(self, stack: str, template: dict[str, Any], *, update: bool = False) -> str:
        """Create or update a stack and wait for its end, which is returned."""
        cloudformation = self.client("cloudformation")
        change = cloudformation.update_stack if update else cloudformation.create_stack
        change(StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
        return self.ended(stack)

    def ended(self, stack: str) -> str:
        def status() -> str:
            found: str = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            return "" if found.endswith("IN_PROGRESS") else found

        return self.eventually(status)


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    settings = SandboxSettings(duplicate_event_probability=0.0, event_delivery_seconds=0.05)
    with Sandbox(settings=settings) as sandbox:
        yield Playground(sandbox)
