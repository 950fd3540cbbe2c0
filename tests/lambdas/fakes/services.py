"""Small stand-ins for the services of which handlers use an operation or two."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.cloudwatch.metric_api import MetricApi
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.sagemaker.tags import TagStore
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import Clock
from tests.lambdas.fakes.boto_clients import Operation, Parameters
from tests.lambdas.fakes.event_schema import check

MINUTE = 60


class CloudWatch:
    """True metrics, and alarms whose states a test sets."""

    def __init__(self, clock: Clock) -> None:
        self.store = MetricStore()
        self.alarms: dict[str, str] = {}
        self.composite_alarms: dict[str, str] = {}
        self._clock = clock
        self._api = MetricApi(store=self.store, clock=clock, undocumented=Undocumented(threshold_statistics=True))

    def operations(self) -> dict[str, Operation]:
        return {
            "DescribeAlarms": self.describe_alarms,
            "GetMetricData": self.get_metric_data,
        }

    def describe_alarms(self, request: Parameters) -> dict[str, Any]:
        """Answer as CloudWatch does: composite alarms only when they are asked for."""
        kinds = request.get("AlarmTypes", ["MetricAlarm"])
        return {
            "MetricAlarms": _described(self.alarms, request) if "MetricAlarm" in kinds else [],
            "CompositeAlarms": _described(self.composite_alarms, request) if "CompositeAlarm" in kinds else [],
        }

    def get_metric_data(self, request: Parameters) -> dict[str, Any]:
        window = {name: request[name].timestamp() for name in ("StartTime", "EndTime")}
        answer = self._api.get_metric_data({**request, **window})
        for result in answer["MetricDataResults"]:
            result["Timestamps"] = [datetime.fromtimestamp(moment, UTC) for moment in result["Timestamps"]]
        return answer

    def serve(
        self, endpoint: str, slot: str, requests: int, *, failed: int = 0, at: float | None = None, period: int = 10
    ) -> None:
        """Publish the invocation metrics of one slot for the period that `at` (default: now) lies in."""
        counts = {"Invocations": 0, "Invocation4XXErrors": 0, "Invocation5XXErrors": failed}
        good = requests - failed
        for name, hits in {**counts, "Invocations": requests, "InvocationModelErrors": failed}.items():
            values = Counter({1.0: hits, 0.0: requests - hits})
            self._record(endpoint, slot, name, +values, at, period)
        self._record(endpoint, slot, "ModelLatency", +Counter({20_000.0: good, 30_000.0: failed}), at, period)

    def work(
        self, endpoint: str, slot: str, concurrency: float, *, requests: int, instances: int | None, at: float
    ) -> None:
        """Publish what a slot did in the minute of `at`; without `instances`, all but the requests for each of them."""
        self._record(endpoint, slot, "Invocations", +Counter({1.0: requests}), at, MINUTE)
        self._record(endpoint, slot, "ConcurrentRequestsPerModel", Counter({concurrency: 1}), at, MINUTE)
        if instances is not None:
            self._record(endpoint, slot, "InvocationsPerInstance", +Counter({1 / instances: requests}), at, MINUTE)

    def fail_more(self, endpoint: str, slot: str, failed: int, *, at: float, period: int) -> None:
        """Publish failures beside what `serve` published: more than there were requests, say."""
        self._record(endpoint, slot, "Invocation5XXErrors", Counter({1.0: failed}), at, period)

    def _record(
        self, endpoint: str, slot: str, name: str, values: Counter[float], at: float | None, period: int
    ) -> None:
        self.store.record(
            namespace="AWS/SageMaker",
            name=name,
            dimensions={"EndpointName": endpoint, "VariantName": slot},
            timestamp=self._clock.now() if at is None else at,
            values=values,
            unit="None",
            storage_resolution=1 if period < 60 else 60,
        )


def _described(states: dict[str, str], request: Parameters) -> list[dict[str, str]]:
    return [{"AlarmName": name, "StateValue": states[name]} for name in request["AlarmNames"] if name in states]


@dataclass
class StepFunctions:
    """Executions by name: `RUNNING`, or how they ended. `told`: the error and the cause that a stop gave."""

    executions: dict[str, str] = field(default_factory=dict)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        return {"StartExecution": self.start, "StopExecution": self.stop, "DescribeExecution": self.describe}

    def start(self, request: Parameters) -> dict[str, Any]:
        """Start once: the same name and input again is the same execution for as long as it runs."""
        name = request["name"]
        arn = request["stateMachineArn"].replace(":stateMachine:", ":execution:") + ":" + name
        same = self.executions.get(name) == "RUNNING" and self.inputs[name] == request["input"]
        if name in self.executions and not same:
            raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        self.executions[name], self.inputs[name] = "RUNNING", request["input"]
        return {"executionArn": arn, "startDate": datetime.now(UTC)}

    def describe(self, request: Parameters) -> dict[str, Any]:
        name = self._existing(request)
        now = datetime.now(UTC)
        machine = request["executionArn"].replace(":execution:", ":stateMachine:").rpartition(":")[0]
        return {
            "executionArn": request["executionArn"], "stateMachineArn": machine, "name": name,
            "status": self.executions[name], "startDate": now, **self.told.get(name, {}),
        }  # fmt: skip

    def stop(self, request: Parameters) -> dict[str, Any]:
        name = self._existing(request)
        if self.executions[name] == "RUNNING":
            self.executions[name] = "ABORTED"
            self.told[name] = {given: request[given] for given in ("error", "cause") if given in request}
        return {"stopDate": datetime.now(UTC)}

    def _existing(self, request: Parameters) -> str:
        name: str = request["executionArn"].rpartition(":")[2]
        if name not in self.executions:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{request['executionArn']}'")
        return name


@dataclass
class EventBus:
    """What was put on the default bus. It takes what fits the published schema only."""

    entries: list[dict[str, Any]] = field(default_factory=list)

    def operations(self) -> dict[str, Operation]:
        return {"PutEvents": self.put}

    def put(self, request: Parameters) -> dict[str, Any]:
        for entry in request["Entries"]:
            check(entry["Source"], entry["DetailType"], json.loads(entry["Detail"]))
        self.entries += request["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(number)} for number, _ in enumerate(self.entries)]}

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was told, as (detail type, detail)."""
        return [(entry["DetailType"], json.loads(entry["Detail"])) for entry in self.entries]


