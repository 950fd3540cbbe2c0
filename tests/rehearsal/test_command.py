import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.report.page import write_report
from canary_tools.rehearsal.report.pictures import pictures
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint
from tests.rehearsal.conftest import BAKE_SECONDS, HEALTHY, synthesised

KEYS = [
    "outcome", "reason", "seconds", "steps", "bad_requests_caused",
    "bad_requests_caused_at_stable", "canary_requests", "stable_requests",
    "seconds_to_detect", "seconds_to_weight_zero", "final", "safe_end", "unsafe", "history_events",
    "state_transitions", "api_calls", "metrics_read", "cost_usd", "prices_as_of",
]  # fmt: skip
OF_THE_END = ["weights", "scaling_floors", "lock", "cohort", "front_doors", "executions"]


def scenario(folder: Path, content: Mapping[str, Any]) -> str:
    path = folder / "scenario.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_the_result_has_the_promised_keys(failing: Rehearsed) -> None:
    assert list(failing.result) == KEYS
    assert list(failing.result["final"]) == OF_THE_END


def test_several_runs_give_distributions(template: Path, tmp_path: Path) -> None:
    content = {"traffic": {"rps": 40}, "canary": {"error_rate": 0.5}, "capacity": {"launch_s": 30}}
    written = tmp_path / "result.json"
    arguments = ["--template", str(template), "--scenario", scenario(tmp_path, content), "--runs", "2"]
    assert main([*arguments, "--json", str(written)]) == 0
    result = json.loads(written.read_text())
    assert result["outcomes"] == {"ROLLED_BACK": 2}
    assert result["bad_requests_caused"]["runs"] == 2


def test_the_plan_says_what_a_rollout_means(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--template", str(template), "--rps", "200", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["steps"] == [10, 50, 100]
    assert summary["usual_seconds"] < summary["longest_seconds"]
    assert summary["instances_before"] < summary["peak_instances"]
    assert summary["history_events"] < summary["history_limit"]
    assert {exposed["guard"] for exposed in summary["exposed_requests"]} > {"gate errors", "gate latency"}


def test_the_report_of_a_paced_rollout_shows_what_the_budget_is_expected_to_do(tmp_path: Path) -> None:
    template = synthesised(tmp_path, bake_seconds=BAKE_SECONDS, steps="")
    failing = parse_scenario({**HEALTHY, "canary": {"error_rate": 0.3}})
    drawn = pictures(rehearse(find_endpoint(template, None), failing))
    (expected,) = [picture for picture in drawn if picture.name == "expected"]
    assert "at 40 requests a second" in expected.caption
    assert expected.png.startswith(b"\x89PNG")


def test_the_report_is_one_page_with_its_pictures(failing: Rehearsed, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(failing, page)
    text = page.read_text()
    assert "The new release was rolled back after" in text
    assert "http" not in text.replace("http-equiv", "")
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        f"report-{name}.png" for name in ("errors", "evidence", "instances", "latency", "traffic")
    ]
