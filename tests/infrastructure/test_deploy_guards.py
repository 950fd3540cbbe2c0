import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsii
import pytest
from aws_cdk import App, Aspects, CfnParameter, CfnResource, IAspect, Size, Stack, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk.aws_sagemaker import CfnEndpointConfig
from constructs import IConstruct
from rollout.contract.plan import Scaling, Settings

from canary_construct import (
    AlarmThresholds,
    Gate,
    InstanceScaling,
    ModelHosting,
    ModelRelease,
    ScheduledMinimum,
    TrafficRouting,
)
from canary_construct.permissions.by_handler import ENDPOINT_POLICIES
from tests.infrastructure.synthesis import (
    IMAGE,
    RELEASE,
    Resources,
    declare,
    depends_on,
    of_type,
    only,
    properties,
    rendered,
    resources_of,
    stack,
    text,
)

pytestmark = pytest.mark.xdist_group("guards")


def guard(resources: Resources) -> dict[str, Any]:
    return properties(resources, "Custom::ReleaseSlots")


def proof(resources: Resources) -> dict[str, Any]:
    return properties(resources, "Custom::VerifiedEndpoint")


def test_the_guard_comes_before_the_endpoint_config_and_the_proof_last(resources: Resources) -> None:
    release_slots, _ = only(resources, "Custom::ReleaseSlots")
    verified, _ = only(resources, "Custom::VerifiedEndpoint")
    config, _ = only(resources, "AWS::SageMaker::EndpointConfig")
    endpoint, _ = only(resources, "AWS::SageMaker::Endpoint")
    assert release_slots in depends_on(resources, config)
    assert config in depends_on(resources, endpoint)
    assert endpoint in depends_on(resources, verified)


def test_cloudformation_has_no_target_or_policy_that_it_could_delete_in_clean_up() -> None:
    tracking = resources_of(scaling=InstanceScaling(invocations_per_instance=1000))
    assert not [name for name, each in tracking.items() if each["Type"].startswith("AWS::ApplicationAutoScaling::")]


def policies_of(resources: Resources, handler: str) -> set[str]:
    """The policies of a handler's role: what it has in every stack, and what the endpoint gives it."""
    return {
        name
        for name, policy in of_type(resources, "AWS::IAM::Policy").items()
        if any(f"CanaryHandlers{handler}Role" in text(role) for role in policy["Properties"].get("Roles", []))
    }


@pytest.mark.parametrize("kind", ["ReleaseSlots", "VerifiedEndpoint"])
def test_a_guard_can_still_act_when_it_is_deleted(resources: Resources, kind: str) -> None:
    """What a resource depends on is deleted after it: its handler, the handler's permissions, and the ledger."""
    name, _ = only(resources, f"Custom::{kind}")
    needed = depends_on(resources, name)
    policies = policies_of(resources, kind)
    table, _ = only(resources, "AWS::DynamoDB::Table")
    assert len(policies) == 2
    assert policies | {table} <= needed
    assert any(kind in function for function in of_type(resources, "AWS::Lambda::Function") if function in needed)


def test_the_restore_path_can_still_act_while_the_guard_that_stops_a_rollout_is_deleted(resources: Resources) -> None:
    name, _ = only(resources, "Custom::VerifiedEndpoint")
    needed = depends_on(resources, name)
    (rule,) = [rule for rule in of_type(resources, "AWS::Events::Rule") if "ExecutionEnded" in rule]
    policies = policies_of(resources, "Restore")
    assert len(policies) == 2
    assert {rule, *policies} <= needed
    assert any("Restore" in function for function in of_type(resources, "AWS::Lambda::Function") if function in needed)
    assert any("Restore" in name for name in of_type(resources, "AWS::Lambda::Permission") if name in needed)


def test_an_endpoint_that_leaves_its_stack_takes_no_permission_of_another_along() -> None:
    shop = stack()
    for name in ("One", "Two"):
        package = f"arn:aws:sagemaker:eu-central-1:123456789012:model-package/endpoint-{name.lower()}/1"
        release = ModelRelease.from_model_package(version="v1", arn=package)
        declare(shop, name, endpoint_name=f"endpoint-{name.lower()}", release=release)
    policies = of_type(rendered(shop), "AWS::IAM::Policy")
    about = [
        {name for name in ("endpoint-one", "endpoint-two") if name in text(policy)} for policy in policies.values()
    ]
    assert {"endpoint-one", "endpoint-two"} not in about
    assert about.count({"endpoint-one"}) == about.count({"endpoint-two"}) == len(ENDPOINT_POLICIES)


