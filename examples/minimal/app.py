"""The least that an endpoint needs: a release and an instance type. Everything else has a default."""

from aws_cdk import App, Stack
from constructs import Construct

from canary_construct import CanaryEndpoint, ModelRelease

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""


class RankerStack(Stack):
    """One endpoint, paced by a harm budget of 100 requests."""

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
        )


if __name__ == "__main__":
    app = App()
    RankerStack(app, "Minimal")
    app.synth()
