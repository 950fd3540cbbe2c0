"""An endpoint behind a front door whose release begins with a cohort: 5 % of the users, then 100 % of the requests."""

from aws_cdk import App, Duration, Stack

from bench.chaos.release import INSTANCE_TYPE, RELEASE, SCALING
from canary_construct import (
    CanaryEndpoint,
    CohortRule,
    EndpointApi,
    Gate,
    TrafficRouting,
    TrafficStep,
)

BAKE = Duration.minutes(5)

app = App()
stack = Stack(app, "CohortPlan")
endpoint = CanaryEndpoint(
    stack,
    "Endpoint",
    release=RELEASE,
    instance_type=INSTANCE_TYPE,
    scaling=SCALING,
    routing=TrafficRouting.steps([TrafficStep.cohort(CohortRule.share_of_users(5), bake=BAKE), 100], bake=BAKE),
    gates=[Gate.error_rate()],
)
EndpointApi(stack, "FrontDoor", endpoint=endpoint)
app.synth()
