"""A live endpoint comes into the stack, in three deploys: `-c phase=import`, `-c phase=adopt`, `-c phase=release`."""

from aws_cdk import App, Stack
from constructs import Construct

from canary_construct import Adoption, BareEndpoint, CanaryEndpoint, InstanceScaling, ModelRelease

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""
NAME = "Orders-Ranker"
LIVE = Adoption(endpoint_config_name="orders-config-2024", variant="AllTraffic", version="legacy")
"""What the endpoint is on now. Keep it after the last phase."""


class OrdersStack(Stack):
    """The endpoint `Orders-Ranker`, which somebody made by hand and which must not go down."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        phase = str(self.node.try_get_context("phase") or "release")
        if phase == "import":
            BareEndpoint(self, "Ranker", endpoint_name=NAME, adopt=LIVE)
            return
        release = ModelRelease(
            version="2026-11-22",
            image_uri=IMAGE,
            model_data_url="s3://ranker-models/2026-11-22/model.tar.gz",
            environment=CODE,
        )
        CanaryEndpoint(
            self,
            "Ranker",
            endpoint_name=NAME,
            adopt=LIVE,
            release=release if phase == "release" else None,
            instance_type="ml.m5.xlarge",
            scaling=InstanceScaling(min_instances=2, max_instances=6, invocations_per_instance=1000),
        )


if __name__ == "__main__":
    app = App()
    OrdersStack(app, "Orders")
    app.synth()
