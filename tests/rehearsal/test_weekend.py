"""A rollout that is held over a weekend, and one that nobody approves, with the command that a team uses."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, TimeZone
from aws_cdk.assertions import Template
from aws_cdk.aws_scheduler import ScheduleExpression

from canary_construct import Gate, OnInconclusive, RolloutWindow, TrafficRouting, TrafficStep
from canary_tools.rehearsal.command import main
from tests.infrastructure.synthesis import declare, stack

HOUR = 3600
FRIDAY = "2027-01-15T16:30:00+01:00"
"""Half an hour before the window closes in Berlin. The first share of 10 % has its instances by then."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Office hours in Berlin; 10 % is approved by a person within two hours, and asks one when it is not decided."""
    shop, bake = stack(), Duration.minutes(30)
    schedule = ScheduleExpression.cron(minute="0", hour="9", week_day="MON-FRI", time_zone=TimeZone.EUROPE_BERLIN)
    steps = [TrafficStep(percent=10, bake=bake, approval=Duration.hours(2)), TrafficStep(percent=100, bake=bake)]
    declare(
        shop,
        routing=TrafficRouting.steps(steps),
        gates=[Gate.error_rate()],
        rollout_windows=[RolloutWindow(schedule=schedule, duration=Duration.hours(8))],
        on_inconclusive=OnInconclusive.hold_for(Duration.hours(2)),
    )
    path = tmp_path_factory.mktemp("office") / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    return path


def rehearsed(
    template: Path, capsys: pytest.CaptureFixture[str], *controls: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    content = {
        "deployed_at": FRIDAY, "traffic": {"rps": 40}, "capacity": {"launch_s": 60}, "controls": [*controls],
    }  # fmt: skip
    path = template.with_name("scenario.json")
    path.write_text(json.dumps(content))
    assert main(["--template", str(template), "--scenario", str(path)]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def test_what_was_approved_on_friday_evening_rises_on_monday(
    template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approved = {"at_s": 1.5 * HOUR, "do": "approve", "by": "bob", "why": "looks fine"}
    result, told = rehearsed(template, capsys, approved)
    assert (result["outcome"], result["unsafe"]) == ("PROMOTED", [])
    first, second = result["steps"]
    assert (first["percent"], second["percent"]) == (10, 100)
    assert first["started_s"] < HOUR / 2
    assert 64 * HOUR < second["started_s"] < 65 * HOUR
    lines = [line.strip() for line in told.splitlines() if " UTC  " in line]
    assert [(line[:6], line.partition("UTC  ")[2].partition(":")[0]) for line in lines] == [
        ("Fri 16", "Rollout Needs Approval"),
        ("Fri 17", "bob orders approve"),
        ("Fri 17", "Rollout Held"),
        ("Mon 08", "Rollout Resumed"),
    ]
    assert "the next window opens at 2027-01-18T08:00:00.000Z" in told


def test_without_an_approval_it_ends_on_friday_evening(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, told = rehearsed(template, capsys)
    assert (result["outcome"], result["reason"]) == ("NOT_JUDGED", "nobody approved 10 % in 2 h")
    assert result["unsafe"] == []
    assert result["seconds"] < 4 * HOUR
    assert "Rollout Needs Approval" in told
