"""The full matrix: whatever goes wrong in whichever state, the rollout ends safe, and the ledger says why."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from rollout.contract.names import ENDINGS
from rollout.contract.timing import LANDING_SECONDS_AT_MOST, SERVES_AGAIN_SECONDS

from bench.chaos.calls import METRICS, OF_CLOCK, OF_LANDING, OF_TASK, SECOND_LOOK, STATES
from bench.chaos.disturbances import OF_CALLS
from bench.chaos.matrix import Cell, cells
from bench.chaos.running import run_one
from bench.chaos.worlds import FAILING, FAILING_AT_ALL, QUIET, merged
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint


@pytest.mark.parametrize("cell", list(cells()), ids=str)
def test_a_disturbed_rollout_ends_safe(cell: Cell, declared: DeclaredEndpoint, entered: Mapping[str, float]) -> None:
    scenario = cell.scenario(entered)
    ended = run_one(declared, str(cell), scenario)
    assert not ended.unsafe, f"{ended.unsafe}\n{json.dumps(scenario)}"
    assert ended.outcome in ENDINGS
    assert ended.reason
    assert ended.outcome != "PROMOTED" or ended.reason == "every step passed"


def test_the_matrix_has_every_state_of_the_machine(declared: DeclaredEndpoint) -> None:
    states = json.loads(declared.definition)["States"]
    assert {name for name, state in states.items() if state["Type"] in {"Task", "Wait"}} == set(STATES)


def test_the_matrix_has_every_call_that_a_rollout_makes(declared: DeclaredEndpoint) -> None:
    made = {
        call for world in (QUIET, FAILING) for call in rehearse(declared, parse_scenario(world)).result["api_calls"]
    }
    assert made <= {call for calls in OF_TASK.values() for call in calls} | set(OF_CLOCK)


def test_the_matrix_disturbs_a_second_look(declared: DeclaredEndpoint, entered: Mapping[str, float]) -> None:
    """It begins in the second in which the matrix disturbs it, and it judges the release if nothing does."""
    calm = rehearse(declared, parse_scenario(FAILING_AT_ALL)).result
    assert "; of stable's, which has the traffic back, " in calm["reason"]
    assert calm["outcome"] == "ROLLED_BACK"
    dying = merged(FAILING_AT_ALL, OF_CALLS["crash after effect"](METRICS, entered[SECOND_LOOK]))
    told = rehearse(declared, parse_scenario(dying)).observation.happenings
    assert [one for one in told if one.kind == "handler" and one.text.startswith("roll back raised Runtime.ExitError")]


@pytest.mark.parametrize("error", ["ThrottlingException", "AccessDeniedException", "timeout"])
def test_a_second_look_that_sees_nothing_ends_with_nobody_judged(
    error: str, declared: DeclaredEndpoint, entered: Mapping[str, float]
) -> None:
    """CloudWatch refuses for hours. The lock is free when the time for the look is over."""
    silent = {"at_s": entered[SECOND_LOOK], "for_s": 4 * 3600, "call": METRICS, "error": error}
    rehearsed = rehearse(declared, parse_scenario(merged(FAILING_AT_ALL, {"faults": [silent]})))
    assert not rehearsed.result["unsafe"], rehearsed.result["unsafe"]
    assert rehearsed.result["outcome"] == "NOT_JUDGED"
    assert rehearsed.result["seconds"] < entered[SECOND_LOOK] + SERVES_AGAIN_SECONDS + 60


@pytest.mark.parametrize("call", OF_CLOCK)
@pytest.mark.parametrize("error", ["ThrottlingException", "AccessDeniedException", "timeout", "crash"])
@pytest.mark.parametrize("world", [QUIET, FAILING], ids=["healthy", "failing"])
def test_whatever_meets_the_calls_of_the_clock_a_rollout_ends_safe(
    call: str, error: str, world: Mapping[str, Any], declared: DeclaredEndpoint
) -> None:
    always = {"faults": [{"at_s": 0, "for_s": 3600, "call": call, "error": error}]}
    ended = run_one(declared, "", merged(world, always))
    assert not ended.unsafe, ended.unsafe
    assert ended.outcome == ("PROMOTED" if world is QUIET else "ROLLED_BACK")


@pytest.fixture(scope="module")
def ended_s(declared: DeclaredEndpoint) -> dict[str, float]:
    """When the undisturbed rollouts end: their instances are kept from then on."""
    worlds = {"healthy": QUIET, "failing": FAILING}
    return {name: rehearse(declared, parse_scenario(world)).result["seconds"] for name, world in worlds.items()}


@pytest.mark.parametrize("call", OF_LANDING)
@pytest.mark.parametrize("error", ["ThrottlingException", "AccessDeniedException", "timeout", "crash"])
@pytest.mark.parametrize("world", ["healthy", "failing"])
def test_whatever_meets_the_calls_of_a_landing_it_comes_to_its_end(
    call: str, error: str, world: str, declared: DeclaredEndpoint, ended_s: Mapping[str, float]
) -> None:
    """The fault lasts until the clock lets the instances go though nothing was seen, and a little longer."""
    landing = {"at_s": ended_s[world] + 10, "for_s": LANDING_SECONDS_AT_MOST + 60, "call": call, "error": error}
    ended = run_one(declared, "", merged({"healthy": QUIET, "failing": FAILING}[world], {"faults": [landing]}))
    assert not ended.unsafe, ended.unsafe
    assert ended.outcome == {"healthy": "PROMOTED", "failing": "ROLLED_BACK"}[world]
