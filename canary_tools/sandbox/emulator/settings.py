"""How fast and how unkind the sandbox is."""

from dataclasses import dataclass

from canary_tools.aws_models.api.place import Place

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
PLACE = Place(account=ACCOUNT_ID, region=REGION)


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """Durations in seconds of wall time, probabilities between 0 and 1; the defaults suit a demo.

    Attributes:
        fleet_update_seconds: how long an endpoint update takes to replace the fleet.
        instance_launch_seconds: how long an instance takes until it serves.
        weight_update_seconds: how long a change of weights takes.
        metric_delay_seconds: how long after the end of its period a metric becomes visible.
        duplicate_event_probability: how often EventBridge delivers an event twice.
        event_delivery_seconds: how long an event may take to reach its target, at most.
        enforce_iam: whether callers need the permissions that AWS would ask of them.
        threshold_statistics: whether SageMaker metrics answer `TC()` and `PR()`, which is not documented.
        changing_calls_per_second: of SageMaker's control plane, before it throttles.
        instance_queue_size: requests that wait in one instance at most.
        model_timeout_seconds: how long a model may take to answer; SageMaker's limit.
        scaling_period_seconds: how often target tracking looks at the invocations; a minute in AWS.
        cloudformation_notices_failed_update: whether a stack update fails when SageMaker silently kept the old
            fleet; what CloudFormation does then is not documented.
        seed: of everything that is drawn at random.

    """

    fleet_update_seconds: float = 8.0
    instance_launch_seconds: float = 3.0
    weight_update_seconds: float = 1.0
    metric_delay_seconds: float = 2.0
    duplicate_event_probability: float = 0.1
    event_delivery_seconds: float = 0.2
    enforce_iam: bool = True
    threshold_statistics: bool = False
    changing_calls_per_second: float = 5.0
    instance_queue_size: int = 16
    model_timeout_seconds: float = 60.0
    scaling_period_seconds: float = 60.0
    cloudformation_notices_failed_update: bool = False
    seed: int = 0
