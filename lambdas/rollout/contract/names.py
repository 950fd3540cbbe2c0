"""Names that are written in one place and read in another."""

SLOT_A = "variant-a"
SLOT_B = "variant-b"
SLOTS = (SLOT_A, SLOT_B)
"""The production variants. Roles move between them, names never change."""
CALLER = "caller"
"""Where a plan lists the alarms that the caller of the construct gave."""
TAG = "canary-construct:endpoint"
"""On every model and endpoint config; its value is the endpoint's name."""
STACK_TAG = "canary-construct:stack"
"""Beside it; its value is the stack's mark, by which IAM keeps stacks apart."""
FLEET_ALARMS = "FleetUpdateAlarms"
"""The property of `Custom::VerifiedEndpoint` with the alarms that SageMaker watches while it swaps the fleet."""
LEDGER_TAG = "canary-construct:ledger"
"""On every state machine, beside the first: the name of the ledger's table."""
STACK_ID_TAG = "canary-construct:stack-id"
CONSTRUCT_TAG = "canary-construct:construct"
"""Beside it: the stack that people deploy, and the construct's path in it. By these tags tools find an endpoint."""
PLAN_METADATA = "canary-construct:plan"
"""The key of the plan's summary in the metadata of the state machine."""
LEDGER_VARIABLE = "LEDGER_TABLE"
"""The environment variable of every handler that names the ledger's table."""
STACK_VARIABLE = "STACK_MARK"
"""The environment variable of every handler with the value of `STACK_TAG`."""

EVENT_SOURCE = "canary-construct"
"""Of the events on the default bus that tell how a rollout goes."""
RUNNING, PROMOTED, ROLLED_BACK, NOT_JUDGED = "RUNNING", "PROMOTED", "ROLLED_BACK", "NOT_JUDGED"
"""The outcomes of a rollout in the ledger. `NOT_JUDGED`: it ended safe, but not because of the release."""
ENDINGS = frozenset({PROMOTED, ROLLED_BACK, NOT_JUDGED})
"""The outcomes of a rollout that is over."""

SAGEMAKER_NAMESPACE = "AWS/SageMaker"
"""Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"""
ENDPOINT_DIMENSION, VARIANT_DIMENSION = "EndpointName", "VariantName"
INVOCATIONS = "Invocations"
CONCURRENCY = "ConcurrentRequestsPerModel"
"""Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html"""

SCALED_SERVICE = "sagemaker"
SCALED_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
"""What Application Auto Scaling changes. Source:
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html"""


def state_machine_name(endpoint: str, stack_mark: str) -> str:
    """Return the name of an endpoint's state machine. One statement can name all those of a stack, by its mark.

    >>> state_machine_name("shop", "059cdf53")
    'shop-rollout-059cdf53'
    """
    return f"{endpoint}-rollout-{stack_mark}"


def is_state_machine_of(endpoint: str, arn: str) -> bool:
    """Tell whether this is the ARN of an endpoint's state machine, whatever its stack. A mark has no hyphen.

    >>> arn = "arn:aws:states:eu-central-1:111122223333:stateMachine:shop-rollout-059cdf53"
    >>> is_state_machine_of("shop", arn), is_state_machine_of("sho", arn), is_state_machine_of("other", arn)
    (True, False, False)
    """
    name = arn.rpartition(":")[2]
    return name == state_machine_name(endpoint, name.rpartition("-")[2])


def other_slot(slot: str) -> str:
    """Return the other of the two slots.

    >>> other_slot("variant-a")
    'variant-b'
    """
    return SLOT_B if slot == SLOT_A else SLOT_A
