"""Where the running execution of the state machine is: its state, and what it keeps between its tasks."""

import json
from dataclasses import dataclass
from typing import Any

from rollout import clock
from rollout.contract.plan import Plan
from rollout.contract.states import StepState

NEWEST_EVENTS = 60
"""So many events of an execution hold the last state that it entered, though a task was repeated many times."""


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
        events = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=NEWEST_EVENTS)["events"]
    except client.exceptions.ExecutionDoesNotExist:
        return None
    for event in events:
        entered = event.get("stateEnteredEventDetails", {})
        state = _state(entered)
        if "plan" in state:
            return Executing(
                name=name,
                state=entered["name"],
                entered_at=clock.iso(event["timestamp"].timestamp()),
                plan=Plan.parse(state["plan"]),
                step=StepState.parse(state["step"]),
            )
    return None


def _state(entered: dict[str, Any]) -> dict[str, Any]:
    """Return the state machine's data as a state got it. The first state has none yet."""
    try:
        state: dict[str, Any] = json.loads(entered.get("input") or "{}")
    except ValueError:  # Step Functions may cut what is too long for a history
        return {}
    return state
