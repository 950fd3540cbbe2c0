"""Several endpoints in one stack: they share functions and ledger, and each has a rollout of its own."""

from aws_cdk import App, Stack
from constructs import Construct

from canary_construct import CanaryEndpoint, InstanceScaling, ModelRelease

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""
RELEASES = {"Ranker": "2026-11-22", "Search": "17", "Similar": "blue-4"}
"""The version that each endpoint serves, or is to serve: change one and deploy."""


class ModelsStack(Stack):
    """All models of a team."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        for name, version in RELEASES.items():
            CanaryEndpoint(
                self,
                name,
                release=ModelRelease(
                    version=version,
                    image_uri=IMAGE,
                    model_data_url=f"s3://team-models/{name.lower()}/{version}/model.tar.gz",
                    environment=CODE,
                ),
                instance_type="ml.m5.xlarge",
                scaling=InstanceScaling(min_instances=2),
            )


if __name__ == "__main__":
    app = App()
    ModelsStack(app, "ManyEndpoints")
    app.synth()
