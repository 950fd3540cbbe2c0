"""Settings of the sandbox: its account, how long changes take, which failures occur."""

from dataclasses import dataclass

from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.undocumented import Undocumented

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
PLACE = Place(account=ACCOUNT_ID, region=REGION)


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """Durations are in seconds, probabilities between 0 and 1. The defaults suit a demo.

    Attributes:
        fleet_update_seconds: how long an endpoint update takes.
        instance_launch_seconds: how long an instance needs until it is in service.
        weight_update_seconds: how long a change of weights takes.
        metric_delay_seconds: how long after the end of a period its metrics usually become visible. Each point has a
            delay of its own, from a third of this to twice of it.
        duplicate_event_probability: the probability that EventBridge delivers an event twice.
        event_delivery_seconds: the longest time until an event reaches its target.
        lost_event_probability: the probability that EventBridge loses an event of a call, and says so in its answer.
        limited_stage_update_probability: the probability that API Gateway refuses UpdateStage with one of its two 429s.
        policy_delay_seconds: the longest time until a change of a role's inline policy has an effect. Each change draws
            its own delay.
        enforce_iam: whether callers need the same permissions as in AWS.
        undocumented: what AWS does and no document states.
        changing_calls_per_second: how many changing calls SageMaker's control plane takes before it throttles.
        instance_queue_size: the largest number of requests that wait in one instance.
        model_timeout_seconds: how long a model may take to answer. The default is SageMaker's limit.
        scaling_period_seconds: how often target tracking reads the invocations. It is a minute in AWS.
        deregistration_seconds: how long SageMaker takes a variant for scaled after its scaling target is gone. AWS does
            not document it.
        cloudformation_notices_failed_update: whether a stack update fails when SageMaker keeps the old fleet without
            an error. AWS does not document what CloudFormation does then.
        cloudformation_imports_endpoints: whether a stack may import an endpoint. AWS's sources contradict each other.
        interface_linger_seconds: how long the network interfaces of a model in a VPC outlive its endpoint. In AWS it is
            minutes.
        seed: of all random draws.

    """

    fleet_update_seconds: float = 8.0
    instance_launch_seconds: float = 3.0
    weight_update_seconds: float = 1.0
    metric_delay_seconds: float = 2.0
    duplicate_event_probability: float = 0.1
    event_delivery_seconds: float = 0.2
    lost_event_probability: float = 0.0
    limited_stage_update_probability: float = 0.0
    policy_delay_seconds: float = 0.0
    enforce_iam: bool = True
    undocumented: Undocumented = Undocumented()  # noqa: RUF009 - frozen
    changing_calls_per_second: float = 5.0
    instance_queue_size: int = 16
    model_timeout_seconds: float = 60.0
    scaling_period_seconds: float = 60.0
    deregistration_seconds: float = 0.0
    cloudformation_notices_failed_update: bool = False
    cloudformation_imports_endpoints: bool = True
    interface_linger_seconds: float = 3.0
    seed: int = 0
