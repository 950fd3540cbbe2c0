import base64
import io
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from examples.recommender.demo.checks import Ending, check
from examples.recommender.demo.page import write_page
from examples.recommender.demo.picture import draw
from examples.recommender.demo.recording import MarkKind, Recording, marks
from examples.recommender.demo.report import make_report, write_report
from examples.recommender.demo.summary import print_summary


def test_the_json_has_exactly_the_promised_shape(recording: Recording, tmp_path: Path) -> None:
    write_report(recording, tmp_path / "demo-report.json")
    report = json.loads((tmp_path / "demo-report.json").read_text())
    assert set(report) == {"releases", "requests"}
    assert all(
        set(release) == {"version", "outcome", "reason", "steps", "seconds_from_alarm_to_weight_zero", "conversion"}
        for release in report["releases"]
    )
    assert {frozenset(step) for release in report["releases"] for step in release["steps"]} == {
        frozenset({"percent", "observed_share", "canary_requests", "seconds"})
    }
    assert set(report["requests"]) == {"sent", "answered", "unanswered", "by_version"}


def test_the_report_counts_every_request_once(recording: Recording) -> None:
    requests = make_report(recording)["requests"]
    answers = sum(a["ok"] + a["model_error"] for a in requests["by_version"].values())
    assert requests["sent"] == requests["answered"] + requests["unanswered"] == 12_000
    assert answers == requests["answered"]


def test_errors_are_counted_for_the_release_that_made_them(recording: Recording) -> None:
    versions = make_report(recording)["requests"]["by_version"]
    assert versions["v1"]["model_error"] == versions["v2"]["model_error"] == 0
    assert versions["v3"]["model_error"] > 0


def test_a_step_still_running_has_no_duration(recording: Recording) -> None:
    rollout = recording.rollouts[1]
    running = replace(rollout, outcome="RUNNING", ended_at=None, steps=(replace(rollout.steps[0], ended_at=None),))
    report = make_report(replace(recording, rollouts=(running,)))
    assert report["releases"][0]["steps"][0]["seconds"] is None


def test_marks_tell_the_story_in_order(recording: Recording) -> None:
    assert [mark.kind for mark in marks(recording)] == [
        MarkKind.DEPLOY,
        *[MarkKind.STEP] * 3,
        MarkKind.PROMOTED,
        MarkKind.DEPLOY,
        MarkKind.STEP,
        MarkKind.ALARM,
        MarkKind.ROLLED_BACK,
    ]


def test_the_picture_is_a_png(recording: Recording, tmp_path: Path) -> None:
    draw(recording, tmp_path / "demo-report.png")
    assert (tmp_path / "demo-report.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_of_a_demonstration_without_rollouts_can_be_drawn(recording: Recording, tmp_path: Path) -> None:
    draw(replace(recording, rollouts=(), requests=recording.requests[:50]), tmp_path / "demo-report.png")
    assert (tmp_path / "demo-report.png").stat().st_size > 0


def test_the_summary_names_every_release_and_check(recording: Recording) -> None:
    console = Console(file=io.StringIO(), width=160)
    print_summary(make_report(recording), check(recording, {"v2": Ending("PROMOTED")}), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "ROLLED_BACK" in text
    assert "2.0 s from the alarm to weight zero" in text
    assert "percentage points, 95 % interval" in text
    assert "holds: no request goes unanswered (0 of 12000 unanswered)" in text


def test_the_page_holds_the_picture_every_release_and_every_check(recording: Recording, tmp_path: Path) -> None:
    picture, page = tmp_path / "demo-report.png", tmp_path / "demo-report.html"
    picture.write_bytes(b"pixels")
    report = make_report(recording)
    report["releases"][0]["reason"] = "<script>alert(1)</script>"

    write_page(report, check(recording, {"v2": Ending("PROMOTED")}), picture=picture, path=page)

    text = page.read_text()
    assert f"data:image/png;base64,{base64.b64encode(b'pixels').decode()}" in text
    assert [text.count(f"<h2>{release['version']}: {release['outcome']}</h2>") for release in report["releases"]] == [
        1,
        1,
    ]
    assert "holds: no request goes unanswered (0 of 12000 unanswered)" in text
    assert "<script>" not in text
    assert "http" not in text, "the page needs nothing from elsewhere"
