"""What the command gives of one rehearsal and of many."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from rollout.watching.page import fragment

from canary_tools.rehearsal import command
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.report.distribution import distribution, table
from canary_tools.rehearsal.report.page import page
from canary_tools.rehearsal.report.pictures import CHANGED, Picture, _Drawing
from canary_tools.rehearsal.scenario import Behaviour, parse_scenario
from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.traffic.serving import serve

DISTURBED: Mapping[str, Any] = {
    "traffic": {"rps": 40, "daily_amplitude": 0.3, "burst": 4},
    "canary": {"conversion_rate": 0.04},
    "metrics": {"delay_s": 75, "missing": [{"from_s": 600, "to_s": 900}]},
    "capacity": {"launch_s": 50, "max_rps_per_instance": 60},
    "faults": [
        {"at_s": 120, "for_s": 60, "call": "dynamodb:GetItem", "error": "crash"},
        {"at_s": 0, "for_s": 300, "call": "lambda:Invoke", "error": "ServiceException", "probability": 0.25},
    ],
    "controls": [{"at_s": 480, "do": "abort"}],
}


def ended(result: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {**result, **changes}


def test_the_page_says_all_that_was_made_to_go_wrong(healthy: Rehearsed) -> None:
    text = page(replace(healthy, scenario=parse_scenario(DISTURBED)), [])
    for said in (
        "30 % more or fewer in the course of a day",
        "in bursts: 4 times the variance of independent requests",
        "converts 5 %",
        "converts 4 %",
        "metrics come 75 s late",
        "metrics are missing from 10 min to 15 min",
        "a new instance serves after 50 s",
        "an instance serves 60 requests a second at most",
        "dynamodb:GetItem fails with crash from 2 min to 3 min",
        "lambda:Invoke fails with ServiceException 25 % of the time from 0 s to 5 min",
        "abort at 8 min",
    ):
        assert said in text


def test_the_page_says_whose_metrics_are_late_or_missing(healthy: Rehearsed) -> None:
    scenario = {
        **DISTURBED,
        "metrics": {
            "delay_s": {"stable": 60, "canary": [120, 300]},
            "missing": [{"from_s": 600, "to_s": 900, "who": "canary"}],
        },
        "undocumented": {"idle_variant": "nothing"},
    }
    text = page(replace(healthy, scenario=parse_scenario(scenario)), [])
    for said in (
        "metrics come 60 s late for stable and 120 to 300 s late for the new release",
        "metrics of the new release are missing from 10 min to 15 min",
        "idle_variant is nothing",
    ):
        assert said in text


def test_many_runs_give_how_often_each_reason_and_end_came(healthy: Rehearsed) -> None:
    result = healthy.result
    held = {**result["final"], "lock": "rollout v2-1", "weights": {"variant-a": 1.0, "variant-b": 1.0}}
    broken = ended(result, reason="it broke", safe_end=False, unsafe=["the lock is held", "odd"], final=held)
    summary = distribution([result, result, broken])
    assert summary["reasons"] == {"every step passed": 2, "it broke": 1}
    assert summary["unsafe"] == {"odd": 1, "the lock is held": 1}
    assert summary["final"]["lock"] == {"none": 2, "rollout v2-1": 1}
    assert summary["final"]["weights"]["variant-a 1, variant-b 1"] == 1
    assert "UNSAFE in 1: odd" in table(summary)


def test_many_runs_give_the_spread_of_each_call_over_all_of_them(healthy: Rehearsed) -> None:
    runs = [ended(healthy.result, api_calls=calls) for calls in ({"a:One": 3, "b:Two": 1}, {"b:Two": 3})]
    assert distribution(runs)["api_calls"] == {
        "a:One": {"runs": 2, "mean": 1.5, "p5": 0, "p50": 0, "p95": 3},
        "b:Two": {"runs": 2, "mean": 2.0, "p5": 1, "p50": 1, "p95": 3},
    }


@pytest.mark.parametrize(("safe_ends", "status"), [([True, True], 0), ([True, False], 1), ([False], 1)])
def test_an_unsafe_end_of_any_run_is_the_status_of_the_command(
    healthy: Rehearsed,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    safe_ends: list[bool],
    status: int,
) -> None:
    runs = iter([replace(healthy, result=ended(healthy.result, safe_end=safe)) for safe in safe_ends])
    monkeypatch.setattr(command, "rehearse", lambda *_: next(runs))
    scenario, written = tmp_path / "scenario.json", tmp_path / "result.json"
    scenario.write_text(json.dumps(DISTURBED))
    arguments = ["--template", str(template), "--scenario", str(scenario), "--runs", str(len(safe_ends))]
    assert command.main([*arguments, "--json", str(written)]) == status
    assert json.loads(written.read_text())


def test_the_help_says_what_each_status_means_and_which_run_the_page_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "with 1 when a rollout was not left safe" in said
    assert "of --runs, the first" in said


def test_an_enormous_load_is_answered_as_slowly_as_a_load_of_two() -> None:
    enormous = serve(Behaviour(), rps_per_instance=1e300, limit=1e-3)
    assert (enormous.latency == serve(Behaviour(), rps_per_instance=2, limit=1).latency).all()
    assert enormous.failing == 1


def test_the_page_shows_the_end_as_the_dashboard_does(healthy: Rehearsed) -> None:
    look = healthy.last_look
    assert look is not None
    (ended,) = look.history
    assert (ended.outcome, ended.reason) == ("PROMOTED", healthy.result["reason"])
    assert {slot.role: slot.version for slot in look.slots} == {"stable": ended.version, "idle": "before"}
    assert {alarm.state for alarm in look.alarms} <= {"OK", "INSUFFICIENT_DATA"}
    text = page(healthy, [])
    assert fragment(look, theme="light") in text
    assert "<cwdb-action" not in text


def test_a_release_that_was_promoted_and_did_harm_is_not_shown_in_green(healthy: Rehearsed) -> None:
    result = ended(healthy.result, bad_requests_caused=1234)
    harmful, harmless = (
        page(replace(healthy, result=each), []) for each in (result, ended(result, bad_requests_caused=0))
    )
    assert "promoted after" in harmful
    assert ", although 1,234 requests went wrong because of it.</b>" in harmful
    assert "The gates tolerated this harm, or saw too little of it: every step passed." in harmful
    green = "--tone:#1a7f4b"
    assert green not in harmful
    assert green in harmless
    assert "although" not in harmless


def test_the_page_fits_a_telephone(healthy: Rehearsed) -> None:
    """Seen in a browser at 390 pixels; this holds what made it fit."""
    text = page(healthy, [Picture(name="latency", title="Latency", caption="", png=b"")])
    assert '<meta name=viewport content="width=device-width, initial-scale=1">' in text
    assert '<div class=wide><img alt="Latency"' in text
    assert "repeat(auto-fit, minmax(150px, 1fr))" in text


def test_each_picture_marks_what_the_scenario_changes(healthy: Rehearsed) -> None:
    change = {"at_s": 300, "for_s": 300, "who": "canary", "set": {"error_rate": 0.02}}
    changing = replace(healthy, scenario=parse_scenario({**DISTURBED, "changes": [change]}))
    axes = Figure().subplots()
    draw = _Drawing(changing)
    draw.share(axes)
    draw._finish(axes)
    assert "the new release: error rate 0.02" in " ".join(text.get_text() for text in axes.texts)
    (span,) = [patch for patch in axes.patches if patch.get_facecolor()[:3] == to_rgb(CHANGED)]
    assert span.get_x() * draw._unit == pytest.approx(300)
    assert span.get_width() * draw._unit == pytest.approx(300)


def test_the_page_says_of_when_the_price_is(healthy: Rehearsed) -> None:
    assert f"instances at prices of {list_prices.WRITTEN_DOWN}" in page(healthy, [])
    unpriced = ended(healthy.result, cost_usd=None, prices_as_of=None)
    assert "<b>not known</b><span>cost of the rollout</span>" in page(replace(healthy, result=unpriced), [])
