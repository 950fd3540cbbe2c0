"""An endpoint with a short rollout: 20 % and 100 %, five minutes each, one smoke test, one gate."""

from aws_cdk import App, Duration, Stack

from canary_construct import CanaryEndpoint, Gate, InstanceScaling, ModelRelease, SmokeTest, TrafficRouting

app = App()
CanaryEndpoint(
    Stack(app, "ShortPlan"),
    "Endpoint",
    release=ModelRelease(
        version="v2",
        image_uri="246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        model_data_url="s3://models/v2/model.tar.gz",
    ),
    instance_type="ml.m5.xlarge",
    scaling=InstanceScaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000),
    routing=TrafficRouting.steps([20, 100], bake=Duration.minutes(5)),
    gates=[Gate.error_rate()],
    smoke_test=SmokeTest(payloads=['{"user": 1}']),
)
app.synth()
