"""Which AWS calls each state of the machine makes. A test compares them with what rehearsals count."""

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
"""Made only where a front door stands before the endpoint."""
PUBLISH, NOTIFY = "cloudwatch:PutMetricData", "events:PutEvents"

OF_TASK: Mapping[str, Sequence[str]] = {
    "Prepare": (
        INVOKE, PUT, READ, WRITE, LOOK, LOOK_AT_CONFIG, ALARM_STATES, LOOK_AT_FLOORS, SET_FLOOR, NOTIFY,
    ),
    "SmokeTest": (INVOKE, READ, "sagemaker:InvokeEndpoint"),
    "ScaleCanary": (INVOKE, READ, LOOK, METRICS, LOOK_AT_FLOORS, SET_FLOOR),
    "ShiftTraffic": (INVOKE, READ, WRITE, LOOK, SET_WEIGHTS),
    "Evaluate": (INVOKE, READ, WRITE, LOOK, ALARM_STATES, METRICS, PUBLISH, LOOK_AT_FLOORS),
    "Promote": (INVOKE, READ, WRITE, DELETE, LOOK, SET_FLOOR, NOTIFY),
    "RollBack": (INVOKE, READ, WRITE, DELETE, LOOK, SET_WEIGHTS, SET_FLOOR, NOTIFY),
}  # fmt: skip
OF_CLOCK = ("cloudformation:DescribeStacks", "states:StartExecution")
"""Made beside the states, by the rule that looks for a lock that somebody left."""
TASK_AFTER_WAIT: Mapping[str, str] = {
    "WaitForQuiet": "Prepare",
    "WaitForInstances": "ScaleCanary",
    "WaitForWeights": "ShiftTraffic",
    "Bake": "Evaluate",
    "WaitForRollback": "RollBack",
}
STATES = (*OF_TASK, *TASK_AFTER_WAIT)


def calls_of(state: str) -> Sequence[str]:
    """Return what a state calls; of a wait, what the task after it does."""
    return OF_TASK[TASK_AFTER_WAIT.get(state, state)]
