"""An AWS that lets every handler do what its own policies allow, and nothing else.

Policies are judged by ministack's evaluator, which this project did not write.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from ministack.core import iam_evaluator
from rollout.handlers import abort, panic, restore, settle, show_rollout, take_order
from rollout.handlers.release_slots import release_slots
from rollout.handlers.verified_endpoint import verified_endpoint

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes import boto_clients, stack
from tests.lambdas.fakes.aws import Aws, Call
from tests.lambdas.fakes.boto_clients import ACCOUNT, REGION, Parameters
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import TASKS
from tests.lambdas.fakes.settings import ENDPOINT
from tests.permissions.policies import Policies, Statement, policies
from tests.permissions.requests import Request, requests_of

NOBODY = ""
WEIGHTS = "UpdateEndpointWeightsAndCapacities"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One call that sets weights: what it asks for the canary, and what the canary was to have until then.

    `decided`: the ledger had decided before that the canary is promoted.
    """

    handler: str
    before: float
    asked: float
    decided: bool


class Judge:
    """The policies of all handlers."""

    def __init__(self, given: Policies) -> None:
        self._parsed = {
            handler: iam_evaluator.parse_policy_document({"Statement": _numbered(statements)})
            for handler, statements in given.items()
        }

    def statement_for(self, handler: str, request: Request) -> int | None:
        """Return the number of the statement that allows a request; `None` when it is denied."""
        context = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{handler}Role/{handler}",
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action=request.action,
            resource_arn=request.resource,
            region=REGION,
            service_context=dict(request.keys),
        )
        result = iam_evaluator.evaluate(context, [self._parsed[handler]])
        return int(result.matched_sid) if result.decision == "Allow" else None

    def allows(self, handler: str, request: Request) -> bool:
        """Tell whether a handler may do this."""
        return self.statement_for(handler, request) is not None


class PolicyEnforcer:
    """Stands between the handlers and the fake AWS, and denies what a handler's policies do not allow.

    Two kinds of calls pass unasked: those of the test itself, and those that a test makes in the middle of a
    handler's call.

    Attributes:
        asked: every question to IAM that was answered with yes, by handler.
        denied: those that were answered with no.
        orders: every call of a handler that sets weights.
    """

    def __init__(self, aws: Aws, given: Policies) -> None:
        self._aws = aws
        self._judge = Judge(given)
        self._handler = NOBODY
        self._canary = ""
        self._is_decided = False
        self.asked: set[tuple[str, Request]] = set()
        self.denied: set[tuple[str, Request]] = set()
        self.orders: list[Order] = []

    def answer(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]:
        """Answer a call, or deny it."""
        call = Call(service, operation, parameters)
        if self._handler != NOBODY:
            for request in requests_of(self._aws, call):
                self._ask(request)
            self._note_weights(call)
        with self.acting(NOBODY):
            return self._aws.answer(service, operation, parameters)

    @contextmanager
    def acting(self, handler: str) -> Iterator[None]:
        """Take calls as those of this handler."""
        before, self._handler = self._handler, handler
        try:
            yield
        finally:
            self._handler = before

    def watched(self, handler: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler's function, with its calls taken as its own."""

        def run(*arguments: object) -> Any:
            with self.acting(handler):
                return function(*arguments)

        return run

    def _ask(self, request: Request) -> None:
        if self._judge.allows(self._handler, request):
            self.asked.add((self._handler, request))
            return
        self.denied.add((self._handler, request))
        message = f"{self._handler} is not authorized to perform: {request.action} on resource: {request.resource}"
        raise ApiError("AccessDeniedException", message)

    def _note_weights(self, call: Call) -> None:
        if call.operation != WEIGHTS:
            return
        self._look_for_the_canary()
        asked = {row["VariantName"]: row["DesiredWeight"] for row in call.parameters["DesiredWeightsAndCapacities"]}
        fleet = self._aws.sagemaker.endpoints.find(ENDPOINT).fleet
        assert fleet is not None
        before = fleet.variants[self._canary].desired_weight
        asked_now = asked[self._canary]
        self.orders.append(Order(handler=self._handler, before=before, asked=asked_now, decided=self._is_decided))

    def _look_for_the_canary(self) -> None:
        """Learn which slot is the canary from the rollout's lock; an order may come when it is free already."""
        key = {"endpoint": {"S": ENDPOINT}, "record": {"S": "lock"}}
        found = self._aws.table.call("GetItem", {"TableName": self._aws.table.name, "Key": key, "ConsistentRead": True})
        if "Item" in found:
            self._canary = found["Item"]["canary"]["S"]
            self._is_decided = "sealed" in found["Item"]


@contextmanager
def enforced(
    change: Callable[[Policies], Policies] = lambda given: given, *, endpoints: tuple[str, ...] = (ENDPOINT,)
) -> Iterator[tuple[PolicyEnforcer, Aws]]:
    """Yield an empty AWS in which every handler has the policies that the library synthesises, after `change`."""
    with connected() as aws, pytest.MonkeyPatch.context() as patch:
        enforcer = PolicyEnforcer(aws, change(policies(aws.table.name, *endpoints)))
        boto_clients.connect(enforcer)
        for name, task in TASKS.items():
            patch.setitem(TASKS, name, enforcer.watched(name, task))
        modules = {
            "Settle": settle, "Panic": panic, "Abort": abort, "Restore": restore, "ShowRollout": show_rollout,
            "TakeOrder": take_order,
        }  # fmt: skip
        for name, module in modules.items():
            patch.setattr(module, "handler", enforcer.watched(name, module.handler))
        patch.setattr(stack, "release_slots", enforcer.watched("ReleaseSlots", release_slots))
        patch.setattr(stack, "verified_endpoint", enforcer.watched("VerifiedEndpoint", verified_endpoint))
        yield enforcer, aws


def _numbered(statements: list[Statement]) -> list[Statement]:
    return [{**statement, "Sid": str(number)} for number, statement in enumerate(statements)]
