"""Wrong inputs as a user writes them: `python -m tests.docs.wrong_inputs > tests/docs/wrong_inputs.md`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnParameter, Duration, Environment, RemovalPolicy, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.aws_scheduler import ScheduleExpression

import canary_construct as library
from canary_construct import CanaryEndpoint, EndpointApi, ModelRelease

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1"
PACKAGE = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/7"
DIMENSIONS = {f"Shop{number}": "a" for number in range(29)}
PAGE = Path(__file__).with_name("wrong_inputs.md")
LONGEST = 500
"""Characters of a sentence that is read to its end."""

WRONG = """
endpoint(release="v1")
endpoint(release=None)
endpoint(release=ModelRelease)
endpoint(release=[V1])
endpoint(relase=V1)
endpoint(instance_type=None)
endpoint(instance_type=ec2.InstanceType("m5.xlarge"))
endpoint(instance_type="m5.xlarge")
endpoint(instance_type="ml.t3.medium")
endpoint(instance_type=["ml.m5.xlarge", "ml.m5.2xlarge"])
endpoint(instance_type="")
endpoint(routing=[10, 50, 100])
endpoint(routing="paced")
endpoint(routing=TrafficRouting)
endpoint(routing=TrafficRouting.paced)
endpoint(gates=Gate.error_rate())
endpoint(gates=[])
endpoint(gates=["errors"])
endpoint(gates=[Gate.error_rate(), Gate.error_rate()])
endpoint(gates=[Gate.error_rate])
endpoint(alpha=0)
endpoint(alpha=1)
endpoint(alpha=float("nan"))
endpoint(alpha="0.01")
endpoint(alpha=TOKEN)
endpoint(require_proof="yes")
endpoint(alarms=alarm())
endpoint(alarms=["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop"])
endpoint(alarms=[alarm("us-east-1")])
endpoint(alarms=[alarm("eu-central-1", account="999999999999")])
endpoint(alarm_thresholds=25)
endpoint(alarm_thresholds={"error_rate_percent": 5})
endpoint(smoke_test='{"user": 1}')
endpoint(smoke_test=["{}"])
endpoint(on_inconclusive="roll_back")
endpoint(on_inconclusive=OnInconclusive)
endpoint(hold_back=2)
endpoint(hold_back=Duration.hours(24))
endpoint(capacity_timeout=1200)
endpoint(capacity_timeout=Duration.minutes(1))
endpoint(capacity_timeout=Duration.hours(3))
endpoint(capacity_timeout=Duration.seconds(TOKEN))
endpoint(start_on_deploy="no")
endpoint(start_on_deploy=0)
endpoint(metric_period=5)
endpoint(metric_period="60")
endpoint(metric_period=Duration.minutes(1))
endpoint(metric_period=60.0)
endpoint(expected_rps=-1)
endpoint(expected_rps=float("inf"))
endpoint(expected_rps="100")
endpoint(expected_rps=True)
endpoint(role="arn:aws:iam::123456789012:role/models")
endpoint(role=iam.Role(stack(), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
endpoint(role=iam.ServicePrincipal("sagemaker.amazonaws.com"))
endpoint(kept_releases=V1)
endpoint(kept_releases=["v1"])
endpoint(model_buckets=s3.Bucket(stack(), "Models"))
endpoint(model_buckets=["my-models"])
endpoint(model_key="alias/models")
endpoint(vpc="vpc-0123456789abcdef0")
endpoint(vpc=public_vpc())
endpoint(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))
endpoint(security_groups=["sg-0123456789abcdef0"])
endpoint(encryption_key="alias/volumes")
endpoint(network_isolation="true")
endpoint(data_capture=10)
endpoint(fleet_update_alarms=alarm())
endpoint(fleet_update_alarms=[alarm("us-east-1")])
endpoint(fleet_update="canary")
endpoint(handlers=lambda_.Runtime.PYTHON_3_13)
endpoint(notification_topic="arn:aws:sns:eu-central-1:123456789012:releases")
endpoint(notification_topic=sns.Topic(stack(), "Topic", fifo=True))
endpoint(notification_topic=sns.Topic.from_topic_arn(stack(), "Topic", "arn:aws:sns:us-east-1:123456789012:a"))
endpoint(endpoint_name="Shop")
endpoint(endpoint_name="shop_1")
endpoint(endpoint_name="")
endpoint(endpoint_name="a" * 64)
endpoint(endpoint_name=TEXT_TOKEN)
endpoint(endpoint_name=7)
endpoint(hosting={"volume_size": 100})
endpoint(scaling=4)
endpoint(scaling={"min_instances": 2})
endpoint(adopt="AllTraffic")
endpoint(removal_policy="retain")
endpoint(serverless_config={"memory": 4096})
endpoint(async_inference=True)
endpoint(shadow_variants=1)
twice("shop")
CanaryEndpoint("Shop", "Endpoint", release=V1, instance_type="ml.m5.xlarge")
CanaryEndpoint(stack(), release=V1, instance_type="ml.m5.xlarge")
CanaryEndpoint(stack(), "Endpoint", V1, "ml.m5.xlarge")
CanaryEndpoint(stack(), 7, release=V1, instance_type="ml.m5.xlarge")
endpoint().add_alarm("shop")
endpoint().add_alarm([alarm()])
endpoint().add_gate("errors")
endpoint().add_gate(Gate.latency())
endpoint().metric("Invocations", slot="A")
endpoint().metric(7, slot=Slot.A)
endpoint().metric_latency(slot=Slot.A, percentile="p99")
endpoint().metric_latency(slot=Slot.A, percentile=100)
endpoint().grant_invoke("arn:aws:iam::123456789012:role/shop")
endpoint().on_rollout_event("Told", target="arn:aws:sns:eu-central-1:123456789012:releases")
endpoint().keep_role("models")
ModelRelease(version=3, image_uri=IMAGE)
ModelRelease(version="", image_uri=IMAGE)
ModelRelease(version="v1 final", image_uri=IMAGE)
ModelRelease(version="v" * 65, image_uri=IMAGE)
ModelRelease(version="v1")
ModelRelease(version="v1", image_uri="")
ModelRelease(version="v1", image_uri=None)
ModelRelease(image_uri=IMAGE)
ModelRelease("v1", IMAGE)
ModelRelease(version="v1", image_uri=IMAGE, model_data_url="models/v1.tar.gz")
ModelRelease(version="v1", image_uri=IMAGE, model_data_url="s3://models/v1/")
ModelRelease(version="v1", image_uri=IMAGE, model_data="s3://models/v1/")
ModelRelease(version="v1", image_uri=IMAGE, environment=["A=1"])
ModelRelease(version="v1", image_uri=IMAGE, environment={"WORKERS": 4})
ModelRelease(version="v1", image_uri=IMAGE, instance_type=ec2.InstanceType("g5.xlarge"))
ModelRelease(version="v1", image_uri=IMAGE, scaling=3)
ModelRelease(version="v1", containers=[IMAGE, IMAGE])
ModelRelease(version="v1", containers=[Container(image_uri=IMAGE)])
ModelRelease(version="v1", image_uri=IMAGE, containers=[Container(image_uri=IMAGE), Container(image_uri=IMAGE)])
ModelRelease.from_asset(version="v1", image_uri=IMAGE, path="no/such/file.tar.gz")
ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=TEXT_FILE)
ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=NO_GZIP)
ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=EMPTY_FOLDER)
ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=7)
ModelRelease.from_model_package(version="v1", arn="ranker")
ModelRelease.from_model_package(version="v1", arn="arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker")
Container(image_uri=IMAGE, hostname="-a")
Container(image_uri=IMAGE, mode="MultiModel")
S3Prefix(url="s3://models/v1")
PrivateRegistry(credentials="arn:aws:lambda:eu-central-1:123456789012:function:login")
TrafficRouting.steps(10)
TrafficRouting.steps([])
TrafficRouting.steps(["10", "100"])
TrafficRouting.steps([10, 50])
TrafficRouting.steps([50, 10, 100])
TrafficRouting.steps([10, 100], bake=1800)
TrafficRouting.steps([0.1, 1.0])
TrafficRouting.steps([10, 100], bake=Duration.seconds(TOKEN))
TrafficRouting.paced(harm_budget=0)
TrafficRouting.paced(harm_budget="100")
TrafficRouting.paced(harm_budget=True)
TrafficRouting.paced(harm_budget=TOKEN)
TrafficRouting.paced(checkpoints=50)
TrafficRouting.paced(checkpoints=[100])
TrafficRouting.paced(watch=25)
TrafficRouting.linear(0)
TrafficRouting.linear("10")
TrafficRouting.one_step_then_all(101)
TrafficRouting.all_at_once(bake=300)
TrafficStep(percent=True)
TrafficStep(percent=0)
TrafficStep(percent=101)
TrafficStep(percent=0.5)
TrafficStep(percent="10 %")
TrafficStep(percent=TOKEN)
TrafficStep(percent=10, bake=1800)
TrafficStep(percent=10, bake=Duration.seconds(0))
TrafficStep(percent=10, bake=Duration.hours(2), max_bake=Duration.hours(1))
TrafficStep(percent=10, min_requests=0)
TrafficStep(percent=10, min_requests=99.5)
TrafficStep(percent=10, approval=True)
TrafficStep(percent=10, approval=Duration.seconds(1))
TrafficStep.cohort("DE")
CohortRule.regions("DE", expected_percent=12)
CohortRule.regions([], expected_percent=12)
CohortRule.header_values("X-Team", ["a"], expected_percent=5)
CohortRule.header_values("x-team", ["a,b"], expected_percent=5)
CohortRule.share_of_users(0)
CohortRule.share_of_users(100)
CohortRule.share_of_users("5")
CohortRule.share_of_users(5, users=0)
CohortRule.share_of_users(5, user_variation=float("nan"))
Gate.error_rate(ratio=0.5)
Gate.error_rate(ratio=float("nan"))
Gate.error_rate(ratio="1.25")
Gate.error_rate(min_difference_percent=101)
Gate.error_rate(alpha_share=0)
Gate.error_rate(alpha_share=-1)
Gate.latency(slow_ms=0)
Gate.latency(slow_ms=Duration.seconds(1))
Gate.latency(warm_up=300)
Gate.conversion(namespace="", shown="Shown", converted="Bought")
Gate.conversion(namespace="AWS/SageMaker", shown="Shown", converted="Bought")
Gate.conversion(namespace="Shop", shown="Shown", converted="Shown")
Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", ratio=1.1)
Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=3600)
Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", superior="yes")
Gate.metric(name="a", namespace="Shop", total="All", counted="Bad", ratio=1.2, dimensions={"VariantName": "a"})
Gate.metric(name="a", namespace="Shop", total="All", counted="All", ratio=1.2)
Gate.metric(name="", namespace="Shop", total="All", counted="Bad", ratio=1.2)
AlarmThresholds(error_rate_percent=0)
AlarmThresholds(error_rate_percent=101)
AlarmThresholds(p99_latency_ms=Duration.seconds(1))
AlarmThresholds(min_requests=0)
SmokeTest(payloads='{"user": 1}')
SmokeTest(payloads=[])
SmokeTest(payloads=[{"user": 1}])
SmokeTest(payloads=["{}"], content_type="")
HoldBack(percent=50)
HoldBack(percent=1.5)
HoldBack(duration=24)
HoldBack(duration=Duration.minutes(5))
HandlerSettings(runtime="python3.13")
HandlerSettings(runtime=lambda_.Runtime.NODEJS_22_X)
HandlerSettings(log_retention=90)
InstanceScaling(min_instances=1.5)
InstanceScaling(min_instances=0)
InstanceScaling(min_instances=5, max_instances=4)
InstanceScaling(invocations_per_instance="600")
InstanceScaling(idle_instances=0)
InstanceScaling(scale_in_cooldown_seconds=Duration.minutes(5))
InstanceScaling(metrics=["Queue"])
ScalingMetric(namespace="Shop", metric_name="Queue", target=0)
ScalingMetric(namespace="Shop", metric_name="Queue", target=1, statistic="Average")
ScheduledMinimum(min_instances=2, start="8", end="18:00")
ScheduledMinimum(min_instances=2, start="08:00", end="18:00", days=["Monday"])
ScheduledMinimum(min_instances=2, start="08:00", end="18:00", time_zone="Berlin")
ModelHosting(startup_timeout=600)
ModelHosting(volume_size=100)
ModelHosting(volume_size=Size.gibibytes(1000))
ModelHosting(routing_strategy="RANDOM")
DataCapture(destination="my-bucket", percent=10)
DataCapture(destination=s3.Bucket(stack(), "Data"), percent=0.5)
DataCapture(destination=s3.Bucket(stack(), "Data"), percent=10, mode="Input")
Adoption(endpoint_config_name="")
Adoption(endpoint_config_name="config", variant="variant-a")
FleetUpdate.canary(percent=60)
FleetUpdate.linear(percent=5)
FleetUpdate.canary(percent=10, wait=300)
EndpointApi(stack(), "Api", endpoint="shop")
api(rate_limit=0)
api(rate_limit="100")
api(content_types="application/json")
api(stage_name="live!")
api(authorization="iam")
api(access_log="log-group")
ApiAuthorization.cognito()
ApiAuthorization.cognito("pool")
ApiAuthorization.api_key("key")
OnInconclusive.hold_for(3600)
OnInconclusive.hold_for(Duration.seconds(1))
OnInconclusive.hold_for(Duration.seconds(TOKEN))
RolloutWindow(schedule="cron(0 9 ? * MON-FRI *)", duration=Duration.hours(7))
RolloutWindow(schedule=ScheduleExpression.cron(minute="0", hour="9"), duration=7)
RolloutWindow(schedule=ScheduleExpression.cron(minute="0", hour="9"), duration=Duration.seconds(TOKEN))
endpoint(rollout_windows=Duration.hours(7))
on_approved_package(stack(), "Approved", group="arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/ranker")
rollout_step("Wait", version="v1", region="eu-central-1", timeout=60)
rollout_step("Wait", version="v1", region="eu-central-1", timeout=Duration.minutes(1))
rollout_step("Wait", version=1, region="eu-central-1")
endpoint(role=iam.Role.from_role_arn(stack(), "Role", "arn:aws:iam::999999999999:role/models"))
endpoint(encryption_key=key("us-east-1"))
endpoint(model_key=key("us-east-1"))
endpoint(handlers=HandlerSettings(encryption_key=key("us-east-1")))
endpoint(handlers=HandlerSettings(ledger_key=key("us-east-1")))
endpoint(model_buckets=[s3.Bucket.from_bucket_attributes(stack(), "Models", bucket_name="old", region="us-east-1")])
endpoint(release=ModelRelease(version="v1", image_uri=IMAGE.replace("eu-central-1", "us-west-2")))
endpoint(release=ModelRelease(version="v1", image_uri="ranker:latest"))
endpoint(release=ModelRelease(version="v1", image_uri="public.ecr.aws/docker/library/python:3.13"))
endpoint(release=ModelRelease.from_model_package(version="v1", arn=PACKAGE.replace("eu-central-1", "us-east-1")))
endpoint(release=ModelRelease(version="v1", image_uri=IMAGE, instance_type="g5.xlarge"))
endpoint(instance_type="ml.m5")
endpoint(instance_type="ml.m5.xlarge ")
endpoint(instance_type="ml.M5.XLARGE")
endpoint(adopt=Adoption(endpoint_config_name="shop"))
endpoint(vpc=ec2.Vpc(stack(), "Vpc"), security_groups=groups(6))
endpoint(vpc=ec2.Vpc(stack(), "Vpc"), vpc_subnets=ec2.SubnetSelection(subnet_group_name="Models"))
endpoint(gates=[Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.days(20))])
endpoint(routing=TrafficRouting.all_at_once(), require_proof=True)
endpoint(hold_back=HoldBack(duration=Duration.days(365)))
api(web_acl_arn="shop-acl")
endpoint(removal_policy=RemovalPolicy.SNAPSHOT)
CanaryEndpoint(App(), "Endpoint", release=V1, instance_type="ml.m5.xlarge")
CanaryEndpoint(stack(), "", release=V1, instance_type="ml.m5.xlarge")
CanaryEndpoint(Stack.of(endpoint()), "Endpoint", release=V1, instance_type="ml.m5.xlarge")
endpoint().keep_role()
endpoint().on_rollout_event("Resource")
ModelRelease(version="v1", image_uri=IMAGE, instance_type="")
ModelRelease(version="v1", image_uri=" ranker:1")
ModelRelease(version="v1", image_uri="https://ranker:1")
ModelRelease(version="v1", image_uri="r" * 300)
ModelRelease(version="v1", image_uri=IMAGE, environment={"MY-VARIABLE": "1"})
ModelRelease(version="v1", image_uri=IMAGE, environment={"": "1"})
ModelRelease(version="v1", image_uri=IMAGE, environment={"PROMPT": "x" * 2000})
ModelRelease(version="v1", image_uri=IMAGE, environment={f"V{number}": "1" for number in range(150)})
ModelRelease(version="v1", image_uri=IMAGE, asset_path="no/such/model")
ModelRelease(version="v1", image_uri=IMAGE, asset_path="")
ModelRelease(version="v1", image_uri=IMAGE, model_data_url="")
ModelRelease(version="v1", image_uri=IMAGE, model_data_url="s3://models/v1.tar.gz ")
ModelRelease.from_model_package(version="v1", arn=PACKAGE, environment={"MY-VARIABLE": "1"})
Container(image_uri=IMAGE, asset_path="no/such/model")
TrafficStep(percent=10, bake=Duration.millis(1500))
TrafficStep(percent=10, bake=Duration.seconds(1800.5))
TrafficStep(percent=10, approval=Duration.seconds(0))
TrafficStep(percent=10, approval=Duration.days(15))
TrafficRouting.steps([50, 100], bake=Duration.millis(10))
TrafficRouting.paced(watch=Duration.millis(5))
TrafficRouting.paced(checkpoints=[50, TrafficStep(percent=100, bake=Duration.hours(1))], watch=Duration.hours(2))
CohortRule(header="x-team", values=("a,b",), expected_percent=5)
CohortRule(header="x-team", values=("",), expected_percent=5)
CohortRule(header="x-team", buckets=-5, expected_percent=5)
CohortRule(header="x-canary-bucket", buckets=20_000, expected_percent=5)
Gate.latency(slow_ms=1_000_000)
Gate.latency(slow_ms=0.0001)
Gate.latency(warm_up=Duration.millis(1500))
Gate.conversion(namespace=":Shop", shown="Shown", converted="Bought")
Gate.conversion(namespace="Läden", shown="Shown", converted="Bought")
Gate.conversion(namespace="Shop", shown="S" * 300, converted="Bought")
Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.millis(1))
Gate.metric(name="a", namespace="Shop", total="All", counted="Bad", ratio=1.2, dimensions={"": "a"})
Gate.metric(name="a", namespace="Shop", total="All", counted="Bad", ratio=1.2, dimensions={"Shop": ""})
Gate.metric(name="a", namespace="Shop", total="All", counted="Bad", ratio=1.2, dimensions=DIMENSIONS)
Gate.metric(name="a" * 65, namespace="Shop", total="All", counted="Bad", ratio=1.2)
SmokeTest(payloads=["{}"] * 3000)
SmokeTest(payloads=["{}"], content_type="json")
SmokeTest(payloads=["{}"], content_type="application/json\\n")
HoldBack(duration=Duration.millis(1))
ScalingMetric(namespace=" ", metric_name="Queue", target=1)
ScalingMetric(namespace="Shop", metric_name="Q" * 300, target=1)
ModelHosting(startup_timeout=Duration.millis(90_500))
ModelHosting(volume_size=Size.mebibytes(1500))
DataCapture(destination=s3.Bucket(stack(), "Data"), percent=10, json_content_types=["json"])
DataCapture(destination=s3.Bucket(stack(), "Data"), percent=10, csv_content_types=["text/csv"] * 11)
Adoption(endpoint_config_name="arn:aws:sagemaker:eu-central-1:123456789012:endpoint-config/shop")
Adoption(endpoint_config_name="shop", variant="All Traffic")
FleetUpdate(strategy="ROLLING", percent=None, wait_seconds=0, termination_wait_seconds=0, timeout_seconds=None)
FleetUpdate(strategy="CANARY", percent=90, wait_seconds=0, termination_wait_seconds=0, timeout_seconds=None)
FleetUpdate(strategy="CANARY", percent=None, wait_seconds=0, termination_wait_seconds=0, timeout_seconds=None)
FleetUpdate(strategy="ALL_AT_ONCE", percent=10, wait_seconds=0, termination_wait_seconds=0, timeout_seconds=None)
FleetUpdate(strategy="LINEAR", percent=10, wait_seconds=-1, termination_wait_seconds=0, timeout_seconds=None)
FleetUpdate.all_at_once(timeout=Duration.millis(1))
OnInconclusive(hold_seconds=-5)
OnInconclusive(hold_seconds=10**9)
OnInconclusive.hold_for(Duration.millis(300_500))
RolloutWindow(schedule=ScheduleExpression.cron(minute="0", hour="9"), duration=Duration.millis(3_600_500))
RolloutWindow(schedule=ScheduleExpression.cron(minute="0", hour="9", day="31", month="2"), duration=Duration.hours(1))
RolloutWindow(schedule=ScheduleExpression.rate(Duration.hours(1)), duration=Duration.hours(1))
ApiAuthorization(type=apigateway.AuthorizationType.COGNITO)
ApiAuthorization(type=apigateway.AuthorizationType.CUSTOM)
ApiAuthorization(type=apigateway.AuthorizationType.NONE)
rollout_step("Wait", version="", region="eu-central-1")
rollout_step("Wait", version="v1", region="Frankfurt")
rollout_step("Wait", version="v1", region="eu-central-1", endpoint="")
rollout_step("Wait", version="v1", region="eu-central-1", role_arn="rollouts")
rollout_step("Wait", version="v1", region="eu-central-1", timeout=Duration.seconds(3630))
on_approved_package(App(), "Approved", group="ranker")
BareEndpoint(App(), "Endpoint", endpoint_name="shop", adopt=Adoption(endpoint_config_name="shop"))
""".strip().splitlines()


def stack() -> Stack:
    """Return an empty stack in a known place."""
    return Stack(App(), "Shop", env=Environment(account="123456789012", region="eu-central-1"))


def endpoint(**props: Any) -> CanaryEndpoint:
    """Return an endpoint with some of its arguments."""
    scope = next((each for each in map(_stack_of, _flat(props.values())) if each is not None), None) or stack()
    wrong = {"release": V1, "instance_type": "ml.m5.xlarge", **props}
    return CanaryEndpoint(scope, "Endpoint", **wrong)


def api(**props: Any) -> EndpointApi:
    """Return a front door with some of its arguments."""
    behind = endpoint()
    return EndpointApi(Stack.of(behind), "Api", endpoint=behind, **props)


def alarm(region: str = "eu-central-1", account: str = "123456789012") -> cloudwatch.IAlarm:
    """Return an alarm that exists in some place."""
    arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:shop"
    return cloudwatch.Alarm.from_alarm_arn(stack(), "Alarm", arn)


def key(region: str) -> kms.IKey:
    """Return a key that exists in some region."""
    arn = f"arn:aws:kms:{region}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    return kms.Key.from_key_arn(stack(), "Key", arn)


def groups(count: int) -> list[ec2.ISecurityGroup]:
    """Return so many security groups that exist."""
    scope = stack()
    return [ec2.SecurityGroup.from_security_group_id(scope, f"Group{n}", f"sg-{n}") for n in range(count)]


def public_vpc() -> ec2.Vpc:
    """Return a network whose subnets are all public."""
    public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
    return ec2.Vpc(stack(), "Vpc", nat_gateways=0, subnet_configuration=[public])


def twice(name: str) -> None:
    """Declare two endpoints of one name."""
    scope = stack()
    for number in range(2):
        CanaryEndpoint(scope, f"Endpoint{number}", release=V1, instance_type="ml.m5.xlarge", endpoint_name=name)


def refusal_of(line: str, names: dict[str, Any]) -> Exception:
    """Return what refuses a line of code.

    Raises:
        AssertionError: when nothing does.
    """
    try:
        eval(line, names)  # noqa: S307  # the lines above
    except Exception as error:  # noqa: BLE001  # its kind is looked at by the caller
        return error
    raise AssertionError(f"accepted: {line}")


def names(folder: Path) -> dict[str, Any]:
    """Return what the lines may name; files are made in this folder."""
    for name, content in {"model.txt": b"a model", "model.tar.gz": b"no archive"}.items():
        (folder / name).write_bytes(content)
    (folder / "empty").mkdir()
    files = {
        "TEXT_FILE": str(folder / "model.txt"),
        "NO_GZIP": str(folder / "model.tar.gz"),
        "EMPTY_FOLDER": str(folder / "empty"),
    }
    parameters = Stack(App(), "Parameters")
    tokens = {
        "TOKEN": CfnParameter(parameters, "Number", type="Number").value_as_number,
        "TEXT_TOKEN": CfnParameter(parameters, "Text").value_as_string,
    }
    public = {name: getattr(library, name) for name in library.__all__}
    return {**globals(), **_OF_THE_CDK, **public, **files, **tokens}


def page() -> str:
    """Return the table of all lines with what refuses each."""
    with tempfile.TemporaryDirectory() as folder:
        known = names(Path(folder))
        rows = [f"| `{line}` | {_told(refusal_of(line, known), folder)} |" for line in WRONG]
    head = (
        "# What wrong inputs are answered with\n\nMade by `python -m tests.docs.wrong_inputs`.\n\n| input | sentence |"
    )
    return "\n".join([head, "|---|---|", *rows, ""])


def _told(error: Exception, folder: str) -> str:
    kind = next((kind for kind in (TypeError, ValueError) if isinstance(error, kind)), type(error))
    return f"{kind.__name__}: {error}".replace(folder, "…").replace("|", "\\|").replace("\n", "⏎")


def _flat(values: Any) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _stack_of(value: Any) -> Stack | None:
    """Return the stack of a construct that a line made, so that the endpoint comes into the same app."""
    made = isinstance(value, sns.Topic | iam.Role | s3.Bucket | ec2.Vpc)
    return Stack.of(value) if made else None


_OF_THE_CDK = {
    "Duration": Duration,
    "RemovalPolicy": RemovalPolicy,
    "ScheduleExpression": ScheduleExpression,
    "Size": Size,
    "apigateway": apigateway,
    "ec2": ec2,
    "iam": iam,
    "lambda_": lambda_,
    "s3": s3,
    "sns": sns,
}
V1 = ModelRelease(version="v1", image_uri=IMAGE)

if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  # the page