def test_an_endpoint_that_gets_another_name_keeps_its_permissions_until_its_guards_have_acted() -> None:
    """CloudFormation updates policies first, and lets the guards of the former endpoint act in its clean-up."""
    former = resources_of(endpoint_name="former")
    policies = {name for name in of_type(former, "AWS::IAM::Policy") if "endpoint/former" in text(former[name])}
    assert policies
    assert policies.isdisjoint(resources_of(endpoint_name="latter"))
    for kind in ("Custom::ReleaseSlots", "Custom::VerifiedEndpoint"):
        assert policies & set(depends_on(former, only(former, kind)[0]))


def test_a_guard_has_a_minute_more_than_its_lambda_so_that_its_own_sentence_arrives(resources: Resources) -> None:
    for properties_ in (guard(resources), proof(resources)):
        handler = text(properties_["ServiceToken"]).removeprefix("<").removesuffix(".Arn>")
        timeout = resources[handler]["Properties"]["Timeout"]
        assert int(properties_["ServiceTimeout"]) == timeout + 60 <= 3600


def test_a_new_release_changes_the_model_and_the_guard_and_nothing_else(resources: Resources) -> None:
    release = ModelRelease(version="v2", image_uri=IMAGE, model_data_url="s3://models/recommender/v2.tar.gz")
    later = resources_of(release=release)
    changed = {resources[name]["Type"] for name in resources if resources[name] != later.get(name)}
    assert set(later) == set(resources)
    assert changed == {"AWS::SageMaker::Model", "Custom::ReleaseSlots"}


@pytest.mark.parametrize(
    "props",
    [
        {"routing": TrafficRouting.one_step_then_all(20)},
        {"alarm_thresholds": AlarmThresholds(error_rate_percent=2)},
        {"gates": [Gate.error_rate(ratio=1.5)]},
        {"alpha": 0.05},
        {"start_on_deploy": False},
    ],
    ids=lambda props: next(iter(props)),
)
def test_a_deploy_that_leaves_the_endpoint_alone_is_not_guarded(resources: Resources, props: dict[str, Any]) -> None:
    later = resources_of(**props)
    assert guard(later) == guard(resources)
    assert proof(later) == proof(resources)


def test_an_alarm_of_the_caller_does_not_change_the_guards(resources: Resources) -> None:
    shop = stack()
    alarm = cloudwatch.Alarm.from_alarm_arn(shop, "Mine", "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:mine")
    declare(shop, alarms=[alarm])
    later = rendered(shop)
    assert (guard(later), proof(later)) == (guard(resources), proof(resources))


@pytest.mark.parametrize(
    "scaling",
    [
        InstanceScaling(min_instances=2),
        InstanceScaling(max_instances=5),
        InstanceScaling(idle_instances=2),
        InstanceScaling(invocations_per_instance=1000),
        InstanceScaling(invocations_per_instance=1000, scale_in_cooldown_seconds=0),
    ],
    ids=["min", "max", "idle", "target", "cooldown"],
)
def test_changed_scaling_is_guarded_and_leaves_the_endpoint_config_alone(
    resources: Resources, scaling: InstanceScaling
) -> None:
    later = resources_of(scaling=scaling)
    config = "AWS::SageMaker::EndpointConfig"
    assert guard(later) != guard(resources)
    assert properties(later, config) == properties(resources, config)


def test_whatever_else_updates_the_endpoint_is_guarded(resources: Resources) -> None:
    shop = stack()
    declare(shop, encryption_key=kms.Key(shop, "Key"))
    other_key = rendered(shop)
    others = [resources_of(metric_period=30), other_key]
    digests = {guard(one)["EndpointDigest"] for one in [resources, *others]}
    assert len(digests) == 3


