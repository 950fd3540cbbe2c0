"""An endpoint whose rollout asks people: 20 % waits for a yes, and a step without a decision is held."""

from aws_cdk import App, Duration, Stack

from bench.chaos.release import INSTANCE_TYPE, RELEASE, SCALING
from canary_construct import CanaryEndpoint, Gate, OnInconclusive, TrafficRouting, TrafficStep

BAKE = Duration.minutes(5)

app = App()
CanaryEndpoint(
    Stack(app, "ApprovedPlan"),
    "Endpoint",
    release=RELEASE,
    instance_type=INSTANCE_TYPE,
    scaling=SCALING,
    routing=TrafficRouting.steps([TrafficStep(percent=20, bake=BAKE, approval=Duration.minutes(20)), 100], bake=BAKE),
    gates=[Gate.error_rate()],
    on_inconclusive=OnInconclusive.hold_for(Duration.minutes(20)),
)
app.synth()
