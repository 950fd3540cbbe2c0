"""One `CanaryEndpoint` of a template, with everything that the template declares for it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollout.contract.hosting import RELEASE_SCALING
from rollout.contract.plan import Plan, Scaling

from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.template.intrinsics import Intrinsics
from canary_tools.rehearsal.template.resources import if_known, properties_of, referred

HANDLERS = "rollout.handlers."


@dataclass(frozen=True, kw_only=True)
class Function:
    """One Lambda function. `handler` is its module and attribute, `code` its folder beside the template."""

    arn: str
    name: str
    handler: str
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str]
    code: Path | None
    asynchronous_retries: int

    @property
    def short_name(self) -> str:
        """The name of the handler's module, such as `shift_traffic`."""
        return self.handler.split(".")[-2]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An EventBridge rule that calls a function, for events of a pattern or by the clock.

    `pattern` is JSON text, as EventBridge takes it; empty for a rule that calls with `input` every `period_seconds`.
    """

    name: str
    function_arn: str
    pattern: str = ""
    transformer: Mapping[str, Any]
    period_seconds: float = 0
    input: str = ""

    def concerns(self, endpoint: str) -> bool:
        """Tell whether the function is called about this endpoint."""
        return f'"endpoint":"{endpoint}"' in self.input + str(self.transformer.get("InputTemplate", ""))


@dataclass(frozen=True, kw_only=True)
class StreamCall:
    """A function that is called with what is written to the ledger. `patterns`: JSON texts, of which one must match."""

    function_arn: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DeclaredEndpoint:
    """One `CanaryEndpoint` of a template. `construct`: its path in the construct tree."""

    construct: str
    plan: Plan
    definition: str
    machine_arn: str
    machine_name: str
    machine_metadata: Mapping[str, Any]
    functions: Mapping[str, Function]
    rules: tuple[Rule, ...]
    stream_calls: tuple[StreamCall, ...]
    alarms: tuple[Mapping[str, Any], ...]
    template: Mapping[str, Any]
    stack_name: str

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name."""
        return self.plan.settings.endpoint

    def is_called(self, name: str) -> bool:
        """Tell whether this is the endpoint's name, or the construct's ID or path."""
        return name in {self.endpoint_name, self.construct, self.construct.rpartition("/")[2]}

    def resource(self, kind: str) -> tuple[str, Mapping[str, Any]]:
        """Return this endpoint's resource of a type and its logical ID, by the endpoint's name in its properties.

        Raises:
            RehearsalError: when there is none.
        """
        values = self.intrinsics()
        for logical_id, resource in self.resources(kind):
            if if_known(values, properties_of(resource).get("EndpointName")) == self.endpoint_name:
                return logical_id, resource
        raise RehearsalError(f"the template has no {kind} for endpoint {self.endpoint_name}")

    def release_scaling(self) -> Scaling:
        """Return the scaling of the release that the template deploys: its own, or the endpoint's."""
        _, slots = self.resource("Custom::ReleaseSlots")
        own = slots["Properties"].get(RELEASE_SCALING)
        return self.plan.settings.scaling if own is None else Scaling.parse(json.loads(self.intrinsics().resolve(own)))

    def config(self) -> Mapping[str, Any]:
        """Return the endpoint config that the template gives the endpoint."""
        _, endpoint = self.resource("AWS::SageMaker::Endpoint")
        return self._referred_to_by(endpoint["Properties"]["EndpointConfigName"])

    def model(self) -> Mapping[str, Any]:
        """Return the model that the deploy hands to the guard, which is the one of this endpoint."""
        _, slots = self.resource("Custom::ReleaseSlots")
        return self._referred_to_by(slots["Properties"]["ModelName"])

    def _referred_to_by(self, reference: object) -> Mapping[str, Any]:
        resource: Mapping[str, Any] = self.template["Resources"][referred(reference)]
        return resource

    def resources(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the resources of a type, by logical ID."""
        for logical_id, resource in self.template["Resources"].items():
            if resource["Type"] == kind:
                yield logical_id, resource

    def intrinsics(self, attributes: Mapping[str, Mapping[str, Any]] | None = None) -> Intrinsics:
        """Return the values of the template, given what custom resources answered."""
        return Intrinsics(self.template, self.stack_name, attributes)

    def function_of(self, short_name: str) -> Function:
        """Return a handler by the name of its module.

        Raises:
            RehearsalError: when the template has no such handler.
        """
        for function in self.functions.values():
            if function.short_name == short_name:
                return function
        raise RehearsalError(f"the template has no function whose handler is {HANDLERS}{short_name}.handler")