@dataclass
class Stacks:
    """The status of the one stack, and why resources failed, as its events say it. `began_at`: of the last deploy."""

    status: str = "CREATE_IN_PROGRESS"
    began_at: float = 0
    failures: list[str] = field(default_factory=list)
    owned: dict[str, str] = field(default_factory=dict)
    """Physical IDs by logical ID."""

    def operations(self) -> dict[str, Operation]:
        return {"DescribeStacks": self.describe, "DescribeStackResource": self.describe_resource}

    def describe_resource(self, request: Parameters) -> dict[str, Any]:
        name, stack = request["LogicalResourceId"], request["StackName"]
        if name not in self.owned:
            raise ApiError("ValidationError", f"Resource {name} does not exist for stack {stack}")
        return {"StackResourceDetail": {"LogicalResourceId": name, "PhysicalResourceId": self.owned[name]}}

    def describe(self, request: Parameters) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self.began_at, UTC)
        times = {"CreationTime": moment, "LastUpdatedTime": moment}
        return {"Stacks": [{"StackName": request["StackName"], "StackStatus": self.status, **times}]}


@dataclass
class ApiStages:
    """The variables of API Gateway's stages, by REST API and stage."""

    variables: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        return {"UpdateStage": self.update}

    def update(self, request: Parameters) -> dict[str, Any]:
        found = self.variables.get((request["restApiId"], request["stageName"]))
        if found is None:
            raise ApiError("NotFoundException", "Invalid stage identifier specified", status=404)
        for operation in request["patchOperations"]:
            found[operation["path"].removeprefix("/variables/")] = operation["value"]
        return {"stageName": request["stageName"], "variables": dict(found)}


@dataclass
class Tagging:
    """Finds SageMaker's resources by their tags."""

    tags: TagStore

    def operations(self) -> dict[str, Operation]:
        return {"GetResources": self.find}

    def find(self, request: Parameters) -> dict[str, Any]:
        wanted = {row["Key"]: row["Values"] for row in request["TagFilters"]}
        kinds = [kind.partition(":")[2] for kind in request["ResourceTypeFilters"]]
        found = [
            {"ResourceARN": arn, "Tags": tags}
            for arn, tags in self.tags.all()
            if any(f":{kind}/" in arn for kind in kinds)
            and all(any(tag["Key"] == key and tag["Value"] in values for tag in tags) for key, values in wanted.items())
        ]
        return {"PaginationToken": "", "ResourceTagMappingList": found}


@dataclass
class Runtime:
    """The endpoint's answers: every request succeeds at the variant that was asked for, unless a test says else.

    `failures`: what a variant answers each request with.
    """

    answered_by: str = ""
    failures: dict[str, ApiError] = field(default_factory=dict)
    requests: list[Parameters] = field(default_factory=list)

    def operations(self) -> dict[str, Operation]:
        return {"InvokeEndpoint": self.invoke}

    def invoke(self, request: Parameters) -> dict[str, Any]:
        self.requests.append(request)
        if (failure := self.failures.get(request["TargetVariant"])) is not None:
            raise failure
        return {"InvokedProductionVariant": self.answered_by or request["TargetVariant"]}


class Network:
    """EC2's network interfaces, which go when it pleases SageMaker."""

    def __init__(self, clock: Clock) -> None:
        self.gone_at: dict[str, float] = {}
        """When the last interface of a security group goes, in seconds since the epoch."""
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        return {"DescribeNetworkInterfaces": self.describe_network_interfaces}

    def describe_network_interfaces(self, request: Parameters) -> dict[str, Any]:
        (wanted,) = request["Filters"]
        assert wanted["Name"] == "group-id"
        (group,) = wanted["Values"]
        there = self._clock.now() < self.gone_at.get(group, 0)
        return {"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": [{"GroupId": group}]}] if there else []}
