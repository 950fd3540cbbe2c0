"""Reads a synthesised template: each `CanaryEndpoint` with everything that is declared for it."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from rollout.contract.plan import Plan

from canary_tools.rehearsal.json_input.json_object import RehearsalError, read_json
from canary_tools.rehearsal.template.called_functions import handlers, of_type, rules, stream_calls
from canary_tools.rehearsal.template.declared import DeclaredEndpoint
from canary_tools.rehearsal.template.intrinsics import Intrinsics
from canary_tools.rehearsal.template.resources import NOT_AS_SYNTHESISED, if_known, properties_of
from canary_tools.rehearsal.template.written_plan import alarm_names, may_hold_a_plan, plan_in

_SUFFIXES = (".template.json", ".json")


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
    except NOT_AS_SYNTHESISED as error:
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
        self._resources = template["Resources"]
        self._values = Intrinsics(template, stack_name)
        self._folder = folder

    def endpoints(self) -> Iterator[DeclaredEndpoint]:
        for logical_id, machine in of_type(self._resources, "AWS::StepFunctions::StateMachine"):
            written = properties_of(machine).get("DefinitionString", "")
            definition = self._values.resolve(written) if may_hold_a_plan(written) else ""
            plan = plan_in(definition)
            if plan is not None:
                yield self._endpoint(logical_id, machine, definition, plan)

    def _endpoint(self, logical_id: str, machine: Mapping[str, Any], definition: str, plan: Plan) -> DeclaredEndpoint:
        functions = dict(handlers(self._resources, self._values, self._folder))
        calling = rules(self._resources, self._values, functions)
        declared = DeclaredEndpoint(
            construct=_construct_path(machine, logical_id),
            plan=plan,
            definition=definition,
            machine_arn=self._values.arn(logical_id),
            machine_name=self._values.name(logical_id),
            machine_metadata=machine.get("Metadata", {}),
            functions={function.arn: function for function in functions.values()},
            rules=tuple(rule for rule in calling if rule.concerns(plan.settings.endpoint)),
            stream_calls=tuple(stream_calls(self._resources, self._values, functions)),
            alarms=tuple(self._alarms(alarm_names(plan))),
            template=self._template,
            stack_name=self._values.stack_name,
        )
        _check_parts(declared)
        return declared

    def _alarms(self, names: Collection[str]) -> Iterator[Mapping[str, Any]]:
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            for logical_id, alarm in of_type(self._resources, kind):
                name = if_known(self._values, {"Ref": logical_id})
                if name in names:
                    yield {**self._values.resolve(properties_of(alarm)), "AlarmName": name}


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
