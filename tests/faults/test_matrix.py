"""Whatever goes wrong in whichever state, the rollout ends safe, and the ledger says why.

This is a part of the matrix that meets every state and every call with every kind of fault; all of it is run by
`python -m bench.chaos matrix`.
"""

import json
from collections.abc import Mapping

import pytest

from bench.chaos.calls import OF_TASK, STATES
from bench.chaos.disturbances import OF_WORLD
from bench.chaos.matrix import Cell, cells, covering_cells
from bench.chaos.running import run_one
from bench.chaos.worlds import FAILING, QUIET
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint

COVERING = list(covering_cells())


@pytest.mark.parametrize("cell", COVERING, ids=str)
def test_a_disturbed_rollout_ends_safe(cell: Cell, declared: DeclaredEndpoint, entered: Mapping[str, float]) -> None:
    scenario = cell.scenario(entered)
    ended = run_one(declared, str(cell), scenario)
    assert not ended.unsafe, f"{ended.unsafe}\n{json.dumps(scenario)}"
    assert ended.outcome in {"PROMOTED", "ROLLED_BACK"}
    assert ended.reason
    assert ended.outcome != "PROMOTED" or ended.reason == "every step passed"


def test_the_matrix_has_every_state_of_the_machine(declared: DeclaredEndpoint) -> None:
    states = json.loads(declared.definition)["States"]
    assert {name for name, state in states.items() if state["Type"] in {"Task", "Wait"}} == set(STATES)


def test_the_matrix_has_every_call_that_a_rollout_makes(declared: DeclaredEndpoint) -> None:
    made = {
        call for world in (QUIET, FAILING) for call in rehearse(declared, parse_scenario(world)).result["api_calls"]
    }
    assert made <= {call for calls in OF_TASK.values() for call in calls}


def test_the_part_that_is_tested_meets_every_state_and_every_call_with_every_fault_of_calls() -> None:
    every, tested = ([cell for cell in some if cell.call] for some in (list(cells()), COVERING))
    assert {(cell.state, cell.kind) for cell in tested} == {(cell.state, cell.kind) for cell in every}
    assert {(cell.call, cell.kind) for cell in tested} == {(cell.call, cell.kind) for cell in every}


def test_the_part_that_is_tested_has_every_state_and_every_disturbance_of_the_world() -> None:
    tested = [cell for cell in COVERING if not cell.call]
    assert {cell.state for cell in tested} == set(STATES)
    assert {cell.kind for cell in tested} == set(OF_WORLD)
