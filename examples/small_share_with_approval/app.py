"""A small share first, in office hours, and more only when a person has said yes."""

from aws_cdk import App, Duration, Stack, TimeZone
from aws_cdk.aws_scheduler import ScheduleExpression
from constructs import Construct

from canary_construct import CanaryEndpoint, ModelRelease, OnInconclusive, RolloutWindow, TrafficRouting, TrafficStep

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""
OFFICE_HOURS = RolloutWindow(
    schedule=ScheduleExpression.cron(minute="0", hour="9", week_day="MON-FRI", time_zone=TimeZone.EUROPE_BERLIN),
    duration=Duration.hours(7),
)


class RankerStack(Stack):
    """One endpoint: 5 % of the requests for two hours, then somebody approves within a day."""

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
            routing=TrafficRouting.steps(
                [TrafficStep(percent=5, bake=Duration.hours(2), approval=Duration.days(1)), 50, 100]
            ),
            rollout_windows=[OFFICE_HOURS],
            on_inconclusive=OnInconclusive.HOLD,
        )


if __name__ == "__main__":
    app = App()
    RankerStack(app, "SmallShare")
    app.synth()
