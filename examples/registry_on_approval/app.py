"""An endpoint that serves what is approved in the model registry: `cdk deploy --app "python -m …" --parameters …`."""

from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_construct import CanaryEndpoint, InstanceScaling, TrafficRouting
from examples.registry_on_approval.approved_releases import ApprovedReleases

GROUP = "ranker"
BUCKET = "ranker-models"


class RankerStack(Stack):
    """The endpoint of the group `ranker`, whose model data lies in the bucket `ranker-models`."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        CanaryEndpoint(
            self,
            "Ranker",
            release=ApprovedReleases(self, "Registry", group=GROUP).release,
            instance_type="ml.m5.xlarge",
            scaling=InstanceScaling(min_instances=2),
            routing=TrafficRouting.paced(harm_budget=100),
            model_buckets=[s3.Bucket.from_bucket_name(self, "Models", BUCKET)],
        )


if __name__ == "__main__":
    app = App()
    RankerStack(app, "Ranker")
    app.synth()
