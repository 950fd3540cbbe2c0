"""The simulated world: models of the AWS services on a virtual clock, with users and faults, wired to each other."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from rollout.contract.gate_rules import SlowRequests
from rollout.contract.names import LEDGER_VARIABLE
from rollout.contract.records import RolloutRecord

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.api.throttle import Throttle
from canary_tools.aws_models.cloudwatch.alarm_api import AlarmApi
from canary_tools.aws_models.cloudwatch.held_alarms import HeldAlarms
from canary_tools.aws_models.cloudwatch.metric_api import MetricApi
from canary_tools.aws_models.cloudwatch.metric_history import MetricHistory
from canary_tools.aws_models.hosting.operations import sagemaker_operations, scaling_operations
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.arns import sagemaker_arn
from canary_tools.aws_models.sagemaker.endpoint import Status
from canary_tools.aws_models.sagemaker.instances import SimulatedHost
from canary_tools.aws_models.sagemaker.metric_source import MetricSource
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.aws_models.sagemaker.variants import Fleet
from canary_tools.clock import VirtualClock
from canary_tools.rehearsal.publishing import Gaps, Publisher
from canary_tools.rehearsal.scenario import Scenario
from canary_tools.rehearsal.services.api_calls import ApiCalls, Operation
from canary_tools.rehearsal.services.botocore_requests import Parameters
from canary_tools.rehearsal.services.declared_alarms import put_alarms
from canary_tools.rehearsal.services.durations import FLEET_UPDATE_SECONDS, WEIGHT_UPDATE_SECONDS
from canary_tools.rehearsal.services.event_bus import Bus
from canary_tools.rehearsal.services.executions import Execution, Executions
from canary_tools.rehearsal.services.faults import Faults
from canary_tools.rehearsal.services.front_doors import FrontDoors
from canary_tools.rehearsal.services.lambda_functions import Functions
from canary_tools.rehearsal.services.ledger_stream import LedgerStream
from canary_tools.rehearsal.services.ledger_table import LedgerTable
from canary_tools.rehearsal.services.list_prices import metrics_read
from canary_tools.rehearsal.template import DeclaredEndpoint
from canary_tools.rehearsal.template.intrinsics import ACCOUNT, REGION
from canary_tools.rehearsal.traffic import Users
from canary_tools.rehearsal.traffic.cohort import PublishedCohort
from canary_tools.rehearsal.traffic.fitting import fitting_instances
from canary_tools.rehearsal.virtual_time.processes import Processes

PLACE = Place(account=ACCOUNT, region=REGION)
START = 1_800_000_000.0
LEAD_SECONDS = 2 * 3600.0
"""From the beginning of a rehearsal to its deploy, where the scenario names the moment: what serves comes first."""
CALLS_PER_SECOND = 5.0
"""SageMaker's control plane throttles above it. AWS does not publish the limit."""


