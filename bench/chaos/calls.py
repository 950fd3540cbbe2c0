"""The AWS calls of each state of the state machine. A test compares them with the calls that rehearsals count."""

from collections.abc import Mapping, Sequence

INVOKE = "lambda:Invoke"
READ, WRITE, PUT, DELETE = (f"dynamodb:{name}" for name in ("GetItem", "UpdateItem", "PutItem", "DeleteItem"))
LEDGER = (READ, WRITE, PUT, DELETE, "dynamodb:Query")
LOOK, LOOK_AT_CONFIG = "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"
SET_WEIGHTS = "sagemaker:UpdateEndpointWeightsAndCapacities"
SET_FLOOR = "application-autoscaling:RegisterScalableTarget"
LOOK_AT_FLOORS = "application-autoscaling:DescribeScalableTargets"
ALARM_STATES, METRICS = "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"
SET_STAGE = "apigateway:UpdateStage"
"""Made only when the endpoint has a front door."""
NOTIFY = "events:PutEvents"

OF_TASK: Mapping[str, Sequence[str]] = {
    "Prepare": (
        INVOKE, PUT, READ, WRITE, LOOK, LOOK_AT_CONFIG, ALARM_STATES, LOOK_AT_FLOORS, SET_FLOOR, NOTIFY,
    ),
    "SmokeTest": (INVOKE, READ, "sagemaker:InvokeEndpoint"),
    "ScaleCanary": (INVOKE, READ, LOOK, ALARM_STATES, METRICS, LOOK_AT_FLOORS, SET_FLOOR),
    "ShiftTraffic": (INVOKE, READ, WRITE, LOOK, ALARM_STATES, METRICS, SET_WEIGHTS),
    "Evaluate": (INVOKE, READ, WRITE, LOOK, ALARM_STATES, METRICS, LOOK_AT_FLOORS),
    "Promote": (INVOKE, READ, WRITE, DELETE, LOOK, SET_FLOOR, NOTIFY),
    "RollBack": (INVOKE, READ, WRITE, DELETE, LOOK, SET_WEIGHTS, SET_FLOOR, NOTIFY),
}  # fmt: skip
OF_CLOCK = ("cloudformation:DescribeStacks", "states:StartExecution", "states:DescribeExecution")
"""Made outside the states: by the rule that looks for a lock without a living holder."""
OF_LANDING = ("cloudformation:DescribeStacks", READ, WRITE, LOOK, METRICS, LOOK_AT_FLOORS, SET_FLOOR)
"""Made by the same rule after a rollout: it lets the instances go when their traffic was seen, or after an hour."""
TASK_AFTER_WAIT: Mapping[str, str] = {
    "WaitForQuiet": "Prepare",
    "WaitForInstances": "ScaleCanary",
    "WaitForWeights": "ShiftTraffic",
    "Bake": "Evaluate",
    "WaitForRollback": "RollBack",
}
STATES = (*OF_TASK, *TASK_AFTER_WAIT)
SECOND_LOOK = "RollBack, second look"
"""`RollBack` after an alarm at 100 %: it waits for what stable does with the traffic that it has back."""
OF_SECOND_LOOK = (INVOKE, READ, WRITE, LOOK, METRICS)
"""The calls of the wait and of the look. The other calls of `RollBack` are disturbed in that state."""


RAISED, LOWERED, LAST = "share raised", "share lowered", "last share"
"""Of a paced plan: the first raise and the first lower share within a step, and the change to 100 %."""


def calls_of(state: str) -> Sequence[str]:
    """Return the calls of a state; for a wait, the calls of the task after it.

    >>> calls_of("ShiftTraffic, share raised") == calls_of("WaitForWeights")
    True
    """
    if state == SECOND_LOOK:
        return OF_SECOND_LOOK
    name = state.partition(",")[0]
    return OF_TASK[TASK_AFTER_WAIT.get(name, name)]
