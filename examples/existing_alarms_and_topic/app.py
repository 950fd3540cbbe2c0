"""Alarms that you have already end a rollout, and a topic that you have already is told of every change."""

from aws_cdk import App, ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from canary_construct import CanaryEndpoint, ModelRelease

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""


class RankerStack(Stack):
    """One endpoint that listens to the shop's own alarm on revenue, and tells the team's topic."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        alarm = self.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name="shop-revenue",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        topic = self.format_arn(service="sns", resource="team-releases")
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
            alarms=[cloudwatch.Alarm.from_alarm_arn(self, "Revenue", alarm)],
            notification_topic=sns.Topic.from_topic_arn(self, "Releases", topic),
        )


if __name__ == "__main__":
    app = App()
    RankerStack(app, "ExistingAlarms")
    app.synth()
