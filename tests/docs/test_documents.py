"""Every public name is explained, and what pages say of the code is what the code says."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import canary_construct_client
import pytest

import canary_construct
from canary_construct import Gate
from canary_construct.permissions.by_handler import ADOPTION
from canary_tools.rehearsal.services import list_prices
from docs.cost_sheet import table as month
from tests.docs.pages import FRONT, ROOT, SITE, blocks, text_of
from tests.infrastructure.synthesis import ENDPOINT, declare, of_type, rendered, stack

REFERENCE = ROOT / "docs/reference/canary_construct.md"


def _snippets(document: str) -> list[str]:
    return blocks((ROOT / document).read_text(encoding="utf-8"), "python")


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
    assert any(re.search(rf"\b{name}\b", text_of(page)) for page in (FRONT, *SITE) if page != REFERENCE)
    assert f"\n::: canary_construct.{name}\n" in text_of(REFERENCE)


def test_the_reference_of_the_client_has_every_public_name() -> None:
    page = text_of(ROOT / "docs/reference/client.md")
    assert [
        name for name in canary_construct_client.__all__ if f"::: canary_construct_client.{name}\n" not in page
    ] == []


def test_the_worked_month_is_calculated_from_the_prices() -> None:
    page = text_of(ROOT / "docs/cost.md")
    assert month() in page, "python -m docs.cost_sheet"
    assert list_prices.WRITTEN_DOWN in page


def test_every_error_of_a_rollout_is_explained() -> None:
    errors = (ROOT / "lambdas/rollout/contract/errors.py").read_text(encoding="utf-8")
    page = text_of(ROOT / "docs/what-a-rollback-tells-you.md")
    internal = {"RolloutError", "EndpointBusy", "Throttled", "Unavailable", "EndpointNotFound", "DeployRefused"}
    named = set(re.findall(r"^class (\w+)", errors, re.MULTILINE)) - internal
    assert named
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []


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
