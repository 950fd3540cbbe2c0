"""The root app, as `cdk synth` runs it."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks

from app import MODELS, RecommenderStack

pytestmark = pytest.mark.xdist_group("example")

ROOT = Path(__file__).parents[2]
TEMPLATE = "Recommender.template.json"
REDUNDANT_DEPENDENCY = "W3005"
"""CDK itself writes a role into DependsOn beside the GetAtt that implies it."""


@pytest.fixture(scope="module")
def context() -> dict[str, Any]:
    """What `cdk.json` says."""
    found: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return found


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that need no training, where the app looks for them when it runs in the folder of the team."""
    models = tmp_path_factory.mktemp("team") / MODELS
    for version in ("v1", "v2"):
        (models / version).mkdir(parents=True)
        (models / version / "model.tar.gz").write_bytes(gzip.compress(version.encode(), mtime=0))
    return models


@pytest.fixture(scope="module")
def v1(tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], models: Path) -> Path:
    app = App(outdir=str(tmp_path_factory.mktemp("v1")), context=context)
    RecommenderStack(app, "Recommender", models=models)
    return Path(app.synth().directory)


@pytest.fixture(scope="module")
def v2(tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], models: Path) -> Path:
    """Another process makes it, as `cdk deploy -c version=v2` does."""
    return run_app(models, tmp_path_factory.mktemp("v2"), {**context, "version": "v2"})


def run_app(models: Path, out: Path, context: dict[str, Any]) -> Path:
    """Run the app where the team works, with another hash seed."""
    environment = {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context), "PYTHONHASHSEED": "7"}
    command = [sys.executable, str(ROOT / "app.py")]
    subprocess.run(command, cwd=models.parents[1], env={**os.environ, **environment}, check=True)  # noqa: S603 - our app
    return out


def resources(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / TEMPLATE).read_text())["Resources"]
    return found


def test_two_synths_are_byte_identical(v1: Path, context: dict[str, Any], models: Path, tmp_path: Path) -> None:
    """The other one is another process, another hash seed and another folder."""
    run_app(models, tmp_path, context)
    for name in (TEMPLATE, "Recommender.assets.json"):
        assert (tmp_path / name).read_bytes() == (v1 / name).read_bytes()


def test_the_release_is_all_that_the_command_line_can_change() -> None:
    assert re.findall(r"context\(.*\)", (ROOT / "app.py").read_text()) == ['context("version")']


def test_a_release_is_a_model_and_the_slots_it_goes_to(v1: Path, v2: Path) -> None:
    before, after = resources(v1), resources(v2)
    changed = {before[name]["Type"] for name in before if before[name] != after.get(name)}
    assert set(before) == set(after)
    assert changed == {"AWS::SageMaker::Model", "Custom::ReleaseSlots"}


def test_a_release_changes_no_property_but_archive_label_and_digest(v1: Path, v2: Path) -> None:
    def flat(folder: Path) -> dict[str, str]:
        template = resources(folder).items()
        return {
            f"{resource['Type']}.{key}": json.dumps(value)
            for _, resource in template
            if "SageMaker" in resource["Type"] or "Custom" in resource["Type"]
            for key, value in resource["Properties"].items()
        }

    before, after = flat(v1), flat(v2)
    assert {key for key in before if before[key] != after[key]} == {
        "AWS::SageMaker::Model.PrimaryContainer",
        "Custom::ReleaseSlots.Version",
        "Custom::ReleaseSlots.ContentDigest",
    }


def test_there_is_no_path_of_this_machine_and_no_date_in_the_template(v1: Path) -> None:
    template = (v1 / TEMPLATE).read_text()
    assert str(ROOT) not in template
    assert not re.search(r"\b20\d\d-\d\d-\d\dT", template)


def test_the_template_is_far_from_the_limits_of_a_stack(v1: Path) -> None:
    assert len(resources(v1)) < 100
    assert len((v1 / TEMPLATE).read_bytes()) < 200_000


def test_cfn_lint_finds_nothing(v1: Path) -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    assert linter
    command = [linter, "--ignore-checks", REDUNDANT_DEPENDENCY, "--", str(v1 / TEMPLATE)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own template
    assert (linted.returncode, linted.stdout) == (0, "")


def test_cdk_nag_finds_nothing_that_is_not_acknowledged(context: dict[str, Any], models: Path, tmp_path: Path) -> None:
    """Every acknowledgement is made by the library itself, where the wildcard is, with its reason."""
    app = App(outdir=str(tmp_path), context=context)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    RecommenderStack(app, "Recommender", models=models)
    app.synth()
    assert json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"] == []


def test_cdk_nag_would_find_a_wildcard_of_somebody_else(context: dict[str, Any], models: Path, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), context=context)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    user = iam.User(RecommenderStack(app, "Recommender", models=models), "Somebody")
    user.add_to_policy(iam.PolicyStatement(actions=["sagemaker:DescribeEndpoint"], resources=["*"]))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    (report,) = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    assert "AwsSolutions-IAM5[Resource::*]" in [violation["ruleName"] for violation in report["violations"]]


def test_every_acknowledgement_is_of_a_wildcard_resource_and_has_its_reason(v1: Path) -> None:
    found = acknowledgements(json.loads((v1 / "Recommender.metadata.json").read_text()))
    assert found
    for rule, reason in found.items():
        assert rule.startswith("AwsSolutions-IAM5[Resource::")
        assert len(reason.split()) > 3


def acknowledgements(metadata: Any) -> dict[str, str]:
    entries = [entry for of_path in metadata.values() for entry in of_path]
    return {
        rule.split("::", 1)[1]: reason
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    }


def test_importing_the_library_does_nothing_but_define() -> None:
    """No file is written, no variable is set, no AWS client is there, and no handler.

    What decides about the share is there: the plan's expected courses are made with it.
    """
    code = (
        "import os, sys; before = dict(os.environ); import aws_cdk; import canary_construct; "
        "assert dict(os.environ) == before; assert 'boto3' not in sys.modules; assert 'cdk_nag' not in sys.modules; "
        "shipped = {'.'.join(name.split('.')[:2]) for name in sys.modules if name.split('.')[0] == 'rollout'}; "
        "decides = {f'rollout.{name}' for name in ('clock', 'decisions', 'forecast', 'gates', 'sentences', 'shares')}; "
        "assert shipped <= {'rollout', 'rollout.contract', *decides}, shipped"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    before = sorted(path.name for path in ROOT.iterdir())
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True)  # noqa: S603 - our own code
    assert sorted(path.name for path in ROOT.iterdir()) == before
