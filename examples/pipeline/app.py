"""A pipeline that deploys a release to two regions, one after the other, and waits for each rollout."""

from aws_cdk import App, Environment, Stack, Stage, pipelines
from constructs import Construct

from canary_construct import CanaryEndpoint, ModelRelease, rollout_step

IMAGE = "sagemaker-scikit-learn:1.2-1-cpu-py3"
REGISTRIES = {"eu-west-1": "141502667606", "us-east-1": "683313688378"}
"""SageMaker pulls an image from its own region only, and each region has this one in another account."""
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""
VERSION = "2026-11-22"
ACCOUNT = "123456789012"
REGIONS = {"Ireland": "eu-west-1", "Virginia": "us-east-1"}
CONNECTION = "arn:aws:codestar-connections:eu-west-1:123456789012:connection/1"


class Region(Stage):
    """The endpoint in one region."""

    def __init__(self, scope: Construct, construct_id: str, *, region: str) -> None:
        super().__init__(scope, construct_id, env=Environment(account=ACCOUNT, region=region))
        CanaryEndpoint(
            Stack(self, "Shop"),
            "Ranker",
            release=ModelRelease(
                version=VERSION,
                image_uri=f"{REGISTRIES[region]}.dkr.ecr.{region}.amazonaws.com/{IMAGE}",
                model_data_url=f"s3://ranker-models-{region}/{VERSION}/model.tar.gz",
                environment=CODE,
            ),
            instance_type="ml.m5.xlarge",
        )


class PipelineStack(Stack):
    """The second region begins when the release was promoted in the first."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, env=Environment(account=ACCOUNT, region="eu-west-1"))
        source = pipelines.CodePipelineSource.connection("team/shop", "main", connection_arn=CONNECTION)
        synth = pipelines.ShellStep("Synth", input=source, commands=["npx cdk synth"])
        pipeline = pipelines.CodePipeline(self, "Pipeline", synth=synth, cross_account_keys=True)
        for name, region in REGIONS.items():
            waiting = rollout_step(
                f"Rollout{name}",
                stack_name=f"{name}-Shop",
                version=VERSION,
                region=region,
                role_arn=f"arn:aws:iam::{ACCOUNT}:role/canary-operator",
            )
            stage = Region(self, name, region=region)
            pipeline.add_stage(stage, post=[waiting])


if __name__ == "__main__":
    app = App()
    PipelineStack(app, "Pipeline")
    app.synth()
