"""A release that begins with a cohort behind a front door ends safe, too, and its cohort with it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from rollout.contract.names import ENDINGS

from bench.chaos.calls import SET_STAGE
from bench.chaos.disturbances import OF_CALLS, OF_WORLD, fits
from bench.chaos.running import COHORT, run_one, synthesise
from bench.chaos.schedules import calls_of_plan, schedule
from bench.chaos.worlds import FAILING, QUIET, merged
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

SCHEDULES = 50
WORLDS: Mapping[str, Mapping[str, Any]] = {"published": QUIET, "withdrawn for weights": QUIET, "withdrawn": FAILING}
JUST_BEFORE_SECONDS = 0.5
AROUND = ("stopped", "aborted", "timed out", "ledger unavailable", "deploy meanwhile", "endpoint deleted")


@pytest.fixture(scope="module")
def with_cohort(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    return find_endpoint(synthesise(tmp_path_factory.mktemp("cohort"), COHORT), None)


@pytest.fixture(scope="module")
def moments(with_cohort: DeclaredEndpoint) -> Mapping[str, float]:
    """Just before the ledger has the cohort, and just before it has none any more: when the stage changes."""
    promoted, failed = (changes(with_cohort, world) for world in (QUIET, FAILING))
    return {"published": promoted[0], "withdrawn for weights": promoted[1], "withdrawn": failed[1]}


def changes(declared: DeclaredEndpoint, world: Mapping[str, Any]) -> list[float]:
    happenings = rehearse(declared, parse_scenario(world)).observation.happenings
    return [seen.at_s - JUST_BEFORE_SECONDS for seen in happenings if seen.kind == "cohort"]


def ends_safe(declared: DeclaredEndpoint, scenario: Mapping[str, Any]) -> None:
    ended = run_one(declared, "", scenario)
    assert not ended.unsafe, f"{ended.unsafe}\n{json.dumps(scenario)}"
    assert ended.outcome in ENDINGS


@pytest.mark.parametrize("kind", [kind for kind in OF_CALLS if fits(kind, SET_STAGE)])
@pytest.mark.parametrize("moment", WORLDS)
def test_whatever_happens_to_a_stage_the_cohort_ends(
    with_cohort: DeclaredEndpoint, moments: Mapping[str, float], moment: str, kind: str
) -> None:
    ends_safe(with_cohort, merged(WORLDS[moment], OF_CALLS[kind](SET_STAGE, moments[moment])))


@pytest.mark.parametrize("kind", AROUND)
@pytest.mark.parametrize("moment", WORLDS)
def test_whatever_happens_while_a_cohort_begins_or_ends_it_ends(
    with_cohort: DeclaredEndpoint, moments: Mapping[str, float], moment: str, kind: str
) -> None:
    ends_safe(with_cohort, merged(WORLDS[moment], OF_WORLD[kind](moments[moment])))


@pytest.mark.parametrize("seed", range(1, SCHEDULES + 1))
def test_a_random_schedule_ends_safe(with_cohort: DeclaredEndpoint, seed: int) -> None:
    ends_safe(with_cohort, schedule(seed, calls_of_plan(with_cohort.plan)))
