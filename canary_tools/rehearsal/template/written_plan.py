"""The plan of a rollout as a template has it: in the state machine's definition, which begins with it."""

import json
from collections.abc import Mapping
from typing import Any

from rollout.contract.gate_rules import InvalidGatesError
from rollout.contract.plan import SCHEMA, Plan

from canary_tools.rehearsal.json_input.json_object import Reader, RehearsalError

_OF_A_PLAN = frozenset({"schema", "endpoint", "steps"})


def may_hold_a_plan(written: object) -> bool:
    """Tell whether a definition whose functions are not replaced yet can be that of a rollout."""
    text = _text_of(written)
    return all(f'"{key}"' in text for key in _OF_A_PLAN)


def plan_in(definition: str) -> Plan | None:
    """Return the plan that a rollout's state machine begins with; `None` for any other state machine.

    Raises:
        RehearsalError: when no rollout can follow the plan.
    """
    try:
        parsed = json.loads(definition)
        plan = parsed["States"][parsed["StartAt"]]["Result"]["plan"]
    except (ValueError, KeyError, TypeError):
        return None
    return _parsed(plan) if isinstance(plan, Mapping) and plan.keys() >= _OF_A_PLAN else None


def alarm_names(plan: Plan) -> list[str]:
    """Return the names of all alarms of a plan, those of its caller included."""
    return [name for names in plan.settings.alarms.values() for name in names]


def _parsed(plan: Mapping[str, Any]) -> Plan:
    _check(Reader(plan, "the plan"))
    try:
        return Plan.parse(plan)
    except InvalidGatesError as error:
        raise RehearsalError(f"the plan: gates: {error}") from None


def _text_of(written: object) -> str:
    """Return all texts in a value whose functions are not replaced yet.

    >>> _text_of({"Fn::Join": ["", ['{"plan":', {"Ref": "Alarm"}, "}"]]})
    '{"plan":Alarm}'
    """
    if isinstance(written, Mapping):
        return _text_of(list(written.values()))
    return "".join(map(_text_of, written)) if isinstance(written, list) else str(written)


def _check(plan: Reader) -> None:
    """Refuse a plan that lacks what a rehearsal needs of it.

    Raises:
        RehearsalError: with the sentence that says what is wrong with it.
    """
    schema = plan.whole("schema", least=1)
    if schema > SCHEMA:
        raise RehearsalError(f"the plan's schema {schema} is newer than {SCHEMA}, known here")
    plan.text("endpoint")
    for key in ("metric_period_seconds", "evaluation_interval_seconds", "poll_seconds"):
        plan.whole(key, least=1)
    for key in ("capacity_timeout_seconds", "weights_timeout_seconds"):
        plan.whole(key, least=0)
    _check_scaling(plan.section("scaling"))
    _check_gates(plan.section("gates"))
    plan.section("alarms")
    _check_steps(plan.sections("steps"))


def _check_scaling(scaling: Reader) -> None:
    for key in ("min_instances", "max_instances", "idle_instances"):
        scaling.whole(key, least=0)
    scaling.optional_number("invocations_per_instance", above=0)
    for minimum in scaling.optional_sections("scheduled"):
        minimum.whole("min_instances", least=1)
        minimum.whole("start", least=0)
        minimum.whole("minutes", least=1)
        minimum.text("time_zone")
    for followed in scaling.optional_sections("follows"):
        for key in ("namespace", "name", "statistic", "target"):
            followed.text(key)


def _check_gates(gates: Reader) -> None:
    gates.section("sources")
    if not gates.section("judge").sections("gates"):
        raise RehearsalError(f"{gates.name} must have a gate, got none")


def _check_steps(steps: list[Reader]) -> None:
    for step in steps:
        for key in ("bake_seconds", "max_bake_seconds", "min_requests", "percent"):
            step.whole(key, least=0)
    if not steps:
        raise RehearsalError("the plan must have a step, got none")