def test_each_slot_has_the_instance_type_that_the_guard_answered_for_it(resources: Resources) -> None:
    name, _ = only(resources, "Custom::ReleaseSlots")
    variants = properties(resources, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert [variant["InstanceType"] for variant in variants] == [
        {"Fn::GetAtt": [name, f"InstanceType{letter}"]} for letter in "AB"
    ]


def test_the_instance_type_of_a_release_is_part_of_its_content_and_gives_it_a_model_of_its_own(
    resources: Resources,
) -> None:
    later = resources_of(release=replace(RELEASE, instance_type="ml.m5.4xlarge"))
    asked = guard(later)
    assert (asked["InstanceType"], asked["ReleaseInstanceType"]) == ("ml.m5.xlarge", "ml.m5.4xlarge")
    assert asked["ContentDigest"] != guard(resources)["ContentDigest"]
    assert "ReleaseInstanceType" not in guard(resources)
    model, _ = only(resources, "AWS::SageMaker::Model")
    assert {name for name in resources if resources[name] != later[name]} == {
        model, only(resources, "Custom::ReleaseSlots")[0],
    }  # fmt: skip
    container = properties(later, "AWS::SageMaker::Model")["PrimaryContainer"]
    assert container["Environment"] == {"CANARY_CONSTRUCT_HOSTING": '{"InstanceType":"ml.m5.4xlarge"}'}


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({}, "instance_type must be one that can scale, got ml.t2.medium: burstable types cannot"),
        (
            {"own": "ml.g5.xlarge", "hosting": ModelHosting(volume_size=Size.gibibytes(60))},
            "volume_size must be left out for ml.g5.xlarge",
        ),
    ],
    ids=["burstable", "volume"],
)
def test_an_instance_type_of_a_release_that_cannot_be_is_refused(props: dict[str, Any], sentence: str) -> None:
    own = props.pop("own", "ml.t2.medium")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        resources_of(release=replace(RELEASE, instance_type=own), **props)


OWN_SCALING = InstanceScaling(min_instances=2, max_instances=3, invocations_per_instance=6000)


def test_the_scaling_of_a_release_reaches_the_guard_and_is_no_part_of_its_content(resources: Resources) -> None:
    """So the version stays when it changes, and nothing of the model or the endpoint is touched."""
    later = resources_of(release=replace(RELEASE, scaling=OWN_SCALING))
    assert json.loads(guard(later)["ReleaseScaling"]) == {
        "min_instances": 2,
        "max_instances": 3,
        "idle_instances": 1,
        "invocations_per_instance": 6000,
        "scale_out_cooldown_seconds": 60,
        "scale_in_cooldown_seconds": 300,
    }
    assert "ReleaseScaling" not in guard(resources)
    assert {**guard(later), "ReleaseScaling": None} == {**guard(resources), "ReleaseScaling": None}
    changed = {resources[name]["Type"] for name in resources if resources[name] != later[name]}
    assert changed == {"Custom::ReleaseSlots", "AWS::StepFunctions::StateMachine"}, "and the plan's metadata"


def test_minimums_of_the_release_alone_are_looked_at_as_often_as_those_of_the_endpoint() -> None:
    by_day = ScheduledMinimum(min_instances=2, start="08:00", end="20:00")
    own = replace(OWN_SCALING, scheduled_minimums=[by_day])
    rates = [
        [rule["Properties"].get("ScheduleExpression") for rule in of_type(found, "AWS::Events::Rule").values()]
        for found in (resources_of(release=replace(RELEASE, scaling=own)), resources_of(scaling=own), resources_of())
    ]
    assert rates[0] == rates[1]
    assert ("rate(5 minutes)" in rates[0], "rate(5 minutes)" in rates[2]) == (True, False)


def test_traffic_that_the_release_cannot_take_is_refused_at_synth() -> None:
    plenty = InstanceScaling(max_instances=20, invocations_per_instance=6000)
    sentence = "expected_rps of 400 needs more than max_instances of the release (3) at 6,000 invocations a minute each"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        resources_of(release=replace(RELEASE, scaling=OWN_SCALING), scaling=plenty, expected_rps=400)


def _tagged(shop: Stack) -> None:
    Tags.of(shop).add("team", "shop")


def _overridden(shop: Stack) -> None:
    config = shop.node.find_child("Recommender").node.find_child("Config")
    assert isinstance(config, CfnResource)
    config.add_property_override("ProductionVariants.0.VolumeSizeInGB", 30)


def _undone(shop: Stack) -> None:
    config = shop.node.find_child("Recommender").node.find_child("Config")
    assert isinstance(config, CfnResource)
    config.add_property_deletion_override("MetricsConfig")


