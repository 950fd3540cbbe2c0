"""Steps and gates of your own: an hour at each share, and four things that are compared."""

from aws_cdk import App, Duration, Stack
from constructs import Construct

from canary_construct import CanaryEndpoint, Gate, InstanceScaling, ModelRelease, TrafficRouting, TrafficStep

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""


class RankerStack(Stack):
    """One endpoint whose releases must be as fast, as sound and as good for business as the one before."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        CanaryEndpoint(
            self,
            "Ranker",
            release=ModelRelease(
                version="2026-11-22",
                image_uri=IMAGE,
                model_data_url="s3://ranker-models/2026-11-22/model.tar.gz",
                environment=CODE,
            ),
            instance_type="ml.m5.xlarge",
            scaling=InstanceScaling(min_instances=2, max_instances=8, invocations_per_instance=3000),
            routing=TrafficRouting.steps(
                [
                    TrafficStep(percent=5, bake=Duration.hours(1), min_requests=1000),
                    TrafficStep(percent=25, bake=Duration.hours(1)),
                    TrafficStep(percent=90, bake=Duration.hours(1)),
                    100,
                ]
            ),
            gates=[
                Gate.error_rate(),
                Gate.refused_requests(),
                Gate.latency(slow_ms=300),
                Gate.conversion(
                    namespace="Shop", shown="Shown", converted="Bought", ratio=0.97, delay=Duration.minutes(10)
                ),
            ],
            alpha=0.005,
        )


if __name__ == "__main__":
    app = App()
    RankerStack(app, "CustomSteps")
    app.synth()
