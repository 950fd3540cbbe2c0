"""An endpoint whose rollouts begin with cohorts, and its front door, as CloudFormation gets them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from cdk_nag import AwsSolutionsChecks

from canary_construct import CohortRule, EndpointApi, TrafficRouting, TrafficStep
from tests.infrastructure.synthesis import declare

pytestmark = pytest.mark.xdist_group("endpoint-api")

COHORTS_FIRST = TrafficRouting.steps(
    [
        TrafficStep.cohort(CohortRule.header_values("x-tester", ["yes"], expected_percent=0.1)),
        TrafficStep.cohort(CohortRule.regions(["DE", "AT"], expected_percent=12)),
        TrafficStep.cohort(CohortRule.share_of_users(5)),
        TrafficStep(percent=50),
        TrafficStep(percent=100),
    ]
)
REDUNDANT_DEPENDENCY = "W3005"
"""CDK itself writes a role into DependsOn beside the GetAtt that implies it."""


def declare_shop(app: App) -> None:
    shop = Stack(app, "Shop")
    EndpointApi(shop, "FrontDoor", endpoint=declare(shop, routing=COHORTS_FIRST))


def test_cdk_nag_finds_nothing_that_is_not_acknowledged(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    declare_shop(app)
    app.synth()
    assert json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"] == []


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    declare_shop(app)
    app.synth()
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    assert linter
    command = [linter, "--ignore-checks", REDUNDANT_DEPENDENCY, "--", str(tmp_path / "Shop.template.json")]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own template
    assert (linted.returncode, linted.stdout) == (0, "")
