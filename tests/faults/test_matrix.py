"""Whatever goes wrong in whichever state, the rollout ends safe, and the ledger says why.

A sample of the matrix: each pair of state, call and fault is met. `python -m bench.chaos matrix` rehearses all of it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rollout.contract.names import ENDINGS
from rollout.contract.timing import LANDING_SECONDS_AT_MOST, SERVES_AGAIN_SECONDS

from bench.chaos.calls import METRICS, OF_CLOCK, OF_LANDING, OF_TASK, SECOND_LOOK, STATES, calls_of
from bench.chaos.disturbances import FROM_THE_BEGINNING, OF_CALLS, OF_WORLD, fits
from bench.chaos.matrix import PACED_WORLDS, WORLDS, Cell, cells
from bench.chaos.running import run_one
from bench.chaos.sample import FAILED_ONCE, ROLLING_BACK, family, sample
from bench.chaos.worlds import FAILING, FAILING_AT_ALL, QUIET, merged
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("cell", sample(), ids=str)
def test_a_disturbed_rollout_ends_safe(cell: Cell, declared: DeclaredEndpoint, entered: Mapping[str, float]) -> None:
    scenario = cell.scenario(entered)
    ended = run_one(declared, str(cell), scenario)
    assert not ended.unsafe, f"{ended.unsafe}\n{json.dumps(scenario)}"
    assert ended.outcome in ENDINGS
    assert ended.reason
    assert ended.outcome != "PROMOTED" or ended.reason == "every step passed"


def test_the_sample_is_a_part_of_the_matrix_and_has_no_cell_twice() -> None:
    chosen = sample()
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) < set(cells())


def test_the_sample_has_every_cell_that_once_failed() -> None:
    assert set(FAILED_ONCE) <= set(sample())


@pytest.mark.parametrize("worlds", [WORLDS, PACED_WORLDS], ids=["short", "paced"])
def test_every_fault_meets_every_call_and_every_state_in_the_sample(worlds: Mapping[str, Mapping[str, Any]]) -> None:
    faults = [(cell.state, cell.call, cell.kind) for cell in sample(worlds) if cell.call]
    for state in worlds:
        calls = calls_of(state)
        assert {call for at, call, _ in faults if at == state} == set(calls)
        fitting = {kind for kind in OF_CALLS if any(fits(kind, call) for call in calls)}
        assert {kind for at, _, kind in faults if at == state} == fitting
    made = {call for state in worlds for call in calls_of(state)}
    assert {(call, kind) for _, call, kind in faults} == {
        (call, kind) for call in made for kind in OF_CALLS if fits(kind, call)
    }


def test_every_state_meets_each_family_of_what_goes_wrong_outside_the_calls_in_the_sample() -> None:
    around = [cell for cell in sample() if not cell.call]
    kinds = {kind for kind in OF_WORLD if kind not in FROM_THE_BEGINNING}
    families = {family(kind) for kind in kinds}
    assert len(families) < len(kinds)
    for state in WORLDS:
        assert {family(cell.kind) for cell in around if cell.state == state} >= families


def test_whatever_goes_wrong_outside_the_calls_meets_a_promotion_and_a_rollback_in_the_sample() -> None:
    met = {(cell.kind, cell.state in ROLLING_BACK) for cell in sample() if not cell.call}
    assert met == {(kind, rolls_back) for kind in OF_WORLD for rolls_back in (False, True)}


def test_the_pages_say_how_large_the_matrix_and_the_sample_are() -> None:
    full, some = len(list(cells())), len(sample())
    assert f"all {full} rehearsals\n" in (ROOT / "docs" / "chaos.md").read_text(encoding="utf-8")
    assert f"a sample of {some}, as tests\n" in (ROOT / "docs" / "chaos.md").read_text(encoding="utf-8")
    assert f"{some} of {full} cells" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_only_a_release_that_fails_enters_the_states_of_a_rollback() -> None:
    assert {state for state, world in WORLDS.items() if world["changes"]} == set(ROLLING_BACK)


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
