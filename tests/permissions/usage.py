"""Which of its permissions each handler uses in all scenarios together."""

from dataclasses import dataclass
from functools import cache

import pytest

from tests.permissions.policies import listed, policies
from tests.permissions.policy_enforcer import Order, enforced
from tests.permissions.requests import Request
from tests.permissions.scenarios import SCENARIOS

BY_LAMBDA = frozenset({"logs:CreateLogStream", "logs:PutLogEvents"})
"""What Lambda itself does in the handler's name. Source:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""
STREAM_BY_LAMBDA = frozenset(
    f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
)
"""The same for the handler that a stream calls. Source:
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-create-package.html"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the handlers asked IAM in one scenario."""

    asked: frozenset[tuple[str, Request]]
    denied: frozenset[tuple[str, Request]]
    orders: tuple[Order, ...]
    failure: BaseException | None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The actions of one handler, sorted.

    Attributes:
        called: by the handler.
        needed_by_aws: not called, but AWS asks whether the handler might.
        unused: granted for nothing.
        missing: called and denied.
    """

    called: list[str]
    needed_by_aws: list[str]
    unused: list[str]
    missing: list[str]


@cache
def run(scenario: str) -> Run:
    """Run one scenario under the policies as synthesised; that it fails is a result, too."""
    failure: BaseException | None = None
    with enforced() as (enforcer, aws):
        try:
            SCENARIOS[scenario](aws)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the test of this scenario shows it
            failure = error
    return Run(
        asked=frozenset(enforcer.asked),
        denied=frozenset(enforcer.denied),
        orders=tuple(enforcer.orders),
        failure=failure,
    )


def asked_in_all_scenarios() -> set[tuple[str, Request]]:
    """Return every question to IAM that was answered with yes."""
    return {question for scenario in SCENARIOS for question in run(scenario).asked}


def usage() -> dict[str, Usage]:
    """Return what every handler uses."""
    granted = {
        handler: {action for statement in statements for action in listed(statement["Action"])}
        for handler, statements in policies("ledger").items()
    }
    denied = {question for scenario in SCENARIOS for question in run(scenario).denied}
    asked = asked_in_all_scenarios()
    found = {}
    for handler, actions in granted.items():
        called = {request.action for by, request in asked if by == handler and request.called}
        needed = {request.action for by, request in asked if by == handler} - called
        found[handler] = Usage(
            called=sorted(called),
            needed_by_aws=sorted(needed),
            unused=sorted(actions - called - needed - BY_LAMBDA - (STREAM_BY_LAMBDA if handler == "Abort" else set())),
            missing=sorted({request.action for by, request in denied if by == handler}),
        )
    return found
