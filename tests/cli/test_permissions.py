"""Every command works with what `grant_operate` gives, and each of its statements is needed by a command."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from canary_construct import CanaryEndpoint, ModelRelease
from canary_tools.aws_models.api.errors import ApiError
from tests.cli.fake import Operated, Terminal
from tests.lambdas.fakes import boto_clients
from tests.lambdas.fakes.aws import Call
from tests.lambdas.fakes.boto_clients import ACCOUNT, REGION, Parameters
from tests.lambdas.fakes.settings import ENDPOINT, STACK_MARK
from tests.lambdas.fakes.shop import Shop
from tests.permissions.policies import PSEUDO, listed
from tests.permissions.policy_enforcer import Judge
from tests.permissions.requests import Request, requests_of

OPERATOR = "Operator"
NOT_READ_BY_THE_COMMAND = {"states:ListExecutions", "states:StopExecution"}
"""A person looks at executions in the console, and stops one there."""
WORDS = ("status", "watch", "history", "abort", "doctor", "approve", "reject", "pause", "resume", "promote", "rollback")
CALLED = {"service-quotas": "servicequotas"}


@cache
def statements() -> list[dict[str, Any]]:
    stack = Stack(App(), "Shop")
    endpoint = CanaryEndpoint(
        stack,
        "Shop",
        release=ModelRelease(
            version="v1",
            image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1",
            model_data_url="s3://models/v1.tar.gz",
        ),
        instance_type="ml.m5.xlarge",
        endpoint_name=ENDPOINT,
    )
    endpoint.grant_operate(iam.User(stack, OPERATOR))
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    (document,) = [p["Properties"]["PolicyDocument"] for p in policies if OPERATOR in str(p["Properties"].get("Users"))]
    return [_concrete(statement) for statement in document["Statement"]]


def _concrete(value: Any) -> Any:
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_concrete(part) for part in parts)
        case {"Ref": name}:
            return PSEUDO[name]
        case {"Fn::GetAtt": [name, "Arn"]}:
            assert "Ledger" in name
            return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/ledger-*"
        case dict():
            return {key: _concrete(inner) for key, inner in value.items()}
        case list():
            return [_concrete(inner) for inner in value]
        case _:
            return value


class Judged(Operated):
    """An AWS that lets the command do what these statements allow."""

    def __init__(self, shop: Shop, given: list[dict[str, Any]]) -> None:
        super().__init__(shop)
        self._judge = Judge({OPERATOR: given})
        self.used: set[str] = set()

    def answer(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]:
        for request in self._requests(service, operation, parameters):
            if not self._judge.allows(OPERATOR, request):
                raise ApiError("AccessDeniedException", f"not authorized: {request.action} on {request.resource}")
            self.used.add(request.action)
        return super().answer(service, operation, parameters)

    def _requests(self, service: str, operation: str, parameters: Parameters) -> list[Request]:
        if service in CALLED:
            return [Request(action=f"{CALLED[service]}:{operation}")]
        return requests_of(self.aws, Call(service, operation, parameters))


def _waited(terminal: Terminal, shop: Shop) -> int:
    execution = shop.begin("v2", "Evaluate")
    execution.fail_with("CapacityUnavailable", "no instances")
    shop.run(execution)
    return terminal.canary("wait", "v2").exit_code


def test_every_command_works_with_the_grant_and_every_statement_of_it_is_used(shop: Shop) -> None:
    judged = Judged(shop, statements())
    terminal = Terminal(judged)
    shop.serve_for(600)

    run_every_command(judged, terminal, shop)

    granted = {action for statement in statements() for action in listed(statement["Action"])}
    assert granted - judged.used == NOT_READ_BY_THE_COMMAND


def as_handlers(judged: Judged, act: Callable[[], None]) -> None:
    """Let handlers act, with permissions of their own, in the middle of a call of the command."""
    boto_clients.connect(judged.aws)
    act()
    boto_clients.connect(judged)


def run_every_command(judged: Judged, terminal: Terminal, shop: Shop) -> None:
    assert _waited(terminal, shop) == 3
    execution = shop.begin("v3", "Evaluate")
    assert terminal.canary("status").exit_code == 0
    assert terminal.canary("history").exit_code == 0
    assert terminal.canary("wait", "v3", "--timeout", "1").exit_code == 5
    found = terminal.canary("doctor")
    assert (found.exit_code, "no permission" in found.output) == (6, False)
    assert terminal.canary("promote", "--yes").exit_code == 0
    assert terminal.canary("pause").exit_code == 0
    assert terminal.canary("resume").exit_code == 0
    judged.aws.interrupt("DescribeEndpoint", lambda: as_handlers(judged, shop.tell_of_order))
    aborted = terminal.canary("abort")
    assert aborted.exit_code == 0, aborted.output
    shop.restore(execution.name)
    assert terminal.canary("watch").exit_code == 4
    shop.promote("v4")
    judged.aws.interrupt("DescribeEndpoint", lambda: as_handlers(judged, lambda: go_back(shop)), nth=2)
    back = terminal.canary("rollback", "--yes")
    assert back.exit_code == 0, back.output


def go_back(shop: Shop) -> None:
    execution = shop.running()
    assert execution is not None
    shop.run(execution)


@pytest.mark.parametrize(
    "words",
    [(word,) for word in WORDS],
)
def test_without_the_grant_every_command_is_refused_by_iam(shop: Shop, words: tuple[str, ...]) -> None:
    refused = Terminal(Judged(shop, [])).canary(*words)
    assert refused.exit_code == 2
    assert "you have no permission for GetResources; endpoint.grant_operate" in refused.stderr


def test_the_grant_of_one_endpoint_opens_no_other() -> None:
    judge = Judge({OPERATOR: statements()})
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:other-rollout-{STACK_MARK}"
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/ledger-1"
    config = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/other"
    for request in (
        Request(action="states:DescribeStateMachine", resource=machine),
        Request(action="states:StopExecution", resource=machine.replace("stateMachine", "execution") + ":v2-1"),
        Request(action="sagemaker:DescribeEndpoint", resource=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/other"),
        Request(action="dynamodb:UpdateItem", resource=table, keys=(("dynamodb:leadingkeys", "other"),)),
        Request(
            action="sagemaker:DescribeEndpointConfig",
            resource=config,
            keys=(("aws:resourcetag/canary-construct:endpoint", "other"),),
        ),
    ):
        assert not judge.allows(OPERATOR, request), request
    assert judge.allows(
        OPERATOR, Request(action="dynamodb:UpdateItem", resource=table, keys=(("dynamodb:leadingkeys", ENDPOINT),))
    )
