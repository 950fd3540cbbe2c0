"""A share that is raised and lowered within a step ends safe, whatever happens to the change of weights."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

import pytest
from rollout.contract.names import ENDINGS

from bench.chaos.calls import SECOND_LOOK, SET_WEIGHTS
from bench.chaos.disturbances import OF_CALLS, OF_WORLD
from bench.chaos.matrix import entries
from bench.chaos.matrix import moments as moments_of
from bench.chaos.running import PACED, run_one, synthesise
from bench.chaos.worlds import FAILING_AT_ALL_OF_PACED, FAILING_LATER, merged
from canary_construct.rollout.history_budget import EVENTS_PER_CHANGE
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.services.executions import seconds_of
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

CHANGES = ("ScaleCanary", "ShiftTraffic")
"""The states in which a raise and a lower share begin."""
BEFORE_THE_SHIFT = {"raised": "HasInstances", "lowered": "HasPassed"}
"""The state from which the rollout comes to the shift."""
OF_THE_ORDER = ("throttled for minutes", "time-out", "crash after effect", "in progress for minutes")
AROUND = ("stopped", "aborted", "ledger unavailable")


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    return find_endpoint(synthesise(tmp_path_factory.mktemp("paced"), PACED), None)


class Entry(NamedTuple):
    """A state that a rollout entered: when, in seconds, and after how many events of its history."""

    name: str
    at_s: float
    events_before: int


@pytest.fixture(scope="module")
def entered(paced: DeclaredEndpoint) -> Sequence[Entry]:
    """Every state that the undisturbed rollout enters."""
    aws = rehearse(paced, parse_scenario(FAILING_LATER)).aws
    return [
        Entry(event["stateEnteredEventDetails"]["name"], seconds_of(event["timestamp"]) - aws.zero, number)
        for number, event in enumerate(aws.executions.all()[0]["events"])
        if "stateEnteredEventDetails" in event
    ]


@pytest.fixture(scope="module")
def moments(entered: Sequence[Entry]) -> Mapping[str, float]:
    """When the last shift of the undisturbed rollout to a higher share begins, and the one to a lower share."""
    shifts = {before.name: entry.at_s for before, entry in pairwise(entered) if entry.name == "ShiftTraffic"}
    return {moment: shifts[before] for moment, before in BEFORE_THE_SHIFT.items()}


def test_a_change_of_the_share_takes_no_more_events_than_the_history_has_for_it(entered: Sequence[Entry]) -> None:
    decided = [entry for before, entry in pairwise(entered) if before.name == "HasPassed" and entry.name in CHANGES]
    baking = [entry.events_before for entry in entered if entry.name == "Bake"]
    took = [min(at for at in [*baking, inf] if at > entry.events_before) - entry.events_before for entry in decided]
    assert len(took) > 1
    assert all(10 < events <= EVENTS_PER_CHANGE for events in took), took


def test_an_alarm_of_a_release_with_all_the_traffic_is_a_row_of_the_matrix(paced: DeclaredEndpoint) -> None:
    seen = entries(paced, FAILING_AT_ALL_OF_PACED)

    assert seen["Bake, last share"] < seen[SECOND_LOOK]
    assert "Promote" not in seen


def test_a_world_that_does_not_lead_into_its_state_is_named(paced: DeclaredEndpoint) -> None:
    with pytest.raises(ValueError, match="in the world of Promote never comes there"):
        moments_of(paced, {"Promote": FAILING_AT_ALL_OF_PACED})


def ends_safe(paced: DeclaredEndpoint, disturbance: Mapping[str, Any]) -> None:
    scenario = merged(FAILING_LATER, disturbance)
    ended = run_one(paced, "", scenario)
    assert not ended.unsafe, f"{ended.unsafe}\n{json.dumps(scenario)}"
    assert ended.outcome in set(ENDINGS) - {"PROMOTED"}
    assert ended.reason


@pytest.mark.parametrize("kind", OF_THE_ORDER)
@pytest.mark.parametrize("moment", BEFORE_THE_SHIFT)
def test_whatever_happens_to_a_change_of_weights_the_rollout_ends_safe(
    paced: DeclaredEndpoint, moments: Mapping[str, float], moment: str, kind: str
) -> None:
    ends_safe(paced, OF_CALLS[kind](SET_WEIGHTS, moments[moment]))


@pytest.mark.parametrize("kind", AROUND)
@pytest.mark.parametrize("moment", BEFORE_THE_SHIFT)
def test_whatever_happens_while_a_share_changes_the_rollout_ends_safe(
    paced: DeclaredEndpoint, moments: Mapping[str, float], moment: str, kind: str
) -> None:
    ends_safe(paced, OF_WORLD[kind](moments[moment]))