def _swapped_in_steps(shop: Stack) -> None:
    """As an app does that wants another guardrail of SageMaker than the props have."""
    endpoint = shop.node.find_child("Recommender").node.find_child("Resource")
    assert isinstance(endpoint, CfnResource)
    endpoint.add_property_override("DeploymentConfig", {"AutoRollbackConfiguration": {"Alarms": []}})


def _tagged_as_a_stack(shop: Stack) -> None:
    """As `Stack(tags=…)` does: the tags are not in the template."""
    shop.tags.set_tag("team", "shop")


@jsii.implements(IAspect)
class OtherKey:
    """An Aspect that a team applies to all that it deploys."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, CfnEndpointConfig):
            node.kms_key_id = "alias/of-the-team"


def _by_an_aspect(shop: Stack) -> None:
    Aspects.of(shop).add(OtherKey())


@pytest.mark.parametrize(
    "change", [_tagged, _tagged_as_a_stack, _overridden, _undone, _swapped_in_steps, _by_an_aspect]
)
def test_what_an_app_changes_behind_the_props_is_guarded_before_and_proven_after(
    resources: Resources, change: Callable[[Stack], None]
) -> None:
    shop = stack()
    declare(shop)
    change(shop)
    later = rendered(shop)
    assert guard(later) != guard(resources)
    assert proof(later) != proof(resources)
    assert guard(later)["ContentDigest"] == guard(resources)["ContentDigest"]


def test_an_override_of_the_container_is_another_content(resources: Resources) -> None:
    shop = stack()
    model = declare(shop).node.find_child("Model")
    assert isinstance(model, CfnResource)
    model.add_property_override("PrimaryContainer.Environment.TOP", "10")
    assert guard(rendered(shop))["ContentDigest"] != guard(resources)["ContentDigest"]


def test_values_that_only_a_deploy_knows_are_part_of_the_digests() -> None:
    shop = stack()
    image = CfnParameter(shop, "Image").value_as_string
    key = kms.Key.from_key_arn(shop, "Key", CfnParameter(shop, "KeyArn").value_as_string)
    declare(shop, release=ModelRelease(version="v1", image_uri=image), encryption_key=key)
    asked = guard(rendered(shop))
    assert asked["ContentValues"] == [{"Ref": "Image"}]
    assert asked["EndpointValues"] == [{"Ref": "KeyArn"}]


def test_a_value_of_another_stack_is_part_of_the_digests() -> None:
    app = App()
    keys, shop = Stack(app, "Keys"), Stack(app, "Shop")
    declare(shop, encryption_key=kms.Key(keys, "Key"))
    (value,) = guard(rendered(shop))["EndpointValues"]
    assert next(iter(value)) == "Fn::ImportValue"


def test_values_that_never_change_are_not_sent(resources: Resources) -> None:
    assert not {"ContentValues", "EndpointValues"} & (guard(resources).keys() | proof(resources).keys())


def test_the_identity_of_a_release_is_its_label_and_its_content(resources: Resources) -> None:
    contents: list[dict[str, Any]] = [
        {"image_uri": f"{IMAGE}1", "model_data_url": "s3://models/recommender/v1.tar.gz"},
        {"image_uri": IMAGE, "model_data_url": "s3://models/recommender/other.tar.gz"},
        {"image_uri": IMAGE, "model_data_url": "s3://models/recommender/v1.tar.gz", "environment": {"TOP": "10"}},
    ]
    others = [guard(resources_of(release=ModelRelease(version="v1", **content))) for content in contents]
    assert {other["Version"] for other in others} == {"v1"}
    assert len({guard(resources)["ContentDigest"], *(other["ContentDigest"] for other in others)}) == 4


def test_the_guard_knows_the_scaling_by_role(resources: Resources) -> None:
    scaling = Settings.parse(json.loads(guard(resources)["Settings"])).scaling
    assert scaling == Scaling(min_instances=1, max_instances=4, idle_instances=1, invocations_per_instance=None)


def test_the_proof_can_stop_a_rollout_because_it_knows_the_state_machine(resources: Resources) -> None:
    arn = json.loads(text(proof(resources)["Settings"]))["state_machine_arn"]
    assert arn == (
        "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:"
        + properties(resources, "AWS::StepFunctions::StateMachine")["StateMachineName"]
    )
