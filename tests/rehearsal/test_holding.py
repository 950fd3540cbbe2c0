"""A step that waits for approval, and a pause, through the real state machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_scheduler import ScheduleExpression
from rollout.contract.names import SLOT_A as A

from canary_construct import RolloutWindow, TrafficRouting, TrafficStep
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.infrastructure.synthesis import declare, stack
from tests.rehearsal.conftest import HEALTHY

HOUR = 3600
WAITS_S = 2 * HOUR
"""Later than the second step has passed: ten minutes each, and less than an hour of instances, weights and metrics."""


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    shop, bake = stack(), Duration.minutes(10)
    steps = [
        TrafficStep(percent=10, bake=bake),
        TrafficStep(percent=50, bake=bake, approval=Duration.hours(6)),
        TrafficStep(percent=100, bake=bake),
    ]
    declare(shop, routing=TrafficRouting.steps(steps))
    return _found(shop, tmp_path_factory.mktemp("held"))


def _found(shop: Stack, folder: Path) -> DeclaredEndpoint:
    path = folder / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    return find_endpoint(path, None)


def rehearsed(declared: DeclaredEndpoint, *controls: dict[str, Any], **changed: Any) -> Rehearsed:
    return rehearse(declared, parse_scenario({**HEALTHY, "controls": list(controls), **changed}))


def test_an_approval_lets_the_rollout_go_on(declared: DeclaredEndpoint) -> None:
    found = rehearsed(declared, {"at_s": WAITS_S, "do": "approve"})
    assert found.result["outcome"] == "PROMOTED"
    assert found.result["seconds"] > WAITS_S
    assert found.result["safe_end"], found.result["unsafe"]


def test_an_approval_that_times_out_rolls_back(declared: DeclaredEndpoint) -> None:
    found = rehearsed(declared)
    assert (found.result["outcome"], found.result["reason"]) == ("NOT_JUDGED", "nobody approved 50 % in 6 h")
    assert found.result["seconds"] > 6 * HOUR
    assert found.result["final"]["weights"][A] == 100
    assert found.result["safe_end"], found.result["unsafe"]


def test_a_release_that_fails_while_it_waits_is_rolled_back_for_it(declared: DeclaredEndpoint) -> None:
    changes = [{"at_s": WAITS_S, "who": "canary", "set": {"error_rate": 0.05}}]
    found = rehearsed(declared, changes=changes)
    assert found.result["outcome"] == "ROLLED_BACK"
    assert found.result["seconds"] < WAITS_S + HOUR


def test_a_pause_holds_the_first_step_for_hours(declared: DeclaredEndpoint) -> None:
    found = rehearsed(
        declared, {"at_s": 300, "do": "pause"}, {"at_s": 3 * HOUR, "do": "resume"}, {"at_s": 5 * HOUR, "do": "approve"}
    )
    assert found.result["outcome"] == "PROMOTED"
    assert [step["percent"] for step in found.result["steps"]] == [10, 50, 100]
    assert found.result["safe_end"], found.result["unsafe"]


def test_a_step_that_has_passed_outside_the_window_rises_when_the_next_one_opens(tmp_path: Path) -> None:
    """The rehearsal begins at 8:00. The first step has passed after nine, when the window is closed."""
    shop, bake = stack(), Duration.minutes(40)
    schedule = ScheduleExpression.cron(minute="0", hour="8,12", week_day="MON-FRI")
    window = RolloutWindow(schedule=schedule, duration=Duration.hours(1))
    declare(shop, routing=TrafficRouting.steps([10, 100], bake=bake), rollout_windows=[window])
    found = rehearsed(_found(shop, tmp_path))
    assert found.result["outcome"] == "PROMOTED"
    assert found.result["seconds"] > 3 * HOUR
    assert found.result["safe_end"], found.result["unsafe"]
