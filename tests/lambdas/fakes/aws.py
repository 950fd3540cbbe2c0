"""An AWS for one test: SageMaker and scaling as the sandbox models them, on a virtual clock, and what else is used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.autoscaling.tracking import TrackingSpeed
from canary_tools.aws_models.hosting.operations import sagemaker_operations, scaling_operations
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.instances import SimulatedHost
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.clock import VirtualClock
from tests.lambdas.fakes.boto_clients import ACCOUNT, REGION, Operation, Parameters
from tests.lambdas.fakes.dynamodb import Table
from tests.lambdas.fakes.services import (
    ApiStages,
    CloudWatch,
    EventBus,
    Network,
    Runtime,
    Stacks,
    StepFunctions,
    Tagging,
)

START = 1_800_000_000.0
CALL_SECONDS = 0.05
TIMING = Timing(fleet_update_seconds=300, instance_launch_seconds=60, weight_update_seconds=30)

DENIED = ApiError("AccessDeniedException", "not authorized")
THROTTLED = ApiError("ThrottlingException", "Rate exceeded")
UNAVAILABLE = ApiError("InternalServerError", "Internal server error", status=500)


@dataclass(frozen=True)
class Call:
    """One call that a handler makes."""

    service: str
    operation: str
    parameters: Parameters


@dataclass
class Fault:
    """An error that calls of one operation get; after its effect, if it has one, or instead of it."""

    error: Exception
    times: int
    after_effect: bool
    when: Callable[[Parameters], bool]


class Aws:
    """The services, by boto3's names.

    Attributes:
        calls: every call so far.
        before_call: runs before each call, which may take long for its handler; it is not called by its own calls.
    """

    def __init__(self, timing: Timing = TIMING) -> None:
        self.clock = VirtualClock(START)
        self.host = SimulatedHost()
        self.sagemaker = SageMakerHosting(
            place=Place(account=ACCOUNT, region=REGION),
            clock=self.clock,
            host=self.host,
            timing=timing,
            record=lambda **_point: None,
            metric_delay=lambda _source: 5.0,
            tracking_speed=TrackingSpeed(),
        )
        self.table = Table()
        self.cloudwatch = CloudWatch(self.clock)
        self.sagemaker.endpoints.alarm_state = self.cloudwatch.alarms.get
        self.states = StepFunctions()
        self.events = EventBus()
        self.stacks = Stacks()
        self.runtime = Runtime()
        self.api_stages = ApiStages()
        self.network = Network(self.clock)
        self.calls: list[Call] = []
        self.before_call: Callable[[Call], None] | None = None
        self._faults: dict[str, list[Fault]] = {}
        self._operations: dict[str, dict[str, Operation]] = {
            "sagemaker": sagemaker_operations(self.sagemaker),
            "application-autoscaling": scaling_operations(self.sagemaker),
            "cloudwatch": self.cloudwatch.operations(),
            "stepfunctions": self.states.operations(),
            "events": self.events.operations(),
            "cloudformation": self.stacks.operations(),
            "resourcegroupstaggingapi": Tagging(self.sagemaker.tags).operations(),
            "sagemaker-runtime": self.runtime.operations(),
            "apigateway": self.api_stages.operations(),
            "ec2": self.network.operations(),
        }

    def answer_also(self, service: str, operations: dict[str, Operation]) -> None:
        """Answer more operations of a service."""
        self._operations[service] |= operations

    def answer(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]:
        """Answer a call: time passes, somebody else may act, and it may fail."""
        call = Call(service, operation, parameters)
        self.calls.append(call)
        self.wait(CALL_SECONDS)
        self._let_others_act(call)
        fault = self._fault(call)
        if fault is not None and not fault.after_effect:
            raise fault.error
        answer = self._effect(call)
        if fault is not None:
            raise fault.error
        return answer

    def fail(
        self,
        operation: str,
        error: Exception,
        *,
        times: int = 1,
        after_effect: bool = False,
        when: Callable[[Parameters], bool] = lambda _parameters: True,
    ) -> None:
        """Let the next calls of an operation fail."""
        self._faults.setdefault(operation, []).append(Fault(error, times, after_effect, when))

    def interrupt(self, operation: str, act: Callable[[], object], *, nth: int = 1) -> None:
        """Let somebody else act, once, right before the nth call of an operation (`""`: any) from now on."""
        left = nth

        def before(call: Call) -> None:
            nonlocal left
            left -= operation in ("", call.operation)
            if left == 0:
                left = -1
                act()

        self.before_call = before

    def send_twice(self, operation: str) -> None:
        """Let a client send each call of an operation twice from now on: the answer to the first one is lost."""

        def before(call: Call) -> None:
            if call.operation == operation:
                self._effect(call)

        self.before_call = before

    def heal(self) -> None:
        """Let no call fail any more."""
        self._faults.clear()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance_to(self.clock.now() + seconds)

    def asked(self, operation: str) -> list[Parameters]:
        """Return the parameters of every call of an operation."""
        return [call.parameters for call in self.calls if call.operation == operation]

    def _effect(self, call: Call) -> dict[str, Any]:
        if call.service == "dynamodb":
            return self.table.call(call.operation, call.parameters)
        return self._operations[call.service][call.operation](call.parameters)

    def _let_others_act(self, call: Call) -> None:
        act, self.before_call = self.before_call, None
        if act is None:
            return
        try:
            act(call)
        finally:
            if self.before_call is None:
                self.before_call = act

    def _fault(self, call: Call) -> Fault | None:
        for fault in self._faults.get(call.operation, []):
            if fault.times > 0 and fault.when(call.parameters):
                fault.times -= 1
                return fault
        return None
