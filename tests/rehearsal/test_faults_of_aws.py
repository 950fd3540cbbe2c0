"""Faults that are not the release's: a lost invocation, a crash, services that are away, instances that come late."""

import json
from typing import Any

import pytest
from rollout.contract.names import NOT_JUDGED, PROMOTED

from bench.chaos.running import synthesise
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.rehearsal.conftest import Rehearse

WHILE_IT_BAKES = 900


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    return find_endpoint(synthesise(tmp_path_factory.mktemp("short")), None)


def promoted(rehearsing: Rehearse, **fault: Any) -> None:
    result = rehearsing(faults=[fault]).result
    assert (result["outcome"], result["reason"]) == (PROMOTED, "every step passed")
    assert result["safe_end"], result["unsafe"]


def test_a_lost_invocation_is_asked_again(rehearsing: Rehearse) -> None:
    promoted(rehearsing, at_s=WHILE_IT_BAKES, for_s=31, call="lambda:Invoke", error="Unknown")


def test_a_crash_of_evaluate_is_asked_again(rehearsing: Rehearse) -> None:
    promoted(rehearsing, at_s=WHILE_IT_BAKES, for_s=35, call="cloudwatch:GetMetricData", error="crash")


@pytest.mark.parametrize("lasts", [300, 600])
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("cloudwatch:GetMetricData", "ThrottlingException"),
        ("cloudwatch:DescribeAlarms", "InternalServerError"),
        ("sagemaker:DescribeEndpoint", "ThrottlingException"),
    ],
)
def test_a_service_that_refuses_for_ten_minutes_holds_the_rollout(
    rehearsing: Rehearse, call: str, error: str, lasts: int
) -> None:
    promoted(rehearsing, at_s=WHILE_IT_BAKES, for_s=lasts, call=call, error=error)


def test_a_service_that_takes_calls_and_does_not_answer_holds_the_rollout(rehearsing: Rehearse) -> None:
    promoted(rehearsing, at_s=WHILE_IT_BAKES, for_s=480, call="cloudwatch:GetMetricData", error="timeout")


def test_a_service_that_is_away_for_an_hour_ends_the_rollout_and_the_reason_names_the_call(
    rehearsing: Rehearse,
) -> None:
    away = {"at_s": WHILE_IT_BAKES, "for_s": 3600, "call": "cloudwatch:DescribeAlarms", "error": "ThrottlingException"}
    result = rehearsing(faults=[away]).result
    assert result["outcome"] == NOT_JUDGED
    assert "DescribeAlarms" in result["reason"]
    assert result["safe_end"], result["unsafe"]


@pytest.mark.parametrize(("rps", "launch_s"), [(100, 1200), (150, 1600)])
def test_slow_instances_are_not_blamed_on_another_hand(short: DeclaredEndpoint, rps: int, launch_s: int) -> None:
    scenario = {"traffic": {"rps": rps}, "capacity": {"launch_s": launch_s}}
    result = rehearse(short, parse_scenario(scenario)).result
    assert result["safe_end"], f"{result['unsafe']} {json.dumps(scenario)}"
    assert result["outcome"] in {PROMOTED, NOT_JUDGED}
    assert "another hand" not in result["reason"]
