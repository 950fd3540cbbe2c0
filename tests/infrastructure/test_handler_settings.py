"""What an organisation asks of every function and role: one set of settings a stack."""

import re
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Annotations, Match
from cdk_nag import AwsSolutionsChecks

from canary_construct import EndpointApi, HandlerSettings
from canary_construct.permissions.by_handler import IN_ROLE
from tests.infrastructure.synthesis import Resources, declare, of_type, rendered, stack, statements, text

pytestmark = pytest.mark.xdist_group("graph")

FUNCTION = "AWS::Lambda::Function"
LOGS = "AWS::Logs::LogGroup"


def functions(resources: Resources) -> list[dict[str, Any]]:
    return [one["Properties"] for name, one in of_type(resources, FUNCTION).items() if "CanaryHandlers" in name]


def declared(**settings: Any) -> Resources:
    shop = stack()
    declare(shop, handlers=HandlerSettings(**settings))
    return rendered(shop)


@pytest.fixture(scope="module")
def in_vpc() -> Resources:
    shop = stack()
    vpc = ec2.Vpc(shop, "Vpc", max_azs=2)
    declare(shop, handlers=HandlerSettings(vpc=vpc))
    return rendered(shop)


@pytest.fixture(scope="module")
def encrypted() -> Resources:
    shop = stack()
    declare(shop, handlers=HandlerSettings(encryption_key=kms.Key(shop, "Key")))
    return rendered(shop)


def test_runtime_and_architecture_are_as_asked() -> None:
    found = functions(declared(runtime=lambda_.Runtime.PYTHON_3_12, architecture=lambda_.Architecture.X86_64))
    assert {(one["Runtime"], *one["Architectures"]) for one in found} == {("python3.12", "x86_64")}


def test_what_is_not_said_stays_as_it_was(resources: Resources) -> None:
    assert declared() == resources
    assert {(one["Runtime"], *one["Architectures"]) for one in functions(resources)} == {("python3.14", "arm64")}


@pytest.mark.parametrize("runtime", ["PYTHON_3_10", "NODEJS_22_X"])
def test_a_runtime_that_cannot_run_the_handlers_is_refused(runtime: str) -> None:
    asked = getattr(lambda_.Runtime, runtime)
    with pytest.raises(ValueError, match=rf"^runtime must be Python 3\.11 or newer, got {re.escape(asked.name)}$"):
        HandlerSettings(runtime=asked)


def test_functions_in_a_vpc_share_a_security_group_in_its_private_subnets(in_vpc: Resources) -> None:
    networks = [one["VpcConfig"] for one in functions(in_vpc)]
    private = [name for name in of_type(in_vpc, "AWS::EC2::Subnet") if "Private" in name]
    (group,) = of_type(in_vpc, "AWS::EC2::SecurityGroup")
    assert len(networks) == len(functions(in_vpc)) == len(IN_ROLE)
    for network in networks:
        assert [text(one) for one in network["SubnetIds"]] == [f"<{name}>" for name in private]
        assert [text(one) for one in network["SecurityGroupIds"]] == [f"<{group}.GroupId>"]


