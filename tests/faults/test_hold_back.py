"""A hold-back ends safe whatever happens in it, and only what speaks against the release takes its traffic."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from rollout.contract.names import ENDINGS

from bench.chaos.calls import SET_WEIGHTS
from bench.chaos.disturbances import FROM_THE_BEGINNING, OF_CALLS, OF_WORLD
from bench.chaos.running import HELD, Ended, run_one, synthesise
from bench.chaos.worlds import QUIET, merged
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.services.executions import seconds_of
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

MOMENTS = ("its promotion", "its shift", "its wait", "its end")
KEEPS = (
    "stopped", "aborted", "timed out", "ledger unavailable", "deploy meanwhile", "metrics missing", "events again",
    "events late and out of order", "alarm stuck in OK", "weights changed by somebody else",
)  # fmt: skip
"""What is not the release's fault. At its promotion the release is on trial still."""
MAY_TAKE = tuple(OF_WORLD.keys() - {*KEEPS, *FROM_THE_BEGINNING})


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    return find_endpoint(synthesise(tmp_path_factory.mktemp("held"), HELD), None)


@pytest.fixture(scope="module")
def moments(held: DeclaredEndpoint) -> Mapping[str, float]:
    """When the undisturbed rollout comes to the parts of its hold-back, in seconds."""
    aws = rehearse(held, parse_scenario(QUIET)).aws
    entered = [
        (event["stateEnteredEventDetails"]["name"], seconds_of(event["timestamp"]) - aws.zero)
        for event in aws.executions.all()[0]["events"]
        if "stateEnteredEventDetails" in event
    ]
    promotions = [at_s for name, at_s in entered if name == "Promote"]
    shifts = [
        at_s for (before, _), (name, at_s) in pairwise(entered) if (before, name) == ("HasInstances", "ShiftTraffic")
    ]
    waits = [at_s for name, at_s in entered if name == "HoldBack"]
    return dict(zip(MOMENTS, (promotions[0], shifts[-2], waits[2], shifts[-1]), strict=True))


def disturbed(held: DeclaredEndpoint, disturbance: Mapping[str, Any]) -> Ended:
    scenario = merged(QUIET, disturbance)
    ended = run_one(held, "", scenario)
    assert not ended.unsafe, f"{ended.unsafe}\n{json.dumps(scenario)}"
    assert ended.outcome in ENDINGS
    assert ended.reason
    return ended


@pytest.mark.parametrize("kind", KEEPS)
@pytest.mark.parametrize("moment", MOMENTS[1:])
def test_what_is_not_its_fault_leaves_a_promoted_release_its_traffic(
    held: DeclaredEndpoint, moments: Mapping[str, float], moment: str, kind: str
) -> None:
    ended = disturbed(held, OF_WORLD[kind](moments[moment] + 1))
    assert (ended.outcome, ended.reason.split(";")[0]) == ("PROMOTED", "every step passed")


@pytest.mark.parametrize("kind", sorted(MAY_TAKE))
def test_whatever_else_happens_in_it_the_end_is_safe(
    held: DeclaredEndpoint, moments: Mapping[str, float], kind: str
) -> None:
    disturbed(held, OF_WORLD[kind](moments["its wait"] + 1))


@pytest.mark.parametrize("kind", KEEPS)
def test_whatever_happens_at_its_promotion_the_end_is_safe(
    held: DeclaredEndpoint, moments: Mapping[str, float], kind: str
) -> None:
    disturbed(held, OF_WORLD[kind](moments["its promotion"]))


@pytest.mark.parametrize("kind", sorted(OF_CALLS))
@pytest.mark.parametrize("moment", ["its shift", "its end"])
def test_whatever_happens_to_a_change_of_weights_a_promoted_release_keeps_its_traffic(
    held: DeclaredEndpoint, moments: Mapping[str, float], moment: str, kind: str
) -> None:
    assert disturbed(held, OF_CALLS[kind](SET_WEIGHTS, moments[moment])).outcome == "PROMOTED"
