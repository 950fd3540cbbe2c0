"""EventBridge to Lambda, and the events of CloudFormation."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from canary_tools.clock import VirtualClock
from canary_tools.sandbox.emulator.settings import SandboxSettings
from canary_tools.sandbox.events.bus import emit
from canary_tools.sandbox.events.delivery import LambdaDelivery

RECORD = """
import json
import boto3

def handle(event, context):
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=context.function_name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    if event.get("fail"):
        raise RuntimeError("told to")
"""


class Listener:
    """A function that records the events of one source into a queue of its own name."""

    def __init__(self, playground: Any, name: str, *, permitted: bool = True, **target: object) -> None:
        self._sqs = playground.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self.got: list[dict[str, Any]] = []
        function = playground.function(name, RECORD, role=playground.role(name, "sqs:*"))
        events = playground.client("events")
        rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
        events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": function, **target}])
        if permitted:
            playground.client("lambda").add_permission(
                FunctionName=name,
                StatementId="rule",
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                SourceArn=rule,
            )

    def __call__(self) -> list[dict[str, Any]]:
        for message in self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            self.got.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self.got


def send(source: str, **detail: object) -> None:
    emit(source=source, detail_type="Test", resources=["arn:aws:test:::thing"], detail=detail)


def count(listener: Callable[[], list[Any]], wanted: int) -> Callable[[], bool]:
    return lambda: len(listener()) >= wanted


def test_an_event_reaches_a_function_through_an_input_transformer(playground: Any) -> None:
    transformer = {
        "InputPathsMap": {"colour": "$.detail.colour", "first": "$.resources"},
        "InputTemplate": '{"colour": <colour>, "about": <first>}',
    }
    listener = Listener(playground, "transformed", InputTransformer=transformer)
    send("transformed", colour="blue")
    playground.eventually(count(listener, 1))
    assert listener.got == [{"colour": "blue", "about": ["arn:aws:test:::thing"]}]


def test_a_rule_without_permission_invokes_nothing_and_tells_its_dead_letter_queue(playground: Any) -> None:
    sqs = playground.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    listener = Listener(playground, "refused", permitted=False, DeadLetterConfig={"Arn": arn})
    send("refused", colour="red")
    (letter,) = playground.eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert json.loads(letter["Body"])["detail"] == {"colour": "red"}
    assert listener() == []


def test_a_function_that_fails_is_invoked_again_as_its_settings_say(playground: Any) -> None:
    listener = Listener(playground, "failing", InputPath="$.detail")
    playground.client("lambda").put_function_event_invoke_config(FunctionName="failing", MaximumRetryAttempts=1)
    send("failing", fail=True)
    playground.eventually(count(listener, 2))
    assert listener.got == [{"fail": True}] * 2


def test_stack_statuses_are_sent_in_order_with_the_clean_up_phase(playground: Any) -> None:
    inbox = playground.inbox("statuses", {"source": ["aws.cloudformation"]})
    exactly = playground.inbox(
        "done", {"source": ["aws.cloudformation"], "detail": {"status-details": {"status": ["UPDATE_COMPLETE"]}}}
    )

    def template(delay: int) -> dict[str, Any]:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay}}
        return {"Resources": {"Queue": queue}}

    assert playground.deploy("told", template(0)) == "CREATE_COMPLETE"
    assert playground.deploy("told", template(5), update=True) == "UPDATE_COMPLETE"
    events = playground.eventually(lambda: len(inbox()) >= 5 and inbox())
    wanted = [
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    statuses = [event["detail"]["status-details"]["status"] for event in events]
    assert list(dict.fromkeys(statuses)) == wanted
    assert {event["detail-type"] for event in events} == {"CloudFormation Stack Status Change"}
    assert {event["detail"]["stack-id"].split("/")[1] for event in events} == {"told"}
    assert [event["detail"]["status-details"]["status"] for event in exactly()] == ["UPDATE_COMPLETE"]


def test_a_failed_update_is_told_as_a_rollback_with_its_clean_up(playground: Any) -> None:
    inbox = playground.inbox("rollbacks", {"source": ["aws.cloudformation"]})
    topic = {"Type": "AWS::SNS::Topic"}
    broken = {"Type": "Custom::Gone", "Properties": {"ServiceToken": "gone"}, "DependsOn": "Topic"}
    assert playground.deploy("undone", {"Resources": {"Topic": topic}}) == "CREATE_COMPLETE"
    resources = {"Topic": topic, "Broken": broken}
    assert playground.deploy("undone", {"Resources": resources}, update=True) == "UPDATE_ROLLBACK_COMPLETE"

    def last_three() -> list[str]:
        return [event["detail"]["status-details"]["status"] for event in inbox()][-3:]

    playground.eventually(lambda: "UPDATE_ROLLBACK_COMPLETE" in last_three())
    assert last_three() == [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]


@pytest.mark.parametrize(("probability", "deliveries"), [(0.0, 1), (1.0, 2)])
def test_an_event_comes_twice_as_often_as_it_is_told_to(probability: float, deliveries: int) -> None:
    clock = VirtualClock()
    settings = SandboxSettings(duplicate_event_probability=probability)
    delivery = LambdaDelivery(settings=settings, clock=clock)
    delivery.dispatch("arn:aws:lambda:us-east-1:000000000000:function:any", "{}")
    assert len(clock._due) == deliveries
