"""An endpoint with a short rollout: 20 % and 100 %, five minutes each, one smoke test, one gate."""

from aws_cdk import App, Duration, Stack

from bench.chaos.release import INSTANCE_TYPE, RELEASE, SCALING
from canary_construct import CanaryEndpoint, Gate, SmokeTest, TrafficRouting

app = App()
CanaryEndpoint(
    Stack(app, "ShortPlan"),
    "Endpoint",
    release=RELEASE,
    instance_type=INSTANCE_TYPE,
    scaling=SCALING,
    routing=TrafficRouting.steps([20, 100], bake=Duration.minutes(5)),
    gates=[Gate.error_rate()],
    smoke_test=SmokeTest(payloads=['{"user": 1}']),
)
app.synth()
