"""Executions: how they start, end, time out, are stopped, retry and see their context."""

import json
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.sandbox.stepfunctions.retries import delay_seconds

LAMBDA = """
import time

def handle(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("raise"):
        raise ValueError(event["raise"])
    return {"echo": event}
"""
WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}}}
DRAW = random.Random(0)  # noqa: S311 - a simulation, not a secret
STATUSES = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}


@pytest.fixture(scope="module")
def role(playground: Any) -> str:
    return str(playground.role("machines", "lambda:InvokeFunction"))


@pytest.fixture(scope="module")
def echo(playground: Any, role: str) -> str:
    return str(playground.function("echo", LAMBDA, role=role))


def start(playground: Any, machine: str, given: object, **named: str) -> str:
    states = playground.client("stepfunctions")
    return str(states.start_execution(stateMachineArn=machine, input=json.dumps(given), **named)["executionArn"])


def end(playground: Any, execution: str) -> dict[str, Any]:
    def ended() -> dict[str, Any]:
        found: dict[str, Any] = playground.client("stepfunctions").describe_execution(executionArn=execution)
        return {} if found["status"] == "RUNNING" else found

    return dict(playground.eventually(ended))


def events_of(playground: Any, execution: str) -> list[str]:
    history = playground.client("stepfunctions").get_execution_history(executionArn=execution)
    return [event["type"] for event in history["events"]]


def test_a_machine_that_takes_too_long_times_out_and_says_so(playground: Any, role: str) -> None:
    inbox = playground.inbox("timeouts", {**STATUSES, "detail": {"status": ["TIMED_OUT"]}})
    machine = playground.machine("limited", {**WAIT, "TimeoutSeconds": 1}, role=role)
    execution = start(playground, machine, {})
    assert end(playground, execution)["status"] == "TIMED_OUT"
    (event,) = playground.eventually(inbox)
    assert event["detail"]["executionArn"] == execution
    assert events_of(playground, execution)[-1] == "ExecutionTimedOut"


def test_a_machine_that_ends_in_time_does_not_time_out(playground: Any, role: str) -> None:
    quick = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}, "TimeoutSeconds": 1}
    inbox = playground.inbox("quick", STATUSES)
    execution = start(playground, playground.machine("quick", quick, role=role), {})
    assert end(playground, execution)["status"] == "SUCCEEDED"
    events = playground.eventually(lambda: len(inbox()) == 2 and inbox())
    assert [event["detail"]["status"] for event in events] == ["RUNNING", "SUCCEEDED"]


def test_a_stopped_execution_stays_aborted_when_its_function_fails_later(playground: Any, role: str) -> None:
    inbox = playground.inbox("stopped", STATUSES)
    task = {
        "Type": "Task",
        "Resource": playground.function("late", LAMBDA, role=role),
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 5}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    definition = {"StartAt": "Task", "States": {"Task": task, "Caught": {"Type": "Succeed"}}}
    execution = start(
        playground, playground.machine("stopped", definition, role=role), {"sleep": 0.6, "raise": "too late"}
    )
    playground.eventually(lambda: "TaskScheduled" in events_of(playground, execution))
    playground.client("stepfunctions").stop_execution(executionArn=execution, cause="enough")
    logs = playground.client("logs")
    playground.eventually(lambda: logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/late")["logGroups"])
    assert end(playground, execution)["status"] == "ABORTED"
    assert events_of(playground, execution)[-1] == "ExecutionAborted"
    assert [event["detail"]["status"] for event in inbox()] == ["RUNNING", "ABORTED"]


def test_starting_again_with_name_and_input_answers_the_running_execution(playground: Any, role: str) -> None:
    machine = playground.machine("waiting", WAIT, role=role)
    first = start(playground, machine, {"release": 1}, name="once")
    assert start(playground, machine, {"release": 1}, name="once") == first
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(playground, machine, {"release": 2}, name="once")
    playground.client("stepfunctions").stop_execution(executionArn=first)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(playground, machine, {"release": 1}, name="once")


def test_context_intrinsics_and_caught_errors_reach_the_next_state(playground: Any, role: str, echo: str) -> None:
    definition = {
        "StartAt": "Shape",
        "States": {
            "Shape": {
                "Type": "Pass",
                "Parameters": {
                    "name.$": "$$.Execution.Name",
                    "entered.$": "$$.State.EnteredTime",
                    "title.$": "States.Format('{}-{}', $.a, States.MathAdd($.n, 1))",
                    "merged.$": "States.JsonMerge($, States.StringToJson('{\"b\": 2}'), false)",
                    "text.$": "States.JsonToString($)",
                    "size.$": "States.ArrayLength(States.Array(1, 2))",
                },
                "ResultPath": "$.shaped",
                "Next": "Invoke",
            },
            "Invoke": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": echo, "Payload.$": "$"},
                "ResultSelector": {"answer.$": "$.Payload.echo.a"},
                "ResultPath": "$.invoked",
                "Next": "Fails",
            },
            "Fails": {
                "Type": "Task",
                "Resource": echo,
                "Parameters": {"raise": "on purpose"},
                "Retry": [
                    {
                        "ErrorEquals": ["ValueError"],
                        "IntervalSeconds": 100,
                        "MaxDelaySeconds": 1,
                        "JitterStrategy": "FULL",
                        "MaxAttempts": 1,
                    }
                ],
                "Catch": [{"ErrorEquals": ["ValueError"], "ResultPath": "$.failure", "Next": "Done"}],
                "Next": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    machine = playground.machine("shapes", definition, role=role)
    ended = end(playground, start(playground, machine, {"a": "x", "n": 1}, name="run-1"))
    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert output["shaped"]["name"] == "run-1"
    assert output["shaped"]["title"] == "x-2"
    assert output["shaped"]["merged"] == {"a": "x", "n": 1, "b": 2}
    assert output["shaped"]["size"] == 2
    assert output["shaped"]["entered"].endswith("Z")
    assert output["invoked"] == {"answer": "x"}
    assert output["failure"]["Error"] == "ValueError"
    assert json.loads(output["failure"]["Cause"])["errorMessage"] == "on purpose"


def test_a_machine_whose_role_may_not_invoke_fails(playground: Any, echo: str) -> None:
    powerless = playground.role("powerless")
    task = {"StartAt": "Task", "States": {"Task": {"Type": "Task", "Resource": echo, "End": True}}}
    ended = end(playground, start(playground, playground.machine("powerless", task, role=powerless), {}))
    assert ended["status"] == "FAILED"
    assert "not authorized to perform: lambda:InvokeFunction" in ended["cause"]


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2.0), (1, 4.0), (2, 5.0), (9, 5.0)])
def test_retry_delays_grow_up_to_their_maximum(attempts: int, seconds: float) -> None:
    retrier = {"IntervalSeconds": 2, "BackoffRate": 2.0, "MaxDelaySeconds": 5}
    assert delay_seconds(retrier, attempts, DRAW) == seconds
    jittered = delay_seconds({**retrier, "JitterStrategy": "FULL"}, attempts, DRAW)
    assert 0 <= jittered <= seconds
