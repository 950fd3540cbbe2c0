"""A hold-back in the template: one more step after the promotion, and its price in the plan."""

import json
import re
from typing import Any

import pytest
from aws_cdk import Duration
from rollout.contract.names import PLAN_METADATA
from rollout.contract.plan import Passes, Plan

from bench.exposure.held_back import HELD_BACK
from canary_construct import HoldBack, InstanceScaling, TrafficRouting
from tests.infrastructure.synthesis import Resources, only, properties, resources_of, text

pytestmark = pytest.mark.xdist_group("graph")

SCALING = InstanceScaling(min_instances=1, max_instances=8, idle_instances=1, invocations_per_instance=1500)


@pytest.fixture(scope="module")
def resources() -> Resources:
    return resources_of(hold_back=HoldBack(), routing=TrafficRouting.paced(), scaling=SCALING, expected_rps=100)


@pytest.fixture(scope="module")
def states(resources: Resources) -> dict[str, dict[str, Any]]:
    rendered = text(properties(resources, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    found: dict[str, dict[str, Any]] = json.loads(re.sub(r"<[A-Za-z0-9]+\.Arn>", "function", rendered))["States"]
    return found


def test_the_plan_tells_the_handlers_of_it(states: dict[str, dict[str, Any]]) -> None:
    rendered = states["Plan"]["Result"]["plan"]
    assert rendered["hold_back"] == {"percent": 2, "duration_seconds": 86400, "interval_seconds": 480}
    assert rendered["hold_back"] == vars(HELD_BACK), "what the exposure study measures"
    plan = Plan.parse(rendered)
    assert [step.percent for step in plan.steps] == [10, 50, 95, 100]
    assert plan.step(4).passes is Passes.HOLD_BACK
    assert [plan.holds_back_after(index) for index in range(5)] == [False, False, False, True, False]
    assert plan.to_json()["hold_back"] == rendered["hold_back"]


def test_the_rollout_goes_on_after_its_promotion(states: dict[str, dict[str, Any]]) -> None:
    (choice,) = states["HoldsBack"]["Choices"]
    assert (choice["Variable"], choice["BooleanEquals"]) == ("$.promotion.holds_back", True)
    assert (choice["Next"], states["HoldsBack"]["Default"]) == ("NextStep", "Promoted")
    assert states["Promote"]["Next"] == "HoldsBack"


def test_it_is_looked_at_more_rarely_than_the_steps(states: dict[str, dict[str, Any]]) -> None:
    (held,) = [choice for choice in states["HasPassed"]["Choices"] if choice["StringEquals"] == "HOLD_BACK"]
    assert states[held["Next"]]["SecondsPath"] == "$.plan.hold_back.interval_seconds"
    assert states[held["Next"]]["Next"] == "Evaluate"


def test_a_rollback_knows_whether_it_is_one_of_a_promoted_release(states: dict[str, dict[str, Any]]) -> None:
    assert states["RollBack"]["Parameters"]["step"] == {"index.$": "$.step.index"}


def test_the_metadata_hold_its_price(resources: Resources) -> None:
    """Four instances take 100 requests a second; at rest the idle slot has one."""
    metadata = only(resources, "AWS::StepFunctions::StateMachine")[1]["Metadata"][PLAN_METADATA]
    assert metadata["HoldBack"] == {
        "Percent": 2,
        "Seconds": 86400,
        "EvaluationIntervalSeconds": 480,
        "ExtraInstanceHours": 3 * 24,
    }
    assert metadata["LongestHistoryEvents"] <= metadata["HistoryEventsAllowed"]


def test_nothing_of_it_is_there_where_nobody_asked_for_it() -> None:
    template = json.dumps(resources_of(routing=TrafficRouting.all_at_once(Duration.minutes(30))))
    assert not re.search("hold_?back|holds_?back", template, re.IGNORECASE)
