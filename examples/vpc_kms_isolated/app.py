"""An endpoint for regulated data: `cdk deploy --app "python -m examples.vpc_kms_isolated.app"`."""

from aws_cdk import App, IStackSynthesizer, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.aws_cloudwatch_actions import SnsAction
from constructs import Construct

from canary_construct import CanaryEndpoint, HandlerSettings, InstanceScaling, ModelRelease
from examples.vpc_kms_isolated.acknowledged import acknowledge
from examples.vpc_kms_isolated.network import isolated_network

MODELS = "regulated-models"
BOUNDARY = "regulated-workloads"
"""A managed policy that the organisation has made; no role of the stack may do more."""


class RegulatedStack(Stack):
    """One endpoint; its network and its keys are the stack's own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        version: str = "2026-11-29",
        synthesizer: IStackSynthesizer | None = None,
    ) -> None:
        super().__init__(scope, construct_id, synthesizer=synthesizer)
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=RemovalPolicy.RETAIN)
        topic = _topic(self, key)
        self.network = isolated_network(self, key=key)
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.endpoint = CanaryEndpoint(
            self,
            "Ranker",
            release=ModelRelease(
                version=version,
                image_uri=f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/ranker:{version}",
                model_data_url=f"s3://{MODELS}/ranker/{version}/model.tar.gz",
                environment={"VERSION": version},
            ),
            instance_type="ml.m5.xlarge",
            scaling=InstanceScaling(min_instances=2),
            vpc=self.network,
            vpc_subnets=isolated,
            network_isolation=True,
            encryption_key=key,
            model_buckets=[s3.Bucket.from_bucket_name(self, "Models", MODELS)],
            model_key=key,
            notification_topic=topic,
            handlers=HandlerSettings(
                vpc=self.network,
                vpc_subnets=isolated,
                encryption_key=key,
                ledger_key=key,
                log_retention=logs.RetentionDays.TEN_YEARS,
            ),
        )
        for alarm in self.endpoint.alarms:
            assert isinstance(alarm, cloudwatch.Alarm)
            alarm.add_alarm_action(SnsAction(topic))
        boundary = iam.ManagedPolicy.from_managed_policy_name(self, "Boundary", BOUNDARY)
        iam.PermissionsBoundary.of(self).apply(boundary)
        acknowledge(self)


def _topic(scope: Construct, key: kms.Key) -> sns.Topic:
    """Declare the topic of rollouts and alarms. CloudWatch publishes to it, and must be able to use its key.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey")
    return sns.Topic(scope, "Rollouts", master_key=key, enforce_ssl=True)


if __name__ == "__main__":
    app = App()
    RegulatedStack(app, "Regulated")
    app.synth()
