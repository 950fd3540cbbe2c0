"""Lambda functions: several at once, and with the permissions of their role only."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WAIT_FOR_PARAMETER = """
import time
import boto3

def handle(event, context):
    ssm = boto3.client("ssm")
    for _ in range(400):
        if ssm.get_parameters(Names=[event["wait_for"]])["Parameters"]:
            return {"saw": event["wait_for"]}
        time.sleep(0.05)
"""
PUT_PARAMETER = """
import boto3

def handle(event, context):
    boto3.client("ssm").put_parameter(Name=event["put"], Value="here", Type="String")
"""
CALL = """
import boto3
from botocore.exceptions import ClientError

def handle(event, context):
    try:
        getattr(boto3.client(event["service"]), event["operation"])(**event["parameters"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"
"""
BEGIN_AND_WAIT = """
import time
import boto3

def handle(event, context):
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="begun", Value="now", Type="String")
    while not ssm.get_parameters(Names=["end"])["Parameters"]:
        time.sleep(0.05)
    return "old code"
"""
NEW_CODE = """
def handle(event, context):
    return "new code"
"""
PROCESS_ID = """
import os

def handle(event, context):
    return os.getpid()
"""
QUEUE_STACK = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}


def test_functions_that_wait_for_each_other_and_stacks_run_side_by_side(playground: Any) -> None:
    role = playground.role("waiting", "ssm:*")
    playground.function("first", WAIT_FOR_PARAMETER, role=role)
    playground.function("second", WAIT_FOR_PARAMETER, role=role)
    playground.function("third", PUT_PARAMETER, role=role)
    with ThreadPoolExecutor() as callers:
        waiting = [callers.submit(playground.invoke, name, {"wait_for": "go"}) for name in ("first", "second")]
        waiting.append(callers.submit(playground.invoke, "first", {"wait_for": "go"}))
        assert playground.deploy("beside", QUEUE_STACK) == "CREATE_COMPLETE"
        playground.invoke("third", {"put": "go"})
        assert [future.result() for future in waiting] == [{"saw": "go"}] * 3


def test_a_function_may_do_what_its_role_allows(playground: Any) -> None:
    role = playground.role("describer", "sagemaker:DescribeEndpoint", "cloudwatch:DescribeAlarms")
    playground.function("caller", CALL, role=role)

    def call(service: str, operation: str, **parameters: object) -> str:
        event = {"service": service, "operation": operation, "parameters": parameters}
        return str(playground.invoke("caller", event))

    assert call("cloudwatch", "describe_alarms") == "allowed"
    assert call("sagemaker", "describe_endpoint", EndpointName="gone") != "AccessDeniedException"
    assert call("sagemaker", "delete_endpoint", EndpointName="gone") == "AccessDeniedException"
    assert call("sagemaker-runtime", "invoke_endpoint", EndpointName="gone", Body="") == "AccessDeniedException"
    assert call("application-autoscaling", "describe_scalable_targets", ServiceNamespace="sagemaker") == (
        "AccessDeniedException"
    )
    assert call("stepfunctions", "list_state_machines") == "AccessDeniedException"


def test_an_invocation_under_way_ends_with_the_code_that_it_began_with(playground: Any) -> None:
    role = playground.role("updated", "ssm:*")
    playground.function("updated", BEGIN_AND_WAIT, role=role)
    parameters = playground.client("ssm")
    with ThreadPoolExecutor() as callers:
        old = callers.submit(playground.invoke, "updated", {})
        playground.eventually(lambda: parameters.get_parameters(Names=["begun"])["Parameters"])
        playground.update("updated", NEW_CODE)
        assert playground.invoke("updated", {}) == "new code"
        parameters.put_parameter(Name="end", Value="now", Type="String")
        assert old.result() == "old code"


def test_the_processes_of_a_function_end_when_its_stack_is_deleted(playground: Any) -> None:
    properties = {
        "Runtime": "python3.14",
        "Role": playground.role("idle"),
        "Handler": "index.handle",
        "Code": {"ZipFile": PROCESS_ID},
    }
    template = {"Resources": {"Idle": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    template["Outputs"] = {"Name": {"Value": {"Ref": "Idle"}}}
    assert playground.deploy("idle", template) == "CREATE_COMPLETE"
    stacks = playground.client("cloudformation").describe_stacks(StackName="idle")["Stacks"]
    process = playground.invoke(stacks[0]["Outputs"][0]["OutputValue"], {})
    assert _runs(process)

    playground.client("cloudformation").delete_stack(StackName="idle")

    playground.eventually(lambda: not _runs(process))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
