"""What a rehearsal needs of a synthesised template: each `CanaryEndpoint` with all that was declared for it."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary_tools.rehearsal.json_input.json_object import Reader, RehearsalError, read_json
from canary_tools.rehearsal.template.intrinsics import Intrinsics

NEWEST_SCHEMA = 1

_MACHINE = "AWS::StepFunctions::StateMachine"
_FUNCTION = "AWS::Lambda::Function"
_HANDLERS = "rollout.handlers."
_OF_A_PLAN = frozenset({"schema", "endpoint", "steps"})
_SUFFIXES = (".template.json", ".json")
_FAILURES = (AttributeError, IndexError, KeyError, RecursionError, StopIteration, TypeError, ValueError)
"""What reading runs into where a template is not as this library writes it."""


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
    """One `CanaryEndpoint` of a template. `construct`: its path in the construct tree."""

    construct: str
    plan: Mapping[str, Any]
    definition: str
    machine_arn: str
    machine_name: str
    machine_metadata: Mapping[str, Any]
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
        """Return a handler by the name of its module."""
        for function in self.functions.values():
            if function.short_name == short_name:
                return function
        raise RehearsalError(f"the template has no function whose handler is {_HANDLERS}{short_name}.handler")


def properties_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of a resource, which may have none."""
    properties: Mapping[str, Any] = resource.get("Properties", {})
    return properties


def referred(value: object) -> str:
    """Return the logical ID that a `Ref` or `Fn::GetAtt` names; empty for any other value.

    >>> referred({"Fn::GetAtt": ["Handler", "Arn"]}), referred({"Ref": "Topic"}), referred("arn:aws:sns:...")
    ('Handler', 'Topic', '')
    """
    if not isinstance(value, Mapping):
        return ""
    attribute = value.get("Fn::GetAtt", "")
    logical_id = attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]
    return str(logical_id or value.get("Ref", ""))


def if_known(values: Intrinsics, value: object) -> Any:
    """Return a value, or `None` for one that a rehearsal cannot know, as other people's resources may have.

    What belongs to an endpoint is known: the plan names it, and the plan could be read.
    """
    try:
        return values.resolve(value)
    except _FAILURES:
        return None


def find_endpoint(path: Path, name: str | None) -> DeclaredEndpoint:
    """Return the template's `CanaryEndpoint`, or the one of this endpoint or construct name.

    Raises:
        RehearsalError: when there is none, or a choice is needed.
    """
    endpoints = read_template(path)
    wanted = [found for found in endpoints if name is None or found.is_called(name)]
    names = ", ".join(f"{found.endpoint_name} ({found.construct})" for found in endpoints)
    if not wanted:
        raise RehearsalError(f"{path} has no CanaryEndpoint named {name}; it has {names}")
    if len(wanted) > 1:
        raise RehearsalError(f"{path} has {len(wanted)} of them; choose one with --endpoint: {names}")
    return wanted[0]


def read_template(path: Path) -> list[DeclaredEndpoint]:
    """Read every `CanaryEndpoint` of a synthesised template.

    Raises:
        RehearsalError: when it is no template, there is none in it, or one is not as this library synthesises it.
    """
    template = _load(path)
    stack_name = path.name
    for suffix in _SUFFIXES:
        stack_name = stack_name.removesuffix(suffix)
    try:
        endpoints = list(_TemplateReader(template, stack_name, path.parent).endpoints())
    except RehearsalError as error:
        raise RehearsalError(f"{path}: {error}") from None
    except _FAILURES as error:
        raise RehearsalError(f"{path} is not a template that this library synthesised: {_in_words(error)}") from error
    if not endpoints:
        raise RehearsalError(f"{path} has no CanaryEndpoint in it (no state machine that starts with a rollout's plan)")
    return endpoints


