"""The `canary` command against the AWS of `tests.lambdas.fakes`, whose handlers run the rollouts."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from rollout import clock
from rollout.contract.names import CONSTRUCT_TAG, LEDGER_TAG, STACK_ID_TAG, TAG
from typer.testing import CliRunner, Result

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.cli import command
from canary_tools.cli.session import Session
from tests.lambdas.fakes import boto_clients
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.boto_clients import Parameters
from tests.lambdas.fakes.settings import ENDPOINT, STATE_MACHINE
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID

LARGER = "ml.m5.4xlarge"
ANN = "arn:aws:sts::000000000000:assumed-role/OnCall/ann"


class Operated:
    """Adds to an AWS what only an operator asks: history, definition, tags, quotas.

    Attributes:
        asked: every call of the command.
        denied: operations that IAM refuses.
        others: endpoints beside the shop, as (name, stack).
        failed_tries: of the task in which every execution is.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.asked: list[tuple[str, str, Parameters]] = []
        self.denied: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self.others: list[tuple[str, str]] = []
        self.failed_tries = 0
        self.there = True
        self.quota: float | None = 20.0
        self._failing: list[tuple[str, Exception, float, float]] = []
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._own: Mapping[str, Callable[[Parameters], dict[str, Any]]] = {
            "GetResources": self._resources,
            "DescribeStateMachine": self.definition,
            "GetExecutionHistory": self.history,
            "ListServiceQuotas": self._quotas,
        }

    @property
    def aws(self) -> Aws:
        return self.shop.aws

    def answer(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]:
        self.asked.append((service, operation, parameters))
        now = clock.now()
        due = [act for at, act in self._later if at <= now]
        self._later = [(at, act) for at, act in self._later if at > now]
        for act in due:
            act()
        for failing, error, first, last in self._failing:
            if failing == operation and first <= now < last:
                raise error
        if operation in self.errors:
            raise self.errors[operation]
        if operation in self.denied:
            raise ApiError("AccessDeniedException", f"User: {ANN} is not authorized to perform: {operation}")
        own = self._own.get(operation)
        return self.aws.answer(service, operation, parameters) if own is None else own(parameters)

    def fail(self, operation: str, error: Exception, *, between: tuple[float, float]) -> None:
        """Let an operation fail for a time, in seconds from now."""
        first, last = between
        self._failing.append((operation, error, clock.now() + first, clock.now() + last))

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something right before the first call after a time from now."""
        self._later.append((clock.now() + seconds, act))

    def _resources(self, request: Parameters) -> dict[str, Any]:
        if request["ResourceTypeFilters"] != ["states:stateMachine"]:  # a handler, while a test waits
            return self.aws.answer("resourcegroupstaggingapi", "GetResources", request)
        endpoints = [(ENDPOINT, "shop"), *self.others] if self.there else self.others
        found = [
            {
                "ResourceARN": STATE_MACHINE if name == ENDPOINT else STATE_MACHINE.replace(ENDPOINT, name),
                "Tags": [
                    {"Key": TAG, "Value": name},
                    {"Key": LEDGER_TAG, "Value": self.aws.table.name},
                    {"Key": STACK_ID_TAG, "Value": STACK_ID.replace("/shop/", f"/{stack}/")},
                    {"Key": CONSTRUCT_TAG, "Value": f"{stack}/{name.title()}"},
                ],
            }
            for name, stack in endpoints
        ]
        return {"PaginationToken": "", "ResourceTagMappingList": found}

    def definition(self, request: Parameters) -> dict[str, Any]:
        definition = {"States": {"Plan": {"Type": "Pass", "Result": {"plan": self.shop.plan}}}}
        arn = request["stateMachineArn"]
        return {
            "stateMachineArn": arn, "name": arn.rpartition(":")[2], "definition": json.dumps(definition),
            "roleArn": "arn:aws:iam::000000000000:role/r", "type": "STANDARD", "creationDate": datetime.now(UTC),
        }  # fmt: skip

    def history(self, request: Parameters) -> dict[str, Any]:
        name = request["executionArn"].rpartition(":")[2]
        execution = self.shop.execution(name)
        entered = {"name": execution.task, "input": json.dumps(execution._event())}
        at = datetime.fromtimestamp(clock.now(), UTC)
        of_a_try = ("LambdaFunctionFailed", "LambdaFunctionStarted", "LambdaFunctionScheduled")
        events = [
            {"timestamp": at, "type": "LambdaFunctionScheduled"},
            *({"timestamp": at, "type": kind} for _ in range(self.failed_tries) for kind in of_a_try),
            {"timestamp": at, "type": "TaskStateEntered", "stateEnteredEventDetails": entered},
        ]
        first = int(request.get("nextToken", 0))
        end = first + request["maxResults"]
        more = {"nextToken": str(end)} if end < len(events) else {}
        page = [{"id": 1000 - number, **event} for number, event in enumerate(events)][first:end]
        return {"events": page, **more}

    def _quotas(self, request: Parameters) -> dict[str, Any]:
        assert request["ServiceCode"] == "sagemaker"
        if self.quota is None:
            raise ApiError("NoSuchResourceException", "The request failed")
        types = ("ml.m5.xlarge", LARGER)
        return {"Quotas": [{"QuotaName": f"{each} for endpoint usage", "Value": self.quota} for each in types]}


class Terminal:
    """Runs the command and keeps what it printed."""

    def __init__(self, operated: Operated) -> None:
        self.operated = operated

    def canary(self, *words: str, answer: str = "") -> Result:
        """Run the command with these words, and answer what it asks."""
        boto_clients.connect(self.operated)
        try:
            with pytest.MonkeyPatch.context() as patch:
                session = Session(region="us-east-1", who=ANN, client=boto_clients.client)
                patch.setattr(command, "open_session", lambda *_: session)
                patch.setenv("COLUMNS", "250")
                return CliRunner().invoke(command.app, list(words), input=answer)
        finally:
            boto_clients.connect(self.operated.aws)

    def json(self, *words: str) -> Any:
        """Return what the command prints as JSON, whatever its status."""
        return json.loads(self.canary(*words, "--json").stdout)