def test_a_role_in_a_vpc_may_attach_its_function_before_the_function_is_made(in_vpc: Resources) -> None:
    for name, function in of_type(in_vpc, FUNCTION).items():
        if "CanaryHandlers" in name:
            role = text(function["Properties"]["Role"]).strip("<>").removesuffix(".Arn")
            may = {action for statement in statements(in_vpc, role) for action in statement["Action"]}
            assert {"ec2:CreateNetworkInterface", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface"} <= may
            assert any(needed.startswith(f"{role[:-8]}DefaultPolicy") for needed in function["DependsOn"])


def test_without_a_vpc_no_handler_may_attach_anything(resources: Resources) -> None:
    assert "ec2:" not in str(statements(resources, "CanaryHandlers"))


def test_subnets_and_groups_of_the_caller_are_used() -> None:
    shop = stack()
    vpc = ec2.Vpc(shop, "Vpc", max_azs=2)
    group = ec2.SecurityGroup(shop, "Own", vpc=vpc)
    subnets = ec2.SubnetSelection(subnets=[vpc.private_subnets[1]])
    declare(shop, handlers=HandlerSettings(vpc=vpc, vpc_subnets=subnets, security_groups=[group]))
    for one in functions(rendered(shop)):
        (subnet,), (own,) = one["VpcConfig"]["SubnetIds"], one["VpcConfig"]["SecurityGroupIds"]
        assert "PrivateSubnet2" in text(subnet)
        assert text(own).startswith("<Own")


@pytest.mark.parametrize("given", ["vpc_subnets", "security_groups"])
def test_a_part_of_a_network_without_the_network_is_refused(given: str) -> None:
    shop = stack()
    group = ec2.SecurityGroup.from_security_group_id(shop, "Group", "sg-0123456789abcdef0")
    values = {"vpc_subnets": ec2.SubnetSelection(), "security_groups": [group]}
    with pytest.raises(ValueError, match=f"^{given} must come with a vpc, got none$"):
        HandlerSettings(**{given: values[given]})


def test_a_key_encrypts_the_environment_and_both_logs(encrypted: Resources) -> None:
    (key,) = of_type(encrypted, "AWS::KMS::Key")
    assert {text(one["KmsKeyArn"]) for one in functions(encrypted)} == {f"<{key}.Arn>"}
    assert {text(one["Properties"]["KmsKeyId"]) for one in of_type(encrypted, LOGS).values()} == {f"<{key}.Arn>"}
    assert len(of_type(encrypted, LOGS)) == 2


def test_a_key_of_the_ledger_encrypts_it_and_every_handler_may_use_it() -> None:
    shop = stack()
    declare(shop, handlers=HandlerSettings(ledger_key=kms.Key(shop, "Key")))
    resources = rendered(shop)
    (key,) = of_type(resources, "AWS::KMS::Key")
    (ledger,) = of_type(resources, "AWS::DynamoDB::Table").values()
    encryption = ledger["Properties"]["SSESpecification"]
    assert (encryption["SSEType"], text(encryption["KMSMasterKeyId"])) == ("KMS", f"<{key}.Arn>")
    for name in of_type(resources, "AWS::IAM::Role"):
        if name.startswith("CanaryHandlers") and "RolloutRole" not in name:
            (used,) = [one for one in statements(resources, name) if one["Resource"] == [f"<{key}.Arn>"]]
            assert {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"} <= set(used["Action"])
            assert not [action for action in used["Action"] if "*" in action]


def test_a_key_of_the_app_is_opened_to_the_logs_of_this_account_and_region_only(encrypted: Resources) -> None:
    (key,) = of_type(encrypted, "AWS::KMS::Key").values()
    *_, opened = key["Properties"]["KeyPolicy"]["Statement"]
    assert text(opened["Principal"]["Service"]) == "logs.<AWS::Region>.amazonaws.com"
    assert text(opened["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]) == (
        "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*"
    )


def test_a_key_of_somebody_else_gets_a_note() -> None:
    shop = Stack(App(), "Shop", env={"region": "eu-central-1", "account": "123456789012"})
    key = kms.Key.from_key_arn(shop, "Key", "arn:aws:kms:eu-central-1:123456789012:key/abcd")
    declare(shop, handlers=HandlerSettings(encryption_key=key))
    expected = Match.string_like_regexp(
        r"^this key is not made by the app.*let logs\.eu-central-1\.amazonaws\.com use it"
    )
    assert Annotations.from_stack(shop).find_info("/Shop/CanaryHandlers", expected)


def test_logs_are_kept_as_long_as_asked() -> None:
    found = of_type(declared(log_retention=logs.RetentionDays.TWO_YEARS), LOGS).values()
    assert [one["Properties"]["RetentionInDays"] for one in found] == [731, 731]


def test_two_endpoints_of_a_stack_share_the_settings_of_the_first() -> None:
    shop = stack()
    vpc, key = ec2.Vpc(shop, "Vpc", max_azs=2), kms.Key(shop, "Key")

    def asked() -> HandlerSettings:
        subnets = ec2.SubnetSelection(subnets=[vpc.private_subnets[1]])
        runtime = lambda_.Runtime.PYTHON_3_13
        return HandlerSettings(runtime=runtime, vpc=vpc, vpc_subnets=subnets, encryption_key=key)

    declare(shop, "First", handlers=asked(), endpoint_name="first")
    declare(shop, "Same", handlers=asked(), endpoint_name="same")
    declare(shop, "Silent", endpoint_name="silent")
    assert [one["Runtime"] for one in functions(rendered(shop))] == len(IN_ROLE) * ["python3.13"]


def test_what_is_left_out_is_the_same_as_the_default() -> None:
    said = HandlerSettings(runtime=lambda_.Runtime.PYTHON_3_14, architecture=lambda_.Architecture.ARM_64)
    assert said.is_same(HandlerSettings())


def test_two_endpoints_of_a_stack_that_ask_for_different_handlers_are_refused() -> None:
    shop = stack()
    declare(shop, "First", endpoint_name="first")
    with pytest.raises(
        ValueError,
        match=r"^handlers must be the same for all endpoints of a stack, got other HandlerSettings for Shop/Second "
        r"than for Shop/First, which is declared first$",
    ):
        declare(
            shop, "Second", endpoint_name="second", handlers=HandlerSettings(architecture=lambda_.Architecture.X86_64)
        )


def test_every_role_of_the_library_has_the_permissions_boundary_of_the_stack() -> None:
    shop = stack()
    boundary = iam.ManagedPolicy.from_managed_policy_name(shop, "Boundary", "developers")
    vpc = ec2.Vpc.from_vpc_attributes(
        shop, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    endpoint = declare(shop, vpc=vpc, handlers=HandlerSettings(vpc=vpc))
    EndpointApi(shop, "Api", endpoint=endpoint)
    iam.PermissionsBoundary.of(shop).apply(boundary)
    roles = of_type(rendered(shop), "AWS::IAM::Role")
    assert len(roles) >= 15
    assert {
        name for name, role in roles.items() if "developers" not in str(role["Properties"].get("PermissionsBoundary"))
    } == set()


def test_cdk_nag_finds_nothing_that_is_not_acknowledged() -> None:
    app = App()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    shop = Stack(app, "Shop")
    vpc = ec2.Vpc.from_vpc_attributes(
        shop, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    key = kms.Key(shop, "Key", enable_key_rotation=True)
    declare(shop, handlers=HandlerSettings(vpc=vpc, encryption_key=key, ledger_key=key))
    app.synth()
