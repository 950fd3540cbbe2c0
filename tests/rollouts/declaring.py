"""One endpoint as a team declares it, synthesised once for each declaration and deployed under many names."""

import gzip
import json
import re
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import (
    App,
    CfnCreationPolicy,
    CfnResource,
    CfnResourceSignal,
    CfnWaitConditionHandle,
    DefaultStackSynthesizer,
    Duration,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk.aws_cloudwatch import Alarm, IAlarm, Metric, TreatMissingData
from aws_cdk.aws_events import CfnRule
from constructs import Construct, IConstruct
from rollout.contract.plan import SCHEMA

from canary_construct import (
    Adoption,
    AlarmThresholds,
    BareEndpoint,
    CanaryEndpoint,
    CohortRule,
    Container,
    DataCapture,
    EndpointApi,
    FleetUpdate,
    Gate,
    HoldBack,
    InstanceScaling,
    ModelHosting,
    ModelRelease,
    PrivateRegistry,
    S3Prefix,
    ScheduledMinimum,
    SmokeTest,
    TrafficRouting,
    TrafficStep,
)
from canary_construct.permissions.endpoint_scope import stack_mark
from examples.registry_on_approval.approved_releases import ApprovedReleases
from tests.rollouts.kernel import KERNEL
from tests.rollouts.library import next_library, with_other_states

MODEL = Path(__file__).parent / "model"
FEATURES = Path(__file__).parent / "features"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/shop:1"
CREDENTIALS = "arn:aws:lambda:us-east-1:000000000000:function:registry-credentials"
PLACEHOLDER = "endpoint-named-at-deploy"
"""Short enough to stand whole in every name that is made of it, so that it can be replaced there."""
METRIC_PERIOD_SECONDS = 10
BAKE_SECONDS = 50
"""The shortest that the construct takes at this metric period."""
UNTIL_ENDED_SECONDS = 1800
"""The bake of a step in which a test looks at a rollout, or ends it: no step passes before."""
SELDOM_LOOKING_SECONDS = 36 * 3600
"""A bake, or a hold-back, so long that the state machine looks once in some two minutes.

What acts at once acts before."""
FLEET_STEP_SECONDS = 10
MAX_BAKE_SECONDS = 1800
"""For a step whose evidence comes late because the machine is busy."""
NO_LATENCY_ALARM_MS = 1000 * MAX_BAKE_SECONDS
"""How long a model takes to answer says here how busy the machine is."""
TIME_LIMIT_SECONDS = 900
"""Of every Lambda function and every task of the state machine: their own ones are for a processor of their own."""
MIN_REQUESTS = 50
POINTS = ("Model", "ReleaseSlots", "Config", "Resource", "VerifiedEndpoint")
"""What a deploy goes through, in this order, by construct ID; "Resource" is the endpoint."""
HELD = "Held"
HELD_SECONDS = 3600

_folder = tempfile.TemporaryDirectory(prefix="rollout-tests-")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that the tests change about an endpoint. `environment` reaches the model's container."""

    version: str
    environment: tuple[tuple[str, str], ...] = ()
    broken_archive: bool = False
    cohort: CohortRule | None = None
    """Of a step before the weighted ones; the endpoint then has a front door."""
    steps: tuple[int, ...] = (100,)
    harm_budget: float | None = None
    """Paces the share between the steps; left out, it rises at once to the next one."""
    hold_back: int | None = None
    """Percent of the traffic that the former release keeps; looked at as seldom as a long bake."""
    approval_seconds: int = 0
    """How long the first weighted step waits for a person's yes when it has passed; 0: nobody is asked."""
    first_bake_seconds: int = BAKE_SECONDS
    """Of the cohort's step, if there is one."""
    instance_type: str = "ml.m5.xlarge"
    own_type: str | None = None
    """Of the release."""
    own_scaling: InstanceScaling | None = None
    """Of the release."""
    hosting: ModelHosting | None = None
    own_hosting: ModelHosting | None = None
    """Of the release."""
    captured_percent: int = 0
    """Of the requests, in the bucket `captured_in`."""
    features_below: str | None = None
    """An S3 prefix with the model data of a container before the model's own; empty: shipped with the stack."""
    fleet_watched: bool = False
    """Whether SageMaker swaps the fleet in two steps, and watches an alarm of the team meanwhile."""
    package: str = ""
    """The ARN of a version in the model registry: the parameter of a stack that deploys what is approved."""
    min_instances: int = 2
    idle_instances: int = 1
    max_instances: int = 4
    invocations_per_instance: int | None = None
    adopt: Adoption | None = None
    """What the stack takes over; without a `version` it has no release yet."""
    bare: bool = False
    """Whether the stack has nothing but that endpoint, as it is imported."""
    concurrency_per_instance: float | None = None
    scheduled_minimums: tuple[ScheduledMinimum, ...] = ()
    fails_after: str = ""
    """One of `POINTS`: something else in the stack fails once this is there, and before anything that needs it."""
    held_after: str = ""
    """One of `POINTS`: the deploy waits there until `DeployedShop.let_go`."""
    rollout_held: bool = False
    """Whether no step passes until `DeployedShop.let_rollout_go_on`: an alarm of the team is in an unknown state."""
    endpoint: bool = True
    """Whether the stack has an endpoint at all."""
    neighbours: int = 0
    """How many more endpoints the stack has, of the same release: `…-neighbour-1` and so on."""
    next_library: bool = False
    schema: int = SCHEMA
    """Of the payloads of the next library."""
    alarm_min_requests: int = 10
    """Of a metric period of the error-rate alarm. Among few requests a lesser failure raises it by chance."""
    operated: bool = False
    """Whether the stack has a role that may operate the endpoint, and one that may do nothing."""
    panic: bool = True
    """Whether the rule that calls the panic handler is enabled."""


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file or folder that a template refers to."""

    key: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A template with its assets."""

    text: str
    assets: tuple[Asset, ...]

    def template(self, endpoint_name: str) -> str:
        """Return the template for an endpoint of this name; in ARNs the library writes it in lower case."""
        in_arns = self.text.replace(f":endpoint/{PLACEHOLDER}", f":endpoint/{endpoint_name.lower()}")
        return in_arns.replace(PLACEHOLDER, endpoint_name)


def assembly_of(declaration: Declaration) -> Assembly:
    """Return what `cdk synth` makes of a declaration."""
    with KERNEL:
        return _synthesise(declaration)


@cache
def _synthesise(declaration: Declaration) -> Assembly:
    out = Path(tempfile.mkdtemp(dir=_folder.name))
    with next_library(out, schema=declaration.schema) if declaration.next_library else nullcontext():
        _shop(out, declaration)
    text = _with_time_limits((out / "Shop.template.json").read_text(encoding="utf-8"))
    return Assembly(
        text=with_other_states(text) if declaration.next_library else text,
        assets=tuple(assets_of(out, json.loads((out / "Shop.assets.json").read_text(encoding="utf-8")))),
    )


def _with_time_limits(template: str) -> str:
    """Return a template whose functions and tasks may run as long as a busy machine needs."""
    patient, tasks = re.subn(r'\\"TimeoutSeconds\\":\d+', rf'\\"TimeoutSeconds\\":{TIME_LIMIT_SECONDS}', template)
    patient, functions = re.subn(r'"Timeout":\d+', f'"Timeout":{TIME_LIMIT_SECONDS}', patient)
    assert (tasks > 0) == (functions > 0), f"{tasks} tasks and {functions} functions have a time limit"
    return patient


def _shop(out: Path, declaration: Declaration) -> None:
    compact = {"@aws-cdk/core:suppressTemplateIndentation": True}  # CloudFormation takes 1,000,000 bytes
    app = App(outdir=str(out), analytics_reporting=False, context=compact)
    stack = Stack(app, "Shop", synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
    CfnWaitConditionHandle(stack, "Other")
    if declaration.bare:
        assert declaration.adopt is not None
        BareEndpoint(stack, "Endpoint", endpoint_name=PLACEHOLDER, adopt=declaration.adopt)
    elif declaration.endpoint:
        endpoint = _endpoint(stack, declaration)
        for number in range(1, declaration.neighbours + 1):
            name = neighbour_name(PLACEHOLDER, number)
            _endpoint(stack, declaration, construct_id=f"Neighbour{number}", endpoint_name=name)
        if declaration.operated:
            roles = [iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()) for name in ("Operator", "Stranger")]
            endpoint.grant_operate(roles[0])
        if declaration.cohort is not None:
            EndpointApi(stack, "FrontDoor", endpoint=endpoint, account_logging=False)
        if declaration.fails_after:
            _insert(_refused_by_sagemaker(stack), endpoint, after=declaration.fails_after)
        if declaration.held_after:
            _insert(_waiting_for_a_signal(stack), endpoint, after=declaration.held_after)
        if not declaration.panic:
            _disable(endpoint.node.find_child("AlarmRaised"))
    app.synth()


def _endpoint(
    scope: Construct, declaration: Declaration, *, construct_id: str = "Endpoint", endpoint_name: str = PLACEHOLDER
) -> CanaryEndpoint:
    return CanaryEndpoint(
        scope,
        construct_id,
        endpoint_name=endpoint_name,
        release=_release(scope, declaration),
        adopt=declaration.adopt,
        instance_type=declaration.instance_type,
        hosting=declaration.hosting,
        scaling=_scaling(declaration),
        routing=_routing(declaration),
        gates=[Gate.error_rate()],
        smoke_test=SmokeTest(payloads=['{"user": -1}']),
        metric_period=METRIC_PERIOD_SECONDS,
        alarm_thresholds=AlarmThresholds(
            p99_latency_ms=NO_LATENCY_ALARM_MS, min_requests=declaration.alarm_min_requests
        ),
        alarms=[_business(Stack.of(scope))] if declaration.rollout_held else [],
        hold_back=_hold_back(declaration),
        **(_guardrail(Stack.of(scope)) if declaration.fleet_watched else {}),
        data_capture=_capture(scope, declaration, endpoint_name) if declaration.captured_percent else None,
        **({} if declaration.features_below is None else _network(scope)),
        **({"model_buckets": [_registry_bucket(scope, endpoint_name)]} if declaration.package else {}),
    )


def _scaling(declaration: Declaration) -> InstanceScaling:
    return InstanceScaling(
        min_instances=declaration.min_instances,
        idle_instances=declaration.idle_instances,
        max_instances=declaration.max_instances,
        invocations_per_instance=declaration.invocations_per_instance,
        concurrency_per_instance=declaration.concurrency_per_instance,
        scheduled_minimums=declaration.scheduled_minimums,
    )


def _hold_back(declaration: Declaration) -> HoldBack | None:
    percent = declaration.hold_back
    return None if percent is None else HoldBack(percent=percent, duration=Duration.seconds(SELDOM_LOOKING_SECONDS))


def group_of(endpoint_name: str) -> str:
    """Return the name of the model package group of an endpoint, and of the bucket with its model data."""
    return f"{endpoint_name}-registry"


def _registry_bucket(scope: Construct, endpoint_name: str) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(scope, "RegistryBucket", group_of(endpoint_name))


def _release(scope: Construct, declaration: Declaration) -> ModelRelease | None:
    if declaration.package:
        return ApprovedReleases(scope, "Registry", group=group_of(PLACEHOLDER)).release
    if not declaration.version:
        return None
    if declaration.features_below is not None:
        return _pipeline(scope, declaration)
    return ModelRelease.from_asset(
        version=declaration.version,
        image_uri=IMAGE,
        path=str(_broken_archive() if declaration.broken_archive else MODEL),
        environment=_environment(declaration),
        instance_type=declaration.own_type,
        scaling=declaration.own_scaling,
        hosting=declaration.own_hosting,
    )


def _environment(declaration: Declaration) -> dict[str, str]:
    return {"VERSION": declaration.version, **dict(declaration.environment)}


def _pipeline(scope: Construct, declaration: Declaration) -> ModelRelease:
    """Return a release of two containers; the image of the first one is in a private registry."""
    credentials = lambda_.Function.from_function_arn(scope, "Credentials", CREDENTIALS)
    registry, below = PrivateRegistry(credentials=credentials), declaration.features_below
    features = (
        Container(image_uri="registry.shop.example/features:1", model_data=S3Prefix(url=below), image_config=registry)
        if below
        else Container.from_asset(image_uri=IMAGE, path=str(FEATURES))
    )
    model = Container.from_asset(image_uri=IMAGE, path=str(MODEL), environment=_environment(declaration))
    return ModelRelease(version=declaration.version, containers=[features, model], hosting=declaration.own_hosting)


def captured_in(endpoint_name: str) -> str:
    """Return the name of the bucket with captured requests; a test makes it before the stack."""
    return f"{endpoint_name}-captured"


def _capture(scope: Construct, declaration: Declaration, endpoint_name: str) -> DataCapture:
    bucket = s3.Bucket.from_bucket_name(scope, "Captured", captured_in(endpoint_name))
    return DataCapture(destination=bucket, prefix="shop", percent=declaration.captured_percent)


def _network(scope: Construct) -> dict[str, Any]:
    """Return a VPC that was there before the stack."""
    subnets = ["subnet-1", "subnet-2"]
    zones = ["us-east-1a", "us-east-1b"]
    vpc = ec2.Vpc.from_vpc_attributes(
        scope, "Vpc", vpc_id="vpc-1", availability_zones=zones, private_subnet_ids=subnets
    )
    return {"vpc": vpc, "security_groups": [ec2.SecurityGroup.from_security_group_id(scope, "Group", "sg-1")]}


def neighbour_name(endpoint_name: str, number: int = 1) -> str:
    """Return the name of one of the endpoints beside the stack's first."""
    return f"{endpoint_name}-neighbour-{number}"


def state_machine_name(endpoint_name: str) -> str:
    """Return the name of the state machine of an endpoint in the stack of a declaration."""
    return f"{endpoint_name}-rollout-{_mark()}"


@cache
def _mark() -> str:
    with KERNEL:
        return stack_mark(Stack(App(), "Shop"))


def business_alarm(endpoint_name: str) -> str:
    """Return the name of the alarm that holds the rollouts of an endpoint."""
    return f"{endpoint_name}-business"


def _business(stack: Stack) -> IAlarm:
    """Declare the alarm that holds rollouts."""
    return _set_by_hand(stack, "Business", business_alarm(PLACEHOLDER))


def fleet_alarm(endpoint_name: str) -> str:
    """Return the name of the alarm that SageMaker watches while it swaps the fleet of an endpoint."""
    return f"{endpoint_name}-fleet"


def _guardrail(stack: Stack) -> dict[str, Any]:
    step = Duration.seconds(FLEET_STEP_SECONDS)
    return {
        "fleet_update": FleetUpdate.canary(percent=50, wait=step, termination_wait=step),
        "fleet_update_alarms": [_set_by_hand(stack, "Fleet", fleet_alarm(PLACEHOLDER))],
    }


def _set_by_hand(stack: Stack, construct_id: str, name: str) -> IAlarm:
    """Declare an alarm that never gets data, and keeps the state that a test gives it."""
    return Alarm(
        stack,
        construct_id,
        alarm_name=name,
        metric=Metric(namespace="Shop", metric_name="Complaints"),
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=TreatMissingData.IGNORE,
    )


def _routing(declaration: Declaration) -> TrafficRouting:
    steps = _steps(declaration)
    if declaration.harm_budget is None:
        return TrafficRouting.steps(steps)
    return TrafficRouting.paced(harm_budget=declaration.harm_budget, checkpoints=steps)


def _steps(declaration: Declaration) -> list[TrafficStep]:
    shown_to = [] if declaration.cohort is None else [declaration.cohort]
    bakes = [declaration.first_bake_seconds, *[BAKE_SECONDS] * (len(shown_to) + len(declaration.steps) - 1)]
    asks = [0] * len(shown_to) + [declaration.approval_seconds] + [0] * (len(declaration.steps) - 1)
    return [_step(*each) for each in zip([*shown_to, *declaration.steps], bakes, asks, strict=True)]


def _step(shown_to: CohortRule | int, bake_seconds: int, approval_seconds: int) -> TrafficStep:
    bake, max_bake = Duration.seconds(bake_seconds), Duration.seconds(max(bake_seconds, MAX_BAKE_SECONDS))
    if isinstance(shown_to, CohortRule):
        return TrafficStep.cohort(shown_to, bake=bake, max_bake=max_bake, min_requests=MIN_REQUESTS)
    approval = Duration.seconds(approval_seconds) if approval_seconds else None
    return TrafficStep(percent=shown_to, bake=bake, max_bake=max_bake, min_requests=MIN_REQUESTS, approval=approval)


def _broken_archive() -> Path:
    archive = Path(_folder.name) / "model.tar.gz"
    archive.write_bytes(gzip.compress(b"no archive at all"))
    return archive


def _refused_by_sagemaker(stack: Stack) -> CfnResource:
    variant = {
        "VariantName": "one", "ModelName": "no-such-model", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge",
    }  # fmt: skip
    return CfnResource(
        stack, "Refused", type="AWS::SageMaker::EndpointConfig", properties={"ProductionVariants": [variant]}
    )


def _waiting_for_a_signal(stack: Stack) -> CfnResource:
    condition = CfnResource(stack, HELD, type="AWS::CloudFormation::WaitCondition")
    condition.cfn_options.creation_policy = CfnCreationPolicy(
        resource_signal=CfnResourceSignal(count=1, timeout=f"PT{HELD_SECONDS}S")
    )
    return condition


def _insert(resource: CfnResource, endpoint: CanaryEndpoint, *, after: str) -> None:
    """Put a resource between one point of a deploy and all that comes after it."""
    resource.node.add_dependency(endpoint.node.find_child(after))
    for following in POINTS[POINTS.index(after) + 1 :]:
        endpoint.node.find_child(following).node.add_dependency(resource)


def _disable(rule: IConstruct) -> None:
    resource = rule.node.default_child
    assert isinstance(resource, CfnRule)
    resource.state = "DISABLED"


def assets_of(out: Path, manifest: dict[str, Any]) -> list[Asset]:
    """Return what `cdk` uploads for a stack beside its template."""
    return [
        Asset(key=destination["objectKey"], path=out / file["source"]["path"])
        for file in manifest["files"].values()
        for destination in file["destinations"].values()
        if not file["source"]["path"].endswith("template.json")
    ]
