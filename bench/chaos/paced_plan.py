"""An endpoint whose rollout is paced: by a harm budget to 20 %, where proof is asked, then 95 % and 100 %."""

from aws_cdk import App, Duration, Stack

from bench.chaos.release import INSTANCE_TYPE, RELEASE, SCALING
from canary_construct import CanaryEndpoint, Gate, SmokeTest, TrafficRouting, TrafficStep

BAKE = Duration.minutes(5)

app = App()
CanaryEndpoint(
    Stack(app, "PacedPlan"),
    "Endpoint",
    release=RELEASE,
    instance_type=INSTANCE_TYPE,
    scaling=SCALING,
    routing=TrafficRouting.paced(harm_budget=20, checkpoints=[TrafficStep(percent=20, bake=BAKE), 100], watch=BAKE),
    gates=[Gate.error_rate()],
    smoke_test=SmokeTest(payloads=['{"user": 1}']),
)
app.synth()
