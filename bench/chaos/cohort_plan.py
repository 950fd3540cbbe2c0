"""An endpoint behind a front door whose release begins with a cohort: 5 % of the users, then 100 % of the requests."""

from aws_cdk import App, Duration, Stack

from canary_construct import (
    CanaryEndpoint,
    CohortRule,
    EndpointApi,
    Gate,
    InstanceScaling,
    ModelRelease,
    TrafficRouting,
    TrafficStep,
)

BAKE = Duration.minutes(5)

app = App()
stack = Stack(app, "CohortPlan")
endpoint = CanaryEndpoint(
    stack,
    "Endpoint",
    release=ModelRelease(
        version="v2",
        image_uri="246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        model_data_url="s3://models/v2/model.tar.gz",
    ),
    instance_type="ml.m5.xlarge",
    scaling=InstanceScaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000),
    routing=TrafficRouting.steps([TrafficStep.cohort(CohortRule.share_of_users(5), bake=BAKE), 100], bake=BAKE),
    gates=[Gate.error_rate()],
)
EndpointApi(stack, "FrontDoor", endpoint=endpoint)
app.synth()
