"""Each small example is complete: it synthesises, cfn-lint and cdk-nag find nothing, and its rollout promotes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint
from docs.examples_table import STACKS, synthesised
from tests.infrastructure.test_example_app import REDUNDANT_DEPENDENCY

pytestmark = pytest.mark.xdist_group("examples")

SMALL = sorted(set(STACKS) - {"vpc_kms_isolated"})
"""The other one has more rules and tests of its own."""
REHEARSED = ("minimal", "existing_alarms_and_topic", "many_endpoints")
"""Those that pass without a person, a count of the shop's own, or an endpoint that is there already."""
PHASES: Mapping[str, Mapping[str, Any]] = {"import": {"phase": "import"}, "adopt": {"phase": "adopt"}}
FOLDERS = Path(__file__).parents[2] / "examples"


def found_nothing(name: str, folder: Path, context: Mapping[str, Any] | None = None) -> Path:
    """Synthesise an example, and return its template: cdk-nag has found nothing."""
    template = synthesised(name, folder, context)
    assert json.loads((folder / "validation-report.json").read_text())["pluginReports"] == []
    return template


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def template(name: str) -> Path:
        return found_nothing(name, tmp_path_factory.mktemp(name))

    return template


def test_every_small_example_is_tested() -> None:
    small = {app.parent.name for app in FOLDERS.glob("*/app.py")}
    assert small - {"pipeline"} == set(STACKS)


@pytest.mark.parametrize("name", SMALL)
def test_an_example_synthesises_and_cdk_nag_finds_nothing(templates: Any, name: str) -> None:
    kinds = [each["Type"] for each in json.loads(templates(name).read_text())["Resources"].values()]
    assert kinds.count("AWS::SageMaker::Endpoint") == (3 if name == "many_endpoints" else 1)


def test_cfn_lint_finds_nothing_in_any_example(templates: Any) -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    assert linter
    files = [str(templates(name)) for name in SMALL]
    command = [linter, "--ignore-checks", REDUNDANT_DEPENDENCY, "--", *files]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own templates
    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_of_an_adoption_synthesises(tmp_path: Path, phase: str) -> None:
    template = found_nothing("adopt_existing", tmp_path, PHASES[phase])
    resources = json.loads(template.read_text())["Resources"].values()
    assert [each["Properties"]["EndpointName"] for each in resources if each["Type"] == "AWS::SageMaker::Endpoint"] == [
        "Orders-Ranker"
    ]
    assert any(each["Type"].startswith("AWS::Lambda") for each in resources) == (phase == "adopt")


def test_the_pipeline_waits_for_the_rollout_of_each_region(tmp_path: Path) -> None:
    pipeline = import_module("examples.pipeline.app")
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    pipeline.PipelineStack(app, "Example")
    app.synth()
    resources = json.loads((tmp_path / "Example.template.json").read_text())["Resources"].values()
    (stages,) = [each["Properties"]["Stages"] for each in resources if each["Type"] == "AWS::CodePipeline::Pipeline"]
    names = {stage["Name"]: [action["Name"] for action in stage["Actions"]] for stage in stages}
    assert {region: any("Rollout" in name for name in names[region]) for region in pipeline.REGIONS} == {
        "Ireland": True,
        "Virginia": True,
    }
    assert list(names)[-2:] == list(pipeline.REGIONS)


@pytest.mark.parametrize("name", REHEARSED)
def test_an_example_promotes_a_good_release_and_rolls_a_bad_one_back(templates: Any, name: str) -> None:
    endpoint = "Ranker" if name == "many_endpoints" else None
    declared = find_endpoint(templates(name), endpoint)
    outcomes = {
        rate: rehearse(declared, parse_scenario({"traffic": {"rps": 50}, "canary": {"error_rate": rate}})).result[
            "outcome"
        ]
        for rate in (0.001, 0.3)
    }
    assert outcomes == {0.001: "PROMOTED", 0.3: "ROLLED_BACK"}
