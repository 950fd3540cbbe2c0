"""The example for regulated data, as its auditors read the template."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, PCIDSS321Checks

from canary_construct.permissions.by_handler import IN_ROLE, PERMISSIONS
from examples.vpc_kms_isolated import acknowledged
from examples.vpc_kms_isolated.app import BOUNDARY, RegulatedStack
from examples.vpc_kms_isolated.network import FOR_HANDLERS, GATEWAYS
from tests.infrastructure.synthesis import Resources, of_type, text
from tests.infrastructure.test_example_app import REDUNDANT_DEPENDENCY

pytestmark = pytest.mark.xdist_group("regulated")

TEMPLATE = "Regulated.template.json"
NOT_CALLED_HERE = {"apigateway", "iam"}
"""The first is for a front door. Application Auto Scaling calls IAM in the handler's name; no handler does."""


def checked(folder: Path) -> list[dict[str, Any]]:
    """Synthesise under the three packs, and return what they find."""
    app = App(outdir=str(folder), analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), HIPAASecurityChecks(app), PCIDSS321Checks(app))
    RegulatedStack(app, "Regulated")
    app.synth()
    reports: list[dict[str, Any]] = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
    return reports


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("regulated")
    assert checked(made) == []
    return made


@pytest.fixture(scope="module")
def regulated(folder: Path) -> Resources:
    found: Resources = json.loads((folder / TEMPLATE).read_text())["Resources"]
    return found


def test_the_packs_would_find_each_thing_that_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.vpc_kms_isolated.app.acknowledge", lambda _stack: None)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        checked(tmp_path)
    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    found = {violation["ruleName"] for report in reports for violation in report["violations"]}
    by_pci = {f"PCI.DSS.321-{name}" for name in acknowledged.BY_BOTH}
    assert found == by_pci | {f"HIPAA.Security-{name}" for name in {**acknowledged.BY_BOTH, **acknowledged.BY_HIPAA}}


def test_cfn_lint_finds_nothing(folder: Path) -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    assert linter
    command = [linter, "--ignore-checks", REDUNDANT_DEPENDENCY, "--", str(folder / TEMPLATE)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own template
    assert (linted.returncode, linted.stdout) == (0, "")


def test_there_is_no_way_to_the_internet(regulated: Resources) -> None:
    kinds = {resource["Type"] for resource in regulated.values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}
    for subnet in of_type(regulated, "AWS::EC2::Subnet").values():
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False


def test_every_service_that_a_handler_may_call_has_an_endpoint(regulated: Resources) -> None:
    called = {action.split(":")[0] for declared in PERMISSIONS.values() for one in declared for action in one.actions}
    assert called - NOT_CALLED_HERE <= {*FOR_HANDLERS, *GATEWAYS}
    endpoints = of_type(regulated, "AWS::EC2::VPCEndpoint").values()
    names = {text(one["Properties"]["ServiceName"]).rsplit("<AWS::Region>.", 1)[1] for one in endpoints}
    assert names == {
        "application-autoscaling", "cloudformation", "monitoring", "ec2", "events", "logs", "sagemaker.api", "sns",
        "states", "tagging", "sagemaker.runtime", "ecr.api", "ecr.dkr", "dynamodb", "s3",
    }  # fmt: skip


def test_every_function_and_both_models_are_in_the_isolated_subnets(regulated: Resources) -> None:
    subnets = {f"<{name}>" for name in of_type(regulated, "AWS::EC2::Subnet")}
    functions = of_type(regulated, "AWS::Lambda::Function").values()
    assert len(functions) == len(IN_ROLE) + 1, "and the one that publishes to the topic"
    for function in functions:
        assert {text(one) for one in function["Properties"]["VpcConfig"]["SubnetIds"]} == subnets
    (model,) = of_type(regulated, "AWS::SageMaker::Model").values()
    assert model["Properties"]["EnableNetworkIsolation"] is True
    assert {text(one) for one in model["Properties"]["VpcConfig"]["Subnets"]} == subnets


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::DynamoDB::Table", ("SSESpecification", "KMSMasterKeyId")),
        ("AWS::Logs::LogGroup", ("KmsKeyId",)),
        ("AWS::SNS::Topic", ("KmsMasterKeyId",)),
        ("AWS::Lambda::Function", ("KmsKeyArn",)),
        ("AWS::SageMaker::EndpointConfig", ("KmsKeyId",)),
    ],
)
def test_everything_that_keeps_data_has_the_stacks_key(regulated: Resources, kind: str, path: tuple[str, ...]) -> None:
    (key,) = of_type(regulated, "AWS::KMS::Key")
    found = of_type(regulated, kind)
    assert found
    for resource in found.values():
        value: Any = resource["Properties"]
        for name in path:
            value = value[name]
        assert re.fullmatch(rf"<{key}(\.Arn)?>", text(value))


def test_every_role_has_the_boundary(regulated: Resources) -> None:
    roles = of_type(regulated, "AWS::IAM::Role")
    assert len(roles) >= 15
    assert {name for name, role in roles.items() if BOUNDARY not in str(role["Properties"]["PermissionsBoundary"])} == (
        set()
    )


def test_each_alarm_of_a_slot_tells_the_topic(regulated: Resources) -> None:
    (topic,) = of_type(regulated, "AWS::SNS::Topic")
    alarms = of_type(regulated, "AWS::CloudWatch::Alarm").values()
    assert [[text(action) for action in one["Properties"]["AlarmActions"]] for one in alarms] == 4 * [[f"<{topic}>"]]
