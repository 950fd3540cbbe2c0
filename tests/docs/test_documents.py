"""What the README and the guide show runs, and every public name is explained."""

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import canary_construct
from canary_construct import Gate
from canary_construct.permissions.by_handler import ADOPTION
from tests.infrastructure.synthesis import ENDPOINT, declare, of_type, rendered, stack

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    "README.md",
    "docs/guide.md",
    "docs/front-door.md",
    "docs/cohorts-and-conversions.md",
    "docs/pacing.md",
    "docs/hosting.md",
    "docs/scaling.md",
    "docs/adopt.md",
    "docs/pipeline.md",
    "docs/events.md",
    "docs/dashboard.md",
]
FENCE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _snippets(document: str) -> list[str]:
    return FENCE.findall((ROOT / document).read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_snippet_is_python_that_imports_public_names(document: str) -> None:
    for snippet in _snippets(document):
        imports = [node for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.ImportFrom)]
        ours = [alias.name for node in imports if node.module == "canary_construct" for alias in node.names]
        assert set(ours) <= set(canary_construct.__all__)


def test_the_readme_s_application_synthesises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (snippet,) = _snippets("README.md")
    scope: dict[str, object] = {}
    exec(compile(snippet, "README.md", "exec"), scope)  # noqa: S102 - the point of the test
    template = scope["app"].synth().get_stack_by_name("Shop").template  # type: ignore[attr-defined]
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert {"AWS::SageMaker::Endpoint", "AWS::StepFunctions::StateMachine"} <= types


def test_the_guide_s_values_can_be_made() -> None:
    values = [snippet for snippet in _snippets("docs/guide.md") if "endpoint." not in snippet]
    assert len(values) == 6
    for snippet in values:
        exec(compile(snippet, "guide.md", "exec"), {})  # noqa: S102 - the point of the test


def test_the_values_of_the_scaling_page_can_be_made() -> None:
    for snippet in _snippets("docs/scaling.md"):
        exec(compile(snippet, "scaling.md", "exec"), {})  # noqa: S102 - the point of the test


def test_the_values_of_the_hosting_page_can_be_made() -> None:
    scope: dict[str, Any] = {}
    for snippet in _snippets("docs/hosting.md"):
        exec(compile(snippet, "hosting.md", "exec"), scope)  # noqa: S102 - the point of the test

    shop = stack()
    alarm = scope["drifted"](shop, endpoint_name=ENDPOINT, schedule="hourly", feature="age")
    declare(shop, alarms=[alarm], gates=[Gate.error_rate(), scope["empty"]])
    resources = rendered(shop)
    (drift,) = [name for name in of_type(resources, "AWS::CloudWatch::Alarm") if name.startswith("Driftage")]
    assert drift in str(of_type(resources, "AWS::Events::Rule"))
    assert "Shop/Captured" in str(of_type(resources, "AWS::StepFunctions::StateMachine"))


def test_the_steps_of_the_adoption_page_synthesise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = []
    for snippet in _snippets("docs/adopt.md"):
        scope: dict[str, object] = {}
        exec(compile(snippet, "adopt.md", "exec"), scope)  # noqa: S102 - the point of the test
        resources = scope["app"].synth().get_stack_by_name("Shop").template["Resources"]  # type: ignore[attr-defined]
        names += [name for name, resource in resources.items() if resource["Type"] == "AWS::SageMaker::Endpoint"]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_the_adoption_page_names_every_permission_that_it_takes() -> None:
    page = (ROOT / "docs/adopt.md").read_text(encoding="utf-8")
    assert [action for each in ADOPTION for action in each.actions if f"`{action}`" not in page] == []


@pytest.mark.parametrize("name", canary_construct.__all__)
def test_every_public_name_has_a_docstring_and_stands_in_a_document(name: str) -> None:
    assert inspect.getdoc(getattr(canary_construct, name))
    assert any(re.search(rf"\b{name}\b", (ROOT / document).read_text(encoding="utf-8")) for document in DOCUMENTS)


def test_every_error_of_a_rollout_stands_in_the_guide() -> None:
    errors = (ROOT / "lambdas/rollout/contract/errors.py").read_text(encoding="utf-8")
    guide = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    internal = {"RolloutError", "EndpointBusy", "Throttled", "Unavailable", "EndpointNotFound", "DeployRefused"}
    named = set(re.findall(r"^class (\w+)", errors, re.MULTILINE)) - internal
    assert named
    assert [name for name in sorted(named) if f"`{name}`" not in guide] == []


def test_every_relative_link_leads_somewhere() -> None:
    for document in [*DOCUMENTS, "CONTRIBUTING.md", "docs/acceptance/README.md", "docs/own-counts.md"]:
        path = ROOT / document
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{document} links to {target}"


def test_the_page_on_events_lists_each_of_them_with_the_fields_of_its_schema() -> None:
    schema = json.loads((ROOT / "canary_construct/events/rollout-event.v1.schema.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    common = list(schema["$defs"]["Promoted"]["properties"])
    rows = dict(re.findall(r"^\| `(Canary Rollout [^`]+)` \| [^|]+ \|([^|]*)\|", page, re.MULTILINE))
    assert list(rows) == schema["properties"]["detail-type"]["enum"]
    for name, fields in rows.items():
        properties = schema["$defs"][name.removeprefix("Canary Rollout ").replace(" ", "")]["properties"]
        assert re.findall("`([^`]+)`", fields) == [field for field in properties if field not in common]
    assert all(f"`{field}`" in page for field in common)
