"""Releases that come from the model registry by themselves, as soon as somebody approves them there."""

from pathlib import Path

from aws_cdk import Acknowledgment, ArnFormat, CfnParameter, Duration, Fn, Stack, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from canary_construct import ModelRelease, on_approved_package

CODE = Path(__file__).with_name("deploy_approved.py")
LOOK_AGAIN = Duration.minutes(15)
MEMORY_MB = 256
LOGS_POLICY = "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]"


class ApprovedReleases(Construct):
    """A parameter of the stack that names a version of a group, and a function that sets it to the newest approved.

    - `group`: the name of the model package group
    """

    def __init__(self, scope: Construct, construct_id: str, *, group: str) -> None:
        super().__init__(scope, construct_id)
        self._package = CfnParameter(Stack.of(self), "PackageArn", description="a version in the model registry")
        deployer = self._deployer(group)
        on_approved_package(self, "Approved", group=group, target=targets.LambdaFunction(deployer))
        events.Rule(
            self, "Clock", schedule=events.Schedule.rate(LOOK_AGAIN), targets=[targets.LambdaFunction(deployer)]
        )

    @property
    def release(self) -> ModelRelease:
        """Return the release of the version that the stack was deployed with. Its label is the version's number."""
        arn = self._package.value_as_string
        return ModelRelease.from_model_package(version=Fn.select(2, Fn.split("/", arn)), arn=arn)

    def _deployer(self, group: str) -> lambda_.Function:
        function = lambda_.Function(
            self,
            "Deployer",
            code=lambda_.Code.from_inline(CODE.read_text(encoding="utf-8")),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            timeout=Duration.minutes(1),
            memory_size=MEMORY_MB,
            environment={"STACK": Stack.of(self).stack_id, "GROUP": group, "PARAMETER": self._package.logical_id},
        )
        self._allow(function, group)
        reason = "AWS's policy with which every function writes its logs"
        Validations.of(function).acknowledge(Acknowledgment(id=LOGS_POLICY, reason=reason))
        return function

    def _allow(self, function: lambda_.Function, group: str) -> None:
        """Let it update this stack. CloudFormation acts with the role that `cdk deploy` gave the stack.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html (RoleARN)
        """
        stack = Stack.of(self)
        group_arn = stack.format_arn(
            service="sagemaker",
            resource="model-package-group",
            resource_name=group,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        for actions, resource in (
            (["cloudformation:DescribeStacks", "cloudformation:UpdateStack"], stack.stack_id),
            (["sagemaker:ListModelPackages"], group_arn),
        ):
            function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
