"""An endpoint whose former release keeps 2 % for an hour after the promotion."""

from aws_cdk import App, Duration, Stack

from bench.chaos.release import INSTANCE_TYPE, RELEASE, SCALING
from canary_construct import CanaryEndpoint, Gate, HoldBack, TrafficRouting

app = App()
CanaryEndpoint(
    Stack(app, "HeldPlan"),
    "Endpoint",
    release=RELEASE,
    instance_type=INSTANCE_TYPE,
    scaling=SCALING,
    routing=TrafficRouting.one_step_then_all(20, bake=Duration.minutes(5)),
    gates=[Gate.error_rate()],
    hold_back=HoldBack(duration=Duration.hours(1)),
)
app.synth()
