import gzip
import json
from pathlib import Path
from typing import Any

import botocore.session
import jsii
import pytest
from aws_cdk import App, Aspects, CfnDeletionPolicy, CfnResource, IAspect, RemovalPolicies, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match
from constructs import IConstruct

from canary_construct import ModelRelease
from canary_construct.hosting.hosting import check_instance_type, check_storage_takes_key
from canary_construct.permissions.endpoint_scope import stack_mark
from canary_tools.aws_models.sagemaker.config_rules import has_local_storage
from tests.infrastructure.synthesis import (
    ENDPOINT,
    IMAGE,
    Resources,
    declare,
    depends_on,
    of_type,
    only,
    properties,
    rendered,
    resources_of,
    stack,
    statements,
    text,
)

pytestmark = pytest.mark.xdist_group("guards")

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
INSTANCE_TYPES = SAGEMAKER.shape_for("ProductionVariantInstanceType").enum
KEPT_BY_CLOUDFORMATION = ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig")


@jsii.implements(IAspect)
class DeleteReplaced:
    """An Aspect as teams write them for stacks of a test environment."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, CfnResource):
            node.cfn_options.update_replace_policy = CfnDeletionPolicy.DELETE


@pytest.fixture(scope="module")
def enclosed() -> Resources:
    """An endpoint in a VPC, with a key, without network access, measured every 10 seconds."""
    shop = stack()
    declare(
        shop,
        vpc=ec2.Vpc(shop, "Vpc", max_azs=2),
        encryption_key=kms.Key(shop, "Key"),
        network_isolation=True,
        metric_period=10,
    )
    return rendered(shop)


def test_both_slots_have_their_constant_names(resources: Resources) -> None:
    variants = properties(resources, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert [variant["VariantName"] for variant in variants] == ["variant-a", "variant-b"]


def test_what_a_slot_holds_is_what_the_guard_answered(resources: Resources) -> None:
    guard, _ = only(resources, "Custom::ReleaseSlots")
    variants = properties(resources, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    for letter, variant in zip("AB", variants, strict=True):
        assert variant["ModelName"] == {"Fn::GetAtt": [guard, f"Model{letter}"]}
        assert variant["InstanceType"] == {"Fn::GetAtt": [guard, f"InstanceType{letter}"]}
        assert variant["InitialVariantWeight"] == {"Fn::GetAtt": [guard, f"Weight{letter}"]}
        assert variant["InitialInstanceCount"] == {"Fn::GetAtt": [guard, f"Instances{letter}"]}


def test_an_update_keeps_live_weights_and_instance_counts_of_all_variants(resources: Resources) -> None:
    endpoint = properties(resources, "AWS::SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"] is True
    assert "ExcludeRetainedVariantProperties" not in endpoint


def test_metrics_are_configured_explicitly_and_cost_nothing_extra_by_default(resources: Resources) -> None:
    assert properties(resources, "AWS::SageMaker::EndpointConfig")["MetricsConfig"] == {
        "EnableDetailedObservability": False,
        "EnableEnhancedMetrics": False,
        "MetricPublishFrequencyInSeconds": 60,
    }


def test_a_period_under_a_minute_turns_enhanced_metrics_on(enclosed: Resources) -> None:
    assert properties(enclosed, "AWS::SageMaker::EndpointConfig")["MetricsConfig"] == {
        "EnableDetailedObservability": False,
        "EnableEnhancedMetrics": True,
        "MetricPublishFrequencyInSeconds": 10,
    }


def test_the_metrics_configuration_has_the_members_that_sagemaker_knows(resources: Resources) -> None:
    rendered_members = properties(resources, "AWS::SageMaker::EndpointConfig")["MetricsConfig"]
    assert set(rendered_members) <= set(SAGEMAKER.shape_for("MetricsConfig").members)


@pytest.mark.parametrize("kind", KEPT_BY_CLOUDFORMATION)
def test_replaced_models_and_configs_stay_and_the_last_ones_go_with_the_stack(resources: Resources, kind: str) -> None:
    _, resource = only(resources, kind)
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert resource["DeletionPolicy"] == "Delete"


def test_a_removal_policy_of_the_whole_app_does_not_delete_what_a_slot_may_serve() -> None:
    shop = stack()
    declare(shop)
    RemovalPolicies.of(shop.node.root).destroy()
    Aspects.of(shop.node.root).add(DeleteReplaced(), priority=10_000)
    resources = rendered(shop)
    for kind in KEPT_BY_CLOUDFORMATION:
        assert only(resources, kind)[1]["UpdateReplacePolicy"] == "Retain"
    assert only(resources, "AWS::DynamoDB::Table")[1]["UpdateReplacePolicy"] == "Delete"


@pytest.mark.parametrize("kind", [*KEPT_BY_CLOUDFORMATION, "AWS::SageMaker::Endpoint"])
def test_everything_of_sagemaker_is_tagged_with_its_endpoint_and_its_stack(resources: Resources, kind: str) -> None:
    assert properties(resources, kind)["Tags"] == [
        {"Key": "canary-construct:endpoint", "Value": ENDPOINT},
        {"Key": "canary-construct:stack", "Value": stack_mark(stack())},
    ]


def test_no_name_is_given_to_what_cloudformation_replaces(resources: Resources) -> None:
    assert "ModelName" not in properties(resources, "AWS::SageMaker::Model")
    assert "EndpointConfigName" not in properties(resources, "AWS::SageMaker::EndpointConfig")


def test_a_vpc_gives_the_model_its_private_subnets_and_a_group_of_its_own(enclosed: Resources) -> None:
    group, _ = only(enclosed, "AWS::EC2::SecurityGroup")
    config = properties(enclosed, "AWS::SageMaker::Model")["VpcConfig"]
    assert config["SecurityGroupIds"] == [{"Fn::GetAtt": [group, "GroupId"]}]
    assert all("Private" in text(subnet) for subnet in config["Subnets"])
    assert len(config["Subnets"]) == 2


def test_in_a_vpc_the_models_role_may_make_network_interfaces(enclosed: Resources, resources: Resources) -> None:
    def actions(of: Resources) -> set[str]:
        return {action for statement in statements(of, "ModelRole") for action in statement["Action"]}

    assert "ec2:CreateNetworkInterface" in actions(enclosed)
    assert not any(action.startswith("ec2:") for action in actions(resources))


def test_the_guard_sees_when_sagemaker_has_left_the_group_before_it_is_deleted(
    enclosed: Resources, resources: Resources
) -> None:
    group, _ = only(enclosed, "AWS::EC2::SecurityGroup")
    guard, declared = only(enclosed, "Custom::ReleaseSlots")
    assert declared["Properties"]["SecurityGroup"] == {"Fn::GetAtt": [group, "GroupId"]}
    assert group in depends_on(enclosed, guard)
    seeing = [s for s in statements(enclosed, "ReleaseSlots") if s["Action"] == ["ec2:DescribeNetworkInterfaces"]]
    assert len(seeing) == 1
    assert not any("ec2" in action for s in statements(resources, "ReleaseSlots") for action in s["Action"])


def test_network_isolation_and_the_key_reach_their_resources(enclosed: Resources) -> None:
    key, _ = only(enclosed, "AWS::KMS::Key")
    assert properties(enclosed, "AWS::SageMaker::Model")["EnableNetworkIsolation"] is True
    assert properties(enclosed, "AWS::SageMaker::EndpointConfig")["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}


def test_a_given_subnet_choice_and_group_are_used() -> None:
    shop = stack()
    vpc = ec2.Vpc(shop, "Vpc", max_azs=2)
    group = ec2.SecurityGroup(shop, "Mine", vpc=vpc)
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    declare(shop, vpc=vpc, vpc_subnets=public, security_groups=[group])
    config = properties(rendered(shop), "AWS::SageMaker::Model")["VpcConfig"]
    assert all("Public" in text(subnet) for subnet in config["Subnets"])
    assert [text(one) for one in config["SecurityGroupIds"]] == [text(shop.resolve(group.security_group_id))]


def test_subnets_or_groups_without_a_vpc_are_refused() -> None:
    shop = stack()
    group = ec2.SecurityGroup.from_security_group_id(shop, "Group", "sg-1")
    with pytest.raises(ValueError, match=r"^security_groups must come with a vpc, got none$"):
        declare(shop, security_groups=[group])
    with pytest.raises(ValueError, match=r"^vpc_subnets must come with a vpc, got none$"):
        declare(stack(), vpc_subnets=ec2.SubnetSelection())


def test_a_given_role_runs_the_model_and_none_is_made() -> None:
    shop = stack()
    role = iam.Role.from_role_arn(shop, "Role", "arn:aws:iam::123456789012:role/models")
    declare(shop, role=role)
    resources = rendered(shop)
    assert properties(resources, "AWS::SageMaker::Model")["ExecutionRoleArn"] == (
        "arn:aws:iam::123456789012:role/models"
    )
    assert not any("ModelRole" in name for name in of_type(resources, "AWS::IAM::Role"))


def test_a_given_role_may_read_what_the_cdk_ships(tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(gzip.compress(b"model"))
    shop = stack()
    role = iam.Role(shop, "Mine", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    declare(shop, role=role, release=ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=str(archive)))
    (reading,) = statements(rendered(shop), "Mine")
    assert reading["Action"] == ["s3:GetObject"]
    assert reading["Resource"] == ["arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*"]


def test_a_folder_is_shipped_under_the_hash_of_what_is_in_it(tmp_path: Path) -> None:
    def url(folder: str, content: str) -> str:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.bin").write_text(content)
        release = ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=str(tmp_path / folder))
        return text(properties(resources_of(release=release), "AWS::SageMaker::Model")["PrimaryContainer"])

    assert url("one", "weights") == url("two", "weights") != url("three", "other weights")


def test_the_models_role_does_not_change_with_the_release(resources: Resources) -> None:
    """SageMaker reads image and archive of the release that serves again for every new instance."""
    later = ModelRelease(
        version="v2", image_uri=f"{IMAGE.replace('recommender', 'ranker')}2", model_data_url="s3://models/v2/m.tar.gz"
    )
    assert statements(resources_of(release=later), "ModelRole") == statements(resources, "ModelRole")


def test_the_models_role_may_read_the_bucket_of_the_archive_only(resources: Resources) -> None:
    (reading,) = [s for s in statements(resources, "ModelRole") if "s3:GetObject" in s["Action"]]
    assert reading["Resource"] == ["arn:<AWS::Partition>:s3:::models/*"]


def test_the_models_role_may_read_the_buckets_of_all_releases_and_their_keys() -> None:
    shop = stack()
    key = kms.Key(shop, "Key")
    old = s3.Bucket.from_bucket_name(shop, "Old", "old-models")
    locked = s3.Bucket(shop, "Locked", encryption=s3.BucketEncryption.KMS)
    endpoint = declare(shop, model_buckets=[old, locked], model_key=key)
    resources = rendered(shop)
    (reading,) = [s for s in statements(resources, "ModelRole") if "s3:GetObject" in s["Action"]]
    assert {"arn:<AWS::Partition>:s3:::models/*", "arn:<AWS::Partition>:s3:::old-models/*"} < set(reading["Resource"])
    decrypted = [s["Resource"] for s in statements(resources, "ModelRole") if s["Action"] == ["kms:Decrypt"]]
    assert len(decrypted) == len(of_type(resources, "AWS::KMS::Key")) == 2
    assert properties(resources, "Custom::ReleaseSlots")["ReadableBuckets"][:2] == ["models", "old-models"]
    assert properties(resources, "Custom::ReleaseSlots")["ModelBuckets"] == ["models"]
    assert shop.resolve(endpoint.role.role_arn) == properties(resources, "AWS::SageMaker::Model")["ExecutionRoleArn"]


def test_a_given_role_that_the_app_does_not_make_is_pointed_at() -> None:
    shop = stack()
    role = iam.Role.from_role_arn(shop, "Role", "arn:aws:iam::123456789012:role/models", mutable=False)
    declare(shop, role=role, model_buckets=[s3.Bucket.from_bucket_name(shop, "Old", "old-models")])
    said = Annotations.from_stack(shop).find_info("*", Match.string_like_regexp("this role is not made by the app"))
    assert len(said) == 1
    assert "ReadableBuckets" not in properties(rendered(shop), "Custom::ReleaseSlots")


def test_the_guard_knows_roles_and_keys_of_all_releases() -> None:
    shop = stack()
    key = kms.Key.from_key_arn(shop, "Key", "arn:aws:kms:eu-central-1:123456789012:key/one")
    declare(shop, model_key=key)
    resources = rendered(shop)
    asked, model = properties(resources, "Custom::ReleaseSlots"), properties(resources, "AWS::SageMaker::Model")
    assert asked["ModelRole"] == model["ExecutionRoleArn"]
    assert asked["KeptRoles"] == [model["ExecutionRoleArn"]]
    assert (asked["ModelKey"], asked["UsableKeys"]) == (key.key_arn, [key.key_arn])


def shipping(folder: Path, version: str) -> ModelRelease:
    (folder / version).mkdir(exist_ok=True)
    (folder / version / "weights.txt").write_text(version)
    return ModelRelease.from_asset(version=version, image_uri=IMAGE, path=str(folder / version))


def shipped(**props: Any) -> tuple[str, set[str]]:
    """Return the template as `cdk gc` reads it, and the hashes of what a deploy ships."""
    app = App()
    shop = Stack(app, "Shop")
    declare(shop, **props)
    artifact = app.synth().get_stack_by_name("Shop")
    manifest = json.loads(Path(app.outdir, "Shop.assets.json").read_text())
    return json.dumps(artifact.template), set(manifest["files"])


def test_the_archive_of_a_kept_release_is_in_the_template_and_is_shipped_again(tmp_path: Path) -> None:
    v1, v2 = shipping(tmp_path, "v1"), shipping(tmp_path, "v2")
    first, first_files = shipped(release=v1)
    second, second_files = shipped(release=v2)
    (hash_of_v1,) = (name for name in first_files - second_files if f"{name}.gz" in first or f"/{name}" in first)
    assert hash_of_v1 not in second
    kept, kept_files = shipped(release=v2, kept_releases=[v1])
    assert hash_of_v1 in kept
    assert hash_of_v1 in kept_files


def test_the_bucket_of_a_kept_release_stays_readable() -> None:
    old = ModelRelease(version="v0", image_uri=IMAGE, model_data_url="s3://old-models/v0.tar.gz")
    resources = resources_of(kept_releases=[old])
    assert properties(resources, "Custom::ReleaseSlots")["ReadableBuckets"] == ["models", "old-models"]


def test_a_role_that_was_made_can_be_kept_as_it_was_when_another_one_is_given(resources: Resources) -> None:
    shop = stack()
    role = iam.Role.from_role_arn(shop, "Role", "arn:aws:iam::123456789012:role/models", mutable=False)
    declare(shop, role=role).keep_role()
    later = rendered(shop)
    kept = [name for name in of_type(later, "AWS::IAM::Role") if "ModelRole" in name]
    assert kept == [name for name in of_type(resources, "AWS::IAM::Role") if "ModelRole" in name]
    assert statements(later, "ModelRole") == statements(resources, "ModelRole")
    asked = properties(later, "Custom::ReleaseSlots")
    assert asked["ModelRole"] == role.role_arn
    assert asked["KeptRoles"] == [role.role_arn, {"Fn::GetAtt": [kept[0], "Arn"]}]


def test_an_image_that_holds_its_model_needs_no_archive() -> None:
    resources = resources_of(release=ModelRelease(version="v1", image_uri=IMAGE, environment={"TOP": "10"}))
    assert properties(resources, "AWS::SageMaker::Model")["PrimaryContainer"] == {
        "Image": IMAGE,
        "Environment": {"TOP": "10"},
    }
    assert not any("s3:GetObject" in statement["Action"] for statement in statements(resources, "ModelRole"))


def is_accepted(instance_type: str) -> bool:
    try:
        check_instance_type(instance_type)
    except ValueError:
        return False
    return True


def test_every_instance_type_of_sagemaker_but_the_burstable_ones_is_accepted() -> None:
    refused = {instance_type for instance_type in INSTANCE_TYPES if not is_accepted(instance_type)}
    assert refused == {"ml.t2.medium", "ml.t2.large", "ml.t2.xlarge", "ml.t2.2xlarge"}


def test_a_burstable_instance_type_is_refused_because_it_cannot_scale() -> None:
    with pytest.raises(
        ValueError, match=r"^instance_type must be one that can scale, got ml\.t2\.medium: burstable types cannot$"
    ):
        declare(Stack(), instance_type="ml.t2.medium")


def test_a_key_is_refused_for_every_type_whose_local_storage_takes_none() -> None:
    refused = set()
    for instance_type in INSTANCE_TYPES:
        try:
            check_storage_takes_key(instance_type)
        except ValueError:
            refused.add(instance_type)
    assert refused == {instance_type for instance_type in INSTANCE_TYPES if has_local_storage(instance_type)}
    assert {"ml.g5.xlarge", "ml.m5d.large", "ml.p4de.24xlarge"} <= refused
    assert {"ml.m5.large", "ml.c6gn.large", "ml.p3.2xlarge"}.isdisjoint(refused)


def test_a_key_for_instances_with_local_storage_is_refused_by_a_sentence() -> None:
    scope = Stack()
    with pytest.raises(ValueError, match=r"^encryption_key must be left out for ml\.g5\.xlarge: its local NVMe"):
        declare(scope, instance_type="ml.g5.xlarge", encryption_key=kms.Key(scope, "Key"))


def test_an_instance_type_of_another_service_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^instance_type must be a SageMaker type such as ml\.m5\.xlarge, got 'm5\.xlarge'$"
    ):
        declare(Stack(), instance_type="m5.xlarge")


def test_an_endpoint_name_with_capitals_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^endpoint_name must be .*, got 'Recommender' \(11 characters\)$"):
        declare(Stack(), endpoint_name="Recommender")