class SimulatedAws:
    """All services of one rehearsal, wired.

    Attributes:
        calls: how often each API was called since the rollout began, by IAM action. Each attempt counts.
        metrics_read: how many metrics these calls read, as `GetMetricData` is charged.
        stack_status: the status of the CloudFormation stack.
        release_model: the name of the model that the rollout tries.
        instance_type: the instance type of the release on trial.
        zero: when the rollout began, in seconds since the epoch; infinity before it.
        served_before: the version of the release that served when the rollout began.
        on_record: functions that are called with the key of each ledger record that was updated.
        cohort: which requests reach the new release beside the weights.
    """

    def __init__(self, declared: DeclaredEndpoint, scenario: Scenario) -> None:
        self.declared = declared
        self.scenario = scenario
        self.clock = VirtualClock(START if scenario.deployed_at is None else scenario.deployed_at - LEAD_SECONDS)
        self.processes = Processes(self.clock)
        self.calls: Counter[str] = Counter()
        self.metrics_read = 0
        self.stack_status = "CREATE_IN_PROGRESS"
        self.release_model = ""
        self.instance_type = ""
        self.zero = float("inf")
        self.served_before = ""
        self.on_record: list[Callable[[str], None]] = [self._look_at_cohort]
        self._draw = random.Random(scenario.seed)  # noqa: S311 - a simulation, not a secret
        self._draw_answers = random.Random(f"answers {scenario.seed}")  # noqa: S311 - however many calls come before
        self._draw_delays = random.Random(f"delays {scenario.seed}")  # noqa: S311 - however many calls come before
        self.store = MetricHistory()
        self.gaps = Gaps(self.store, scenario, self._who)
        self.sagemaker = self._sagemaker()
        self.table = LedgerTable(_ledger_name(declared))
        self.front_doors = FrontDoors(declared.plan.settings.api_stages)
        self.cohort = PublishedCohort(declared.plan.steps, self.front_doors)
        self.faults = Faults(scenario, second=self.second, seed=self._seed())
        self.functions = Functions(declared.functions, self.processes, seed=self._seed())
        self.bus = Bus(declared.rules, clock=self.clock, functions=self.functions, seed=self._seed())
        self.stream = LedgerStream(
            declared.stream_calls, clock=self.clock, functions=self.functions, seed=scenario.seed
        )
        self.table.on_written = self.stream.written
        self.executions = Executions(
            name=declared.machine_name,
            definition=declared.definition,
            processes=self.processes,
            functions=self.functions,
            faults=self.faults,
            emit=self.bus.emit,
            seed=self._seed(),
        )
        self.alarms = HeldAlarms(
            store=self.store,
            clock=self.clock,
            emit=self.bus.emit,
            act=lambda _action, _change: None,
            place=PLACE,
            undocumented=scenario.undocumented,
        )
        self.users = self._users()
        self._publisher = self._publish()
        self.api = self._api()

    def begin(self) -> None:
        """Put the template's alarms and schedules in place and let users come."""
        put_alarms(self.declared, self.alarms)
        self.alarms.start()
        self.bus.begin()
        self.users.begin()
        self._publisher.begin()

    def second(self) -> float:
        """Return the second of the rollout; negative before it."""
        return self.clock.now() - self.zero if self.clock.now() >= self.zero else -1.0

    def start_counting(self) -> None:
        """Let the rollout begin now: from here on the scenario's changes, faults and controls count."""
        self.zero = self.users.zero = self.gaps.zero = self.clock.now()
        self.calls.clear()
        self.metrics_read = 0
        variants = list(self.fleet().variants.values())
        serving = next(variant for variant in variants if variant.current_weight > 0)
        self.instance_type = next(variant for variant in variants if variant is not serving).instance_type
        self.served_before = self.version_in(serving.model_name)

    def is_counting(self) -> bool:
        """Tell whether the first rollout has begun and no later one has. Only the first one is reported."""
        return self.clock.now() >= self.zero and len(self.executions) == 1

    def version_in(self, model_name: str) -> str:
        """Return the version of the release that a model holds, as the ledger has it."""
        return str((self.record(f"model#{model_name}") or {}).get("version", ""))

    def endpoint(self) -> Mapping[str, Any]:
        """Return what DescribeEndpoint says, without a call.

        Raises:
            ApiError: there is none any more.
        """
        return self.sagemaker.endpoints.describe({"EndpointName": self.declared.endpoint_name})

    def has_endpoint(self) -> bool:
        """Tell whether the endpoint exists."""
        return self.sagemaker.endpoints.exists(self.declared.endpoint_name)

    def is_changing(self) -> bool:
        """Tell whether the endpoint is busy: it is there, but not in service."""
        endpoints, name = self.sagemaker.endpoints, self.declared.endpoint_name
        return endpoints.exists(name) and endpoints.find(name).status is not Status.IN_SERVICE

    def fleet(self) -> Fleet:
        """Return the variants of the endpoint, which must be there."""
        fleet = self.sagemaker.endpoints.find(self.declared.endpoint_name).fleet
        assert fleet is not None
        return fleet

    def record(self, key: str) -> dict[str, Any] | None:
        """Return a record of the endpoint in the ledger, without a call; `None` if there is none."""
        return self.table.item(self.declared.endpoint_name, key)

    def rollout(self, execution: Execution) -> RolloutRecord:
        """Return the ledger's record of an execution's rollout, without a call; empty if there is none."""
        record: Any = self.record(f"rollout#{execution['name']}") or {}
        found: RolloutRecord = record
        return found

    def lock(self) -> dict[str, Any]:
        """Return the ledger's record of the lock, without a call. A record without a `holder` is no lock."""
        return self.record("lock") or {}

    def is_landing(self) -> bool:
        """Tell whether a rollout that has ended keeps its instances still."""
        return "landing" in (self.record("landing") or {})

    def close(self) -> None:
        """End everything that still waits, and forget the ledger."""
        self.processes.end_all()
        self.table.drop()

    def _api(self) -> ApiCalls:
        return ApiCalls(
            self._operations(),
            processes=self.processes,
            faults=self.faults,
            throttle=Throttle(clock=self.clock, calls_per_second=CALLS_PER_SECOND),
            endpoint_arn=sagemaker_arn(PLACE, "endpoint", self.declared.endpoint_name),
            draw=self._draw,
            begun=self._count_call,
            done=self._note,
        )

    def _operations(self) -> dict[str, Mapping[str, Operation]]:
        metric_api = MetricApi(store=self.store, clock=self.clock, undocumented=self.scenario.undocumented)
        return {
            "sagemaker": sagemaker_operations(self.sagemaker),
            "application-auto-scaling": scaling_operations(self.sagemaker),
            "cloudwatch": {**metric_api.operations(), **AlarmApi(self.alarms).operations()},
            "dynamodb": self.table.operations(),
            "sfn": self.executions.operations(),
            "eventbridge": {"PutEvents": self.bus.put_events, "PutEventsInPart": self.bus.put_events_in_part},
            "cloudformation": {"DescribeStacks": self._describe_stacks},
            "sagemaker-runtime": {"InvokeEndpoint": self._invoke_endpoint},
            "api-gateway": self.front_doors.operations(),
            "resource-groups-tagging-api": {"GetResources": lambda _request: {"ResourceTagMappingList": []}},
        }

    def _count_call(self, call: str) -> None:
        if self.is_counting():
            self.calls[call] += 1

    def _note(self, service: str, operation: str, parameters: Parameters) -> None:
        """Note a call that had its effect: the metrics that it read, and the record of the ledger that it changed."""
        if operation == "GetMetricData" and self.is_counting():
            self.metrics_read += metrics_read(parameters["MetricDataQueries"])
        if service == "dynamodb" and operation == "UpdateItem":
            for listen in self.on_record:
                listen(str(parameters["Key"]["record"]["S"]))

    def _look_at_cohort(self, record: str) -> None:
        if record == "cohort":
            self.cohort.in_ledger = (self.record("cohort") or {}).get("cohort")

    def _describe_stacks(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        stack = {
            "StackId": self.declared.intrinsics().stack_id,
            "StackName": self.declared.stack_name,
            "StackStatus": self.stack_status,
            "CreationTime": "2027-01-15T08:00:00Z",
        }
        return {"Stacks": [stack]}

    def _invoke_endpoint(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request to a chosen variant, as its model would."""
        fleet = self.sagemaker.endpoints.find(request["EndpointName"]).fleet
        variant = fleet.variants.get(request["TargetVariant"] or "") if fleet is not None else None
        if variant is None:
            raise ApiError("ValidationError", f"Variant {request['TargetVariant']} not found for Request")
        serving, drawn = self.users.serving(variant, 0.0), self._draw_answers.random()
        if drawn < serving.failing:
            raise ApiError("ModelError", "Received server error (500) from primary", status=424)
        if drawn < serving.failing + serving.refusing:
            raise ApiError("ModelError", "Received client error (400) from primary", status=424)
        return {"body": b"{}", "headers": {"x-Amzn-Invoked-Production-Variant": variant.name}}

    def _sagemaker(self) -> SageMakerHosting:
        return SageMakerHosting(
            place=PLACE,
            clock=self.clock,
            host=SimulatedHost(),
            timing=Timing(
                fleet_update_seconds=FLEET_UPDATE_SECONDS,
                instance_launch_seconds=self.scenario.launch_s,
                weight_update_seconds=WEIGHT_UPDATE_SECONDS,
            ),
            record=self.gaps.record,
            metric_delay=self._metric_delay,
            undocumented=self.scenario.undocumented,
        )

    def _metric_delay(self, source: MetricSource) -> float:
        return self.scenario.metric_delays.of(self._who(source.variant_name)).draw(self._draw_delays)

    def _who(self, variant_name: str) -> str:
        """Return which release a variant holds: `canary` for the one on trial, `stable` otherwise."""
        fleet = self.sagemaker.endpoints.find(self.declared.endpoint_name).fleet if self.has_endpoint() else None
        variant = fleet.variants.get(variant_name) if fleet is not None else None
        return "canary" if variant is not None and variant.model_name == self.release_model else "stable"

    def _users(self) -> Users:
        sources = self.declared.plan.gates.sources.values()
        limits = [source.slow_us / 1000 for source in sources if isinstance(source, SlowRequests)]
        return Users(
            clock=self.clock,
            scenario=self.scenario,
            sagemaker=self.sagemaker,
            endpoint_name=self.declared.endpoint_name,
            canary_model=lambda: self.release_model,
            cohort=self.cohort.now,
            slow_ms=min(limits, default=None),
            fitting=partial(fitting_instances, self.declared.plan.settings.scaling),
            tick_seconds=self._tick_seconds(),
            generator=np.random.default_rng(self._seed()),
        )

    def _publish(self) -> Publisher:
        return Publisher(
            clock=self.clock,
            metrics=self.sagemaker.metrics,
            gaps=self.gaps,
            users=self.users,
            scenario=self.scenario,
            sources=self.declared.plan.gates.sources,
            period_seconds=self._period(),
            delay=self._metric_delay,
            canary_model=lambda: self.release_model,
            generator=np.random.default_rng(self._seed()),
        )

    def _tick_seconds(self) -> float:
        """Return how often users are counted: several times in each metric period, less often where days are waited."""
        if self._period() < 30:  # noqa: PLR2004 - metrics of ten seconds
            return 2.0
        return self._period() / 4 if self.declared.plan.windows else 5.0

    def _period(self) -> int:
        return self.declared.plan.settings.metric_period_seconds

    def _seed(self) -> int:
        return self._draw.getrandbits(32)


def _ledger_name(declared: DeclaredEndpoint) -> str:
    return declared.function_of("prepare").environment[LEDGER_VARIABLE]