def _load(path: Path) -> Mapping[str, Any]:
    template = read_json(path)
    if not isinstance(template, Mapping) or not isinstance(template.get("Resources"), Mapping):
        raise RehearsalError(f"{path} is not a synthesised template: it has no Resources")
    for logical_id, resource in template["Resources"].items():
        if not isinstance(resource, Mapping) or not isinstance(resource.get("Type"), str):
            raise RehearsalError(f"{path} is not a synthesised template: its resource {logical_id} has no Type")
        if not isinstance(properties_of(resource), Mapping):
            raise RehearsalError(f"{path} is not a synthesised template: the Properties of {logical_id} are no object")
    return template


def _in_words(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else f"{type(error).__name__} ({error})"


class _TemplateReader:
    def __init__(self, template: Mapping[str, Any], stack_name: str, folder: Path) -> None:
        self._template = template
        self._intrinsics = Intrinsics(template, stack_name)
        self._stack_name = stack_name
        self._folder = folder

    def endpoints(self) -> Iterator[DeclaredEndpoint]:
        for logical_id, machine in self._of_type(_MACHINE):
            written = properties_of(machine).get("DefinitionString", "")
            definition = self._intrinsics.resolve(written) if _may_hold_a_plan(written) else ""
            plan = _plan_in(definition)
            if plan is not None:
                yield self._endpoint(logical_id, machine, definition, plan)

    def _endpoint(
        self, logical_id: str, machine: Mapping[str, Any], definition: str, plan: Mapping[str, Any]
    ) -> DeclaredEndpoint:
        _check_plan(plan)
        functions = dict(self._functions())
        declared = DeclaredEndpoint(
            construct=_construct_path(machine, logical_id),
            plan=plan,
            definition=definition,
            machine_arn=self._intrinsics.arn(logical_id),
            machine_name=self._intrinsics.name(logical_id),
            machine_metadata=machine.get("Metadata", {}),
            functions={function.arn: function for function in functions.values()},
            rules=tuple(rule for rule in self._rules(functions) if rule.concerns(plan["endpoint"])),
            alarms=tuple(self._alarms({name for names in plan["alarms"].values() for name in names})),
            template=self._template,
            stack_name=self._stack_name,
        )
        _check_parts(declared)
        return declared

    def _functions(self) -> Iterator[tuple[str, Function]]:
        """Yield the handlers by logical ID."""
        retries = {
            referred(properties_of(config).get("FunctionName")): properties_of(config)
            for _, config in self._of_type("AWS::Lambda::EventInvokeConfig")
        }
        for logical_id, resource in self._of_type(_FUNCTION):
            properties = properties_of(resource)
            if not str(properties.get("Handler", "")).startswith(_HANDLERS):
                continue
            asset = str(self._intrinsics.resolve(properties["Code"])["S3Key"]).split("/")[-1]
            function = Function(
                arn=self._intrinsics.arn(logical_id),
                name=self._intrinsics.name(logical_id),
                handler=properties["Handler"],
                timeout_seconds=float(properties.get("Timeout", 3)),
                memory_mb=int(properties.get("MemorySize", 128)),
                environment=self._intrinsics.resolve(properties.get("Environment", {}).get("Variables", {})),
                code=self._code(asset),
                asynchronous_retries=int(retries.get(logical_id, {}).get("MaximumRetryAttempts", 2)),
            )
            yield logical_id, function

    def _code(self, key: str) -> Path | None:
        """Return the folder that the CDK packs for this object of the asset bucket, if it lies beside the template."""
        folder = self._folder / f"asset.{Path(key).stem}"
        return folder if (folder / "rollout").is_dir() else None

    def _rules(self, functions: Collection[str]) -> Iterator[Rule]:
        for logical_id, rule in self._of_type("AWS::Events::Rule"):
            properties = properties_of(rule)
            for target in properties.get("Targets", []):
                if isinstance(target, Mapping) and referred(target.get("Arn")) in functions:
                    yield self._rule(logical_id, properties, self._intrinsics.resolve(target))

    def _rule(self, logical_id: str, properties: Mapping[str, Any], target: Mapping[str, Any]) -> Rule:
        pattern = self._intrinsics.resolve(properties.get("EventPattern"))
        return Rule(
            name=logical_id,
            function_arn=target["Arn"],
            pattern="" if pattern is None else json.dumps(pattern),
            transformer=target.get("InputTransformer", {}),
            period_seconds=_period_seconds(properties.get("ScheduleExpression", "")),
            input=target.get("Input", ""),
        )

    def _alarms(self, names: Collection[str]) -> Iterator[Mapping[str, Any]]:
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            for logical_id, alarm in self._of_type(kind):
                name = if_known(self._intrinsics, {"Ref": logical_id})
                if name in names:
                    yield {**self._intrinsics.resolve(properties_of(alarm)), "AlarmName": name}

    def _of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for logical_id, resource in self._template["Resources"].items():
            if resource["Type"] == kind:
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


def _text_of(written: object) -> str:
    """Return all texts in a value whose functions are not replaced yet.

    >>> _text_of({"Fn::Join": ["", ['{"plan":', {"Ref": "Alarm"}, "}"]]})
    '{"plan":Alarm}'
    """
    if isinstance(written, Mapping):
        return _text_of(list(written.values()))
    return "".join(map(_text_of, written)) if isinstance(written, list) else str(written)


def _may_hold_a_plan(written: object) -> bool:
    """Tell whether a definition whose functions are not replaced yet can be that of a rollout."""
    text = _text_of(written)
    return all(f'"{key}"' in text for key in _OF_A_PLAN)


def _plan_in(definition: str) -> Mapping[str, Any] | None:
    """Return the plan that a rollout's state machine begins with."""
    try:
        parsed = json.loads(definition)
        plan = parsed["States"][parsed["StartAt"]]["Result"]["plan"]
    except (ValueError, KeyError, TypeError):
        return None
    return plan if isinstance(plan, Mapping) and plan.keys() >= _OF_A_PLAN else None


def _check_plan(plan: Mapping[str, Any]) -> None:
    """Refuse a plan that lacks what a rehearsal needs of it.

    Raises:
        RehearsalError: with the sentence that says what is wrong with it.
    """
    reader = Reader(plan, "the plan")
    schema = reader.whole("schema", least=1)
    if schema > NEWEST_SCHEMA:
        raise RehearsalError(f"the plan's schema {schema} is newer than {NEWEST_SCHEMA}, known here")
    reader.text("endpoint")
    for key in ("metric_period_seconds", "evaluation_interval_seconds", "poll_seconds"):
        reader.whole(key, least=1)
    for key in ("capacity_timeout_seconds", "weights_timeout_seconds"):
        reader.whole(key, least=0)
    _check_scaling(reader.section("scaling"))
    _check_gates(reader.section("gates"))
    reader.section("alarms")
    steps = reader.sections("steps")
    for step in steps:
        for key in ("bake_seconds", "max_bake_seconds"):
            step.whole(key, least=0)
    if not steps:
        raise RehearsalError("the plan must have a step, got none")


def _check_scaling(scaling: Reader) -> None:
    for key in ("min_instances", "max_instances", "idle_instances"):
        scaling.whole(key, least=0)
    scaling.optional_number("invocations_per_instance", above=0)


def _check_gates(gates: Reader) -> None:
    gates.section("sources")
    if not gates.section("judge").sections("gates"):
        raise RehearsalError(f"{gates.name} must have a gate, got none")


def _check_parts(declared: DeclaredEndpoint) -> None:
    """Refuse a template that lacks what a deploy of this endpoint and its rollout need."""
    declared.config()
    declared.model()
    declared.resource("Custom::VerifiedEndpoint")
    for name in ("release_slots", "verified_endpoint", "prepare"):
        declared.function_of(name)
    for name, state in json.loads(declared.definition)["States"].items():
        if state["Type"] == "Task" and state["Resource"] not in declared.functions:
            raise RehearsalError(f"state {name} calls {state['Resource']}, which is no handler of the template")


def _construct_path(machine: Mapping[str, Any], logical_id: str) -> str:
    """Return the path of the construct, which stands above `Rollout`, or what the logical ID has of it."""
    path = str(machine.get("Metadata", {}).get("aws:cdk:path", ""))
    return path.rpartition("/Rollout/")[0] or re.sub(r"Rollout[0-9A-F]{8}$", "", logical_id)
