"""Where the running execution of the state machine is: its state, and what it keeps between its tasks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rollout import clock
from rollout.contract.plan import Plan
from rollout.contract.states import StepState
from rollout.contract.timing import CRASH_REPETITIONS, OUTAGE_REPETITIONS, ROLLBACK_REPETITIONS

PAGE_EVENTS = 60
"""As many are read at once. Only in an outage of AWS the last state that was entered is not among them."""
MOST_TRIES = 1 + max(ROLLBACK_REPETITIONS, OUTAGE_REPETITIONS + CRASH_REPETITIONS)
EVENTS_OF_A_TRY = 3
"""It is scheduled, begins and fails. Source:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html"""
MOST_EVENTS = MOST_TRIES * EVENTS_OF_A_TRY + PAGE_EVENTS
"""So many of the newest events hold the last state that was entered, however often its task was repeated."""


@dataclass(frozen=True, kw_only=True)
class Executing:
    """A running execution. `entered_at`: when it entered its state, in ISO 8601."""

    name: str
    state: str
    entered_at: str
    plan: Plan
    step: StepState


def deployed_plan(client: Any, state_machine_arn: str) -> Plan:
    """Return the plan of the next rollout, as the definition of the state machine has it.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html
    """
    answer = client.describe_state_machine(stateMachineArn=state_machine_arn)
    return Plan.parse(json.loads(answer["definition"])["States"]["Plan"]["Result"]["plan"])


def executing(client: Any, state_machine_arn: str, name: str) -> Executing | None:
    """Return where an execution is; `None` when it does not run, or has not entered a state yet.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
    """
    arn = f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    try:
        if client.describe_execution(executionArn=arn)["status"] != "RUNNING":
            return None
        return next(_entered(client, arn, name), None)
    except client.exceptions.ExecutionDoesNotExist:
        return None


def _entered(client: Any, arn: str, name: str) -> Iterator[Executing]:
    """Yield the states that an execution has entered, the newest first. No more events are read than are asked for."""
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": PAGE_EVENTS, "MaxItems": MOST_EVENTS}
    )
    for event in (event for page in pages for event in page["events"]):
        entered = event.get("stateEnteredEventDetails", {})
        state = _state(entered)
        if "plan" in state:
            yield Executing(
                name=name,
                state=entered["name"],
                entered_at=clock.iso(event["timestamp"].timestamp()),
                plan=Plan.parse(state["plan"]),
                step=StepState.parse(state["step"]),
            )


def _state(entered: dict[str, Any]) -> dict[str, Any]:
    """Return the state machine's data as a state got it. The first state has none yet."""
    try:
        state: dict[str, Any] = json.loads(entered.get("input") or "{}")
    except ValueError:  # Step Functions may cut what is too long for a history
        return {}
    return state
