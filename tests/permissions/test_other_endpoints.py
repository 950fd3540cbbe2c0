"""No handler can touch an endpoint of the same account that is not in its stack."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from canary_construct.permissions.by_handler import PERMISSIONS
from canary_tools.aws_models.sagemaker.arns import sagemaker_arn
from tests.lambdas.fakes.aws import Aws, Call
from tests.lambdas.fakes.settings import ENDPOINT, STACK_MARK, STATE_MACHINE
from tests.lambdas.fakes.stack import STACK_ID
from tests.permissions.policies import policies
from tests.permissions.policy_enforcer import Judge, enforced
from tests.permissions.requests import PLACE, requests_of
from tests.permissions.scenarios import (
    promoted_and_promoted_again,
    rolled_back_by_a_gate,
    serving,
    stopped_and_restored,
)

pytestmark = pytest.mark.xdist_group("permissions")

TABLE = "ledger"
TAG, STACK_TAG = "canary-construct:endpoint", "canary-construct:stack"
OTHERS = ["outlet", "shop-2", "sho"]


def mark_of(endpoint: str) -> str:
    """Return the mark of the stack that an endpoint is in: every other one is in a stack of its own."""
    return STACK_MARK if endpoint == ENDPOINT else sha256(endpoint.encode()).hexdigest()[: len(STACK_MARK)]


def calls_on(endpoint: str) -> dict[str, Call]:
    """Return one call of every kind that reads or changes something of one endpoint, or of its stack."""
    table = TABLE if endpoint == ENDPOINT else f"{TABLE}-of-{endpoint}"
    key = {"endpoint": {"S": endpoint}, "record": {"S": "lock"}}
    target = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{endpoint}/variant/variant-a",
    }
    machine = STATE_MACHINE.replace(f":{ENDPOINT}-", f":{endpoint}-").replace(STACK_MARK, mark_of(endpoint))
    execution = machine.replace(":stateMachine:", ":execution:") + ":v2-1"
    query = {"KeyConditionExpression": "endpoint = :e", "ExpressionAttributeValues": {":e": key["endpoint"]}}
    made: list[tuple[str, str, dict[str, Any]]] = [
        *(("dynamodb", operation, {"TableName": table, "Key": key}) for operation in ("GetItem", "UpdateItem")),
        ("dynamodb", "DeleteItem", {"TableName": table, "Key": key}),
        ("dynamodb", "PutItem", {"TableName": table, "Item": key}),
        ("dynamodb", "Query", {"TableName": table, **query}),
        ("sagemaker", "DescribeEndpoint", {"EndpointName": endpoint}),
        ("sagemaker", "UpdateEndpointWeightsAndCapacities", {"EndpointName": endpoint}),
        ("sagemaker", "DeleteModel", {"ModelName": f"model-of-{endpoint}"}),
        ("sagemaker", "DeleteEndpointConfig", {"EndpointConfigName": f"config-of-{endpoint}"}),
        ("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": endpoint}),
        ("application-autoscaling", "RegisterScalableTarget", target),
        ("stepfunctions", "StartExecution", {"stateMachineArn": machine}),
        ("stepfunctions", "StopExecution", {"executionArn": execution}),
        ("cloudformation", "DescribeStacks", {"StackName": STACK_ID.replace("/shop/", f"/{endpoint}/")}),
    ]
    return {operation: Call(service, operation, parameters) for service, operation, parameters in made}


KINDS = list(calls_on(ENDPOINT))


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[Judge, Aws]]:
    """The policies of a stack with one endpoint, and an account with tagged models and configs of several."""
    with enforced() as (_, aws):
        for endpoint in (ENDPOINT, *OTHERS):
            for arn in (
                sagemaker_arn(PLACE, "model", f"model-of-{endpoint}"),
                sagemaker_arn(PLACE, "endpoint-config", f"config-of-{endpoint}"),
            ):
                tags = {TAG: endpoint, STACK_TAG: mark_of(endpoint)}
                aws.sagemaker.tags.attach(arn, [{"Key": key, "Value": value} for key, value in tags.items()])
        yield Judge(policies(TABLE)), aws


def allowed(account: tuple[Judge, Aws], call: Call) -> set[str]:
    """Return the handlers that may make a call."""
    judge, aws = account
    requests = requests_of(aws, call)
    return {handler for handler in PERMISSIONS if all(judge.allows(handler, request) for request in requests)}


@pytest.mark.parametrize("kind", KINDS)
def test_somebody_may_do_it_to_the_endpoint_of_the_stack(account: tuple[Judge, Aws], kind: str) -> None:
    assert allowed(account, calls_on(ENDPOINT)[kind])


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_may_do_it_to_another_endpoint(account: tuple[Judge, Aws], kind: str, other: str) -> None:
    assert allowed(account, calls_on(other)[kind]) == set()


@pytest.mark.parametrize("kind", ["DeleteModel", "DeleteEndpointConfig"])
def test_nobody_may_delete_what_has_no_tag(account: tuple[Judge, Aws], kind: str) -> None:
    assert allowed(account, calls_on("untagged")[kind]) == set()


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("dynamodb", "GetItem", {"TableName": "another-table", "Key": {"endpoint": {"S": ENDPOINT}}}),
        ("cloudwatch", "PutMetricData", {"Namespace": "Shop"}),
        ("events", "PutEvents", {"Entries": [{"EventBusName": "another-bus"}]}),
        (
            "application-autoscaling",
            "RegisterScalableTarget",
            {
                "ServiceNamespace": "ecs",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceId": f"endpoint/{ENDPOINT}/variant/variant-a",
            },
        ),
        ("sagemaker", "DeleteEndpoint", {"EndpointName": ENDPOINT}),
        ("sagemaker", "UpdateEndpoint", {"EndpointName": ENDPOINT}),
        ("dynamodb", "DeleteTable", {"TableName": TABLE, "Key": {"endpoint": {"S": ENDPOINT}}}),
    ],
)
def test_nobody_may_do_what_no_rollout_needs(
    account: tuple[Judge, Aws], service: str, operation: str, parameters: dict[str, Any]
) -> None:
    assert allowed(account, Call(service, operation, parameters)) == set()


@pytest.mark.parametrize("scenario", [promoted_and_promoted_again, rolled_back_by_a_gate, stopped_and_restored])
def test_endpoints_of_one_stack_do_not_reach_each_others_records(scenario: Any) -> None:
    """They share their handlers and so the roles: here it is the code that keeps them apart."""
    with enforced(endpoints=(ENDPOINT, "outlet")) as (enforcer, aws):
        records = {"endpoint": {"S": "outlet"}, "record": {"S": "lock"}, "holder": {"S": "v7-1"}}
        aws.table.call("PutItem", {"TableName": aws.table.name, "Item": records})
        scenario(aws)
        assert enforcer.denied == set()
        assert [request for _, request in enforcer.asked if "outlet" in str(request)] == []
        found = aws.table.call(
            "GetItem", {"TableName": aws.table.name, "Key": {k: records[k] for k in ("endpoint", "record")}}
        )
        assert found["Item"] == records


def test_a_sweep_leaves_the_models_of_the_stacks_other_endpoint() -> None:
    with enforced(endpoints=(ENDPOINT, "outlet")) as (enforcer, aws):
        aws.sagemaker.catalogue.models.create(
            {
                "ModelName": "outlet-model",
                "ExecutionRoleArn": "arn:aws:iam::000000000000:role/execution",
                "PrimaryContainer": {"Image": "image:1", "ModelDataUrl": "s3://models/outlet.tar.gz"},
                "Tags": [{"Key": TAG, "Value": "outlet"}, {"Key": STACK_TAG, "Value": STACK_MARK}],
            }
        )
        shop = serving(aws)
        shop.promote("v2")
        shop.stack.destroy()
        assert [row["ModelName"] for row in aws.sagemaker.catalogue.models.list({})["Models"]] == ["outlet-model"]
        assert enforcer.denied == set()
