"""What a rehearsal needs of a synthesised template: each `CanaryEndpoint` with all that was declared for it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary_tools.rehearsal.intrinsics import Intrinsics
from canary_tools.rehearsal.reading import RehearsalError

NEWEST_SCHEMA = 1

_MACHINE = "AWS::StepFunctions::StateMachine"
_FUNCTION = "AWS::Lambda::Function"
_SUFFIXES = (".template.json", ".json")


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
class DeclaredEndpoint:
    """One `CanaryEndpoint` of a template."""

    construct: str
    plan: Mapping[str, Any]
    definition: str
    machine_arn: str
    machine_name: str
    functions: Mapping[str, Function]
    rules: tuple[Rule, ...]
    alarms: tuple[Mapping[str, Any], ...]
    template: Mapping[str, Any]
    stack_name: str

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name."""
        name: str = self.plan["endpoint"]
        return name

    def is_called(self, name: str) -> bool:
        """Tell whether this is the endpoint's name or the construct's."""
        return name in {self.endpoint_name, self.construct} or self.construct.startswith(name)

    def resources(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the resources of a type, by logical ID."""
        for logical_id, resource in self.template["Resources"].items():
            if resource["Type"] == kind:
                yield logical_id, resource

    def intrinsics(self, attributes: Mapping[str, Mapping[str, Any]] | None = None) -> Intrinsics:
        """Return the values of the template, given what custom resources answered."""
        return Intrinsics(self.template, self.stack_name, attributes)

    def function_of(self, short_name: str) -> Function:
        """Return a handler by the name of its module."""
        return next(function for function in self.functions.values() if function.short_name == short_name)


def find_endpoint(path: Path, name: str | None) -> DeclaredEndpoint:
    """Return the template's `CanaryEndpoint`, or the one of this endpoint or construct name.

    Raises:
        RehearsalError: when there is none, or a choice is needed.
    """
    endpoints = read_template(path)
    wanted = [found for found in endpoints if name is None or found.is_called(name)]
    names = ", ".join(found.endpoint_name for found in endpoints)
    if not wanted:
        raise RehearsalError(f"{path} has no CanaryEndpoint named {name}; it has {names}")
    if len(wanted) > 1:
        raise RehearsalError(f"{path} has {len(wanted)} of them; choose one with --endpoint: {names}")
    return wanted[0]


def read_template(path: Path) -> list[DeclaredEndpoint]:
    """Read every `CanaryEndpoint` of a synthesised template.

    Raises:
        RehearsalError: when it is no template, or there is none in it.
    """
    template = _load(path)
    stack_name = path.name
    for suffix in _SUFFIXES:
        stack_name = stack_name.removesuffix(suffix)
    reader = _TemplateReader(template, stack_name, path.parent)
    endpoints = list(reader.endpoints())
    if not endpoints:
        raise RehearsalError(f"{path} has no CanaryEndpoint in it (no state machine that starts with a rollout's plan)")
    return endpoints


def _load(path: Path) -> Mapping[str, Any]:
    try:
        template = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RehearsalError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RehearsalError(f"{path} is not JSON: {error}") from None
    if not isinstance(template, Mapping) or not isinstance(template.get("Resources"), Mapping):
        raise RehearsalError(f"{path} is not a synthesised template: it has no Resources")
    return template


class _TemplateReader:
    def __init__(self, template: Mapping[str, Any], stack_name: str, folder: Path) -> None:
        self._template = template
        self._intrinsics = Intrinsics(template, stack_name)
        self._stack_name = stack_name
        self._folder = folder

    def endpoints(self) -> Iterator[DeclaredEndpoint]:
        for logical_id, machine in self._of_type(_MACHINE):
            definition = self._intrinsics.resolve(machine["Properties"].get("DefinitionString", ""))
            plan = _plan_in(definition)
            if plan is not None:
                yield self._endpoint(logical_id, machine, definition, plan)

    def _endpoint(
        self, logical_id: str, machine: Mapping[str, Any], definition: str, plan: Mapping[str, Any]
    ) -> DeclaredEndpoint:
        if plan["schema"] > NEWEST_SCHEMA:
            raise RehearsalError(f"the plan's schema {plan['schema']} is newer than {NEWEST_SCHEMA}, known here")
        functions = {function.arn: function for function in self._functions()}
        alarm_names = {name for names in plan["alarms"].values() for name in names}
        alarms = self._alarms()
        return DeclaredEndpoint(
            construct=_construct_name(machine, logical_id),
            plan=plan,
            definition=definition,
            machine_arn=self._intrinsics.arn(logical_id),
            machine_name=self._intrinsics.name(logical_id),
            functions=functions,
            rules=tuple(rule for rule in self._rules(functions) if rule.concerns(plan["endpoint"])),
            alarms=tuple(alarm for name, alarm in alarms.items() if name in alarm_names),
            template=self._template,
            stack_name=self._stack_name,
        )

    def _functions(self) -> Iterator[Function]:
        retries = {
            self._intrinsics.resolve(config["Properties"]["FunctionName"]): config["Properties"]
            for _, config in self._of_type("AWS::Lambda::EventInvokeConfig")
        }
        for logical_id, function in self._of_type(_FUNCTION):
            properties = function["Properties"]
            asset = str(self._intrinsics.resolve(properties.get("Code", {})).get("S3Key", "")).split("/")[-1]
            if not str(properties.get("Handler", "")).startswith("rollout.handlers."):
                continue
            name = self._intrinsics.name(logical_id)
            yield Function(
                arn=self._intrinsics.arn(logical_id),
                name=name,
                handler=properties["Handler"],
                timeout_seconds=float(properties.get("Timeout", 3)),
                memory_mb=int(properties.get("MemorySize", 128)),
                environment=self._intrinsics.resolve(properties.get("Environment", {}).get("Variables", {})),
                code=self._code(asset),
                asynchronous_retries=int(retries.get(name, {}).get("MaximumRetryAttempts", 2)),
            )

    def _code(self, key: str) -> Path | None:
        """Return the folder that the CDK packs for this object of the asset bucket, if it lies beside the template."""
        folder = self._folder / f"asset.{Path(key).stem}"
        return folder if (folder / "rollout").is_dir() else None

    def _rules(self, functions: Mapping[str, Function]) -> Iterator[Rule]:
        for logical_id, rule in self._of_type("AWS::Events::Rule"):
            properties = self._intrinsics.resolve(rule["Properties"])
            for target in properties.get("Targets", []):
                if target["Arn"] in functions:
                    yield Rule(
                        name=logical_id,
                        function_arn=target["Arn"],
                        pattern=json.dumps(properties["EventPattern"]) if "EventPattern" in properties else "",
                        transformer=target.get("InputTransformer", {}),
                        period_seconds=_period_seconds(properties.get("ScheduleExpression", "")),
                        input=target.get("Input", ""),
                    )

    def _alarms(self) -> dict[str, Mapping[str, Any]]:
        alarms: dict[str, Mapping[str, Any]] = {}
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            for logical_id, alarm in self._of_type(kind):
                name = self._intrinsics.name(logical_id)
                alarms[name] = {**self._intrinsics.resolve(alarm["Properties"]), "AlarmName": name}
        return alarms

    def _of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for logical_id, resource in self._template["Resources"].items():
            if resource.get("Type") == kind:
                yield logical_id, resource


def _period_seconds(schedule: str) -> float:
    """Return the period of a schedule, 0 without one.

    Raises:
        RehearsalError: when it is another schedule than the product's own, a number of minutes.

    >>> _period_seconds("rate(15 minutes)")
    900.0
    """
    found = re.fullmatch(r"rate\((\d+) minutes?\)", schedule)
    if schedule and not found:
        raise RehearsalError(f"a rule's schedule must be a rate in minutes, got {schedule}")
    return int(found[1]) * 60.0 if found else 0.0


def _plan_in(definition: str) -> Mapping[str, Any] | None:
    """Return the plan that a rollout's state machine begins with."""
    try:
        parsed = json.loads(definition)
        plan = parsed["States"][parsed["StartAt"]]["Result"]["plan"]
    except (ValueError, KeyError, TypeError):
        return None
    return plan if isinstance(plan, Mapping) and {"schema", "endpoint", "steps"} <= plan.keys() else None


def _construct_name(machine: Mapping[str, Any], logical_id: str) -> str:
    """Return the construct's ID: the name above the state machine's in its path."""
    path = machine.get("Metadata", {}).get("aws:cdk:path", logical_id).split("/")
    return str(path[-3] if len(path) > 2 else path[0])  # noqa: PLR2004 - <construct>/Rollout/Resource
