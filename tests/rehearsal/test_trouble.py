"""Faults of services and hands that interfere: whatever happens, the end is safe."""

from collections.abc import Callable
from typing import Any

import pytest

from canary_tools.rehearsal.record.rehearsed import Rehearsed

Rehearse = Callable[..., Rehearsed]
WEIGHTS = "sagemaker:UpdateEndpointWeightsAndCapacities"


def said(rehearsed: Rehearsed, kind: str) -> str:
    happenings = [*rehearsed.observation.happenings, *rehearsed.observation.bus_happenings()]
    return "\n".join(happening.text for happening in happenings if happening.kind == kind)


def test_a_handler_of_a_deploy_that_dies_is_asked_again(rehearsing: Rehearse) -> None:
    faults = [{"at_s": 100, "for_s": 30, "call": "dynamodb:GetItem", "error": "crash"}]
    result = rehearsing(faults=faults, controls=[{"at_s": 105, "do": "deploy"}]).result
    assert result["unsafe"] == []


def test_events_of_which_a_part_is_lost_are_put_again(rehearsing: Rehearse) -> None:
    faults = [{"at_s": 0, "for_s": 86_400, "call": "events:PutEvents", "error": "in-part", "probability": 0.7}]
    rehearsed = rehearsing(faults=faults)
    calls, told = rehearsed.result["api_calls"]["events:PutEvents"], said(rehearsed, "rollout").splitlines()
    assert rehearsed.result["outcome"] == "PROMOTED"
    assert rehearsed.result["safe_end"], rehearsed.result["unsafe"]
    assert calls > len(told) >= 2
    assert [line.startswith("Rollout Promoted") for line in told] == [False] * (len(told) - 1) + [True]


@pytest.mark.parametrize("do", ["stop-execution", "abort"])
def test_a_stopped_rollout_ends_safe(rehearsing: Rehearse, do: str) -> None:
    rehearsed = rehearsing(controls=[{"at_s": 400, "do": do}])
    assert rehearsed.result["outcome"] == "NOT_JUDGED"
    assert rehearsed.result["final"]["executions"] == [{"name": "v2-1", "status": "ABORTED"}]
    assert rehearsed.result["safe_end"], rehearsed.result["unsafe"]


def test_an_alarm_takes_the_traffic_without_the_state_machine(rehearsing: Rehearse) -> None:
    changes = [{"at_s": 240, "who": "canary", "set": {"error_rate": 0.9}}]
    rehearsed = rehearsing(changes=changes)
    assert "is in ALARM" in rehearsed.result["reason"]
    assert "ALARM" in said(rehearsed, "alarm")
    assert rehearsed.result["safe_end"], rehearsed.result["unsafe"]


def test_a_deploy_is_refused_while_the_rollout_runs_and_leaves_it_alone(rehearsing: Rehearse) -> None:
    rehearsed = rehearsing(controls=[{"at_s": 400, "do": "deploy"}, {"at_s": 500, "do": "duplicate-event"}])
    assert "was refused: rollout v2-1" in said(rehearsed, "control")
    assert rehearsed.result["outcome"] == "PROMOTED"


def test_another_hand_on_the_weights_ends_the_rollout(rehearsing: Rehearse) -> None:
    weights = {"variant-a": 50, "variant-b": 50}
    rehearsed = rehearsing(controls=[{"at_s": 400, "do": "set-weights", "weights": weights}])
    assert "another hand changed the weights" in rehearsed.result["reason"]
    assert rehearsed.result["safe_end"], rehearsed.result["unsafe"]


@pytest.mark.parametrize(
    "fault",
    [
        {"call": WEIGHTS, "error": "ThrottlingException", "probability": 0.7},
        {"call": WEIGHTS, "error": "in-progress", "probability": 0.7},
        {"call": WEIGHTS, "error": "timeout", "probability": 0.5},
        {"call": WEIGHTS, "error": "crash", "probability": 1.0},
        {"call": "dynamodb:UpdateItem", "error": "InternalServerError", "probability": 0.5},
        {"call": "lambda:Invoke", "error": "ServiceException", "probability": 0.3},
    ],
    ids=lambda fault: f"{fault['call']} {fault['error']}",
)
def test_a_failing_release_ends_safe_through_faults(rehearsing: Rehearse, fault: dict[str, Any]) -> None:
    result = rehearsing(canary={"error_rate": 0.3}, faults=[{"at_s": 0, "for_s": 3600, **fault}]).result
    assert result["outcome"] == "ROLLED_BACK"
    assert result["safe_end"], result["unsafe"]
