"""After a rollout stable has the instances that its traffic needs, and keeps them until the traffic was seen."""

from collections.abc import Callable
from typing import Any

import pytest
from rollout.contract.timing import LANDING_SECONDS_AT_MOST, SCALE_IN_LOOK_BACK_SECONDS

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.rehearsal.conftest import synthesised

Rehearse = Callable[..., Rehearsed]
A, B = "variant-a", "variant-b"
NEEDED = 6
"""Instances for 300 requests a second at 3,000 a minute."""
BUSY: dict[str, Any] = {
    "traffic": {"rps": 300},
    "metrics": {"delay_s": 60},
    "capacity": {"launch_s": 120, "max_rps_per_instance": 60},
}
AT_ALL_OF_IT = 2300
"""Seconds: 100 % has been served for some minutes, and stable has had half of the traffic or none for 23 minutes."""
LOOKS_EVERY = 15 * 60
ALLOWED = 180
"""Seconds for the metrics to come and for the handler to act."""
HALF_AN_HOUR = 1800


def fewest(rehearsed: Rehearsed, slot: str) -> int:
    """Return the fewest instances of a slot in the half hour after the rollout."""
    end = rehearsed.result["seconds"]
    minutes = rehearsed.observation.minutes
    return min(minute.instances[slot] for minute in minutes if end <= minute.start_s < end + HALF_AN_HOUR)


def kept_seconds(rehearsed: Rehearsed) -> float:
    """Return for how long instances were kept."""
    begun, *_, ended = [told.at_s for told in rehearsed.observation.happenings if told.kind == "landing"]
    return ended - begun


def assert_landed_softly(rehearsed: Rehearsed, stable: str) -> None:
    assert fewest(rehearsed, stable) >= NEEDED
    assert rehearsed.result["bad_requests_caused_at_stable"] == 0
    assert rehearsed.result["unsafe"] == []
    assert SCALE_IN_LOOK_BACK_SECONDS <= kept_seconds(rehearsed) < SCALE_IN_LOOK_BACK_SECONDS + LOOKS_EVERY + ALLOWED


@pytest.fixture(scope="module")
def long_bakes(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    """The recommender with bakes of half an hour."""
    return find_endpoint(synthesised(tmp_path_factory.mktemp("long"), bake_seconds=HALF_AN_HOUR), None)


@pytest.mark.parametrize(("seed", "at_s"), [(1, 3000), (4, 1500)])
def test_a_rollback_from_half_of_the_traffic(long_bakes: DeclaredEndpoint, seed: int, at_s: int) -> None:
    """Begun while it has half: its steps pass as early as it is proven good."""
    changes = [{"at_s": at_s, "who": "canary", "set": {"error_rate": 0.05}}]
    rehearsed = rehearse(long_bakes, parse_scenario({"seed": seed, **BUSY, "changes": changes}))
    assert rehearsed.result["reason"].startswith("errors: canary")
    assert_landed_softly(rehearsed, A)
    assert 0 < rehearsed.result["bad_requests_caused"] < 4000


@pytest.mark.parametrize("do", ["abort", "stop-execution", "time-out-execution"])
def test_a_rollout_that_is_stopped_with_all_of_the_traffic(rehearsing: Rehearse, do: str) -> None:
    rehearsed = rehearsing(**BUSY, controls=[{"at_s": AT_ALL_OF_IT, "do": do}])
    assert rehearsed.result["final"]["weights"] == {A: 100.0, B: 0.0}
    assert_landed_softly(rehearsed, A)


def test_a_dead_rollout_that_nobody_restored(rehearsing: Rehearse) -> None:
    """Every invocation dies for an hour; then the clock's event ends the rollout."""
    faults = [{"at_s": AT_ALL_OF_IT, "for_s": 3600, "call": "dynamodb:GetItem", "error": "crash"}]
    rehearsed = rehearsing(**BUSY, faults=faults, controls=[{"at_s": AT_ALL_OF_IT, "do": "stop-execution"}])
    assert rehearsed.result["final"]["weights"] == {A: 100.0, B: 0.0}
    assert_landed_softly(rehearsed, A)


def test_a_promotion(rehearsing: Rehearse) -> None:
    rehearsed = rehearsing(**BUSY)
    assert rehearsed.result["outcome"] == "PROMOTED"
    assert_landed_softly(rehearsed, B)
    assert rehearsed.result["bad_requests_caused"] == 0
    assert rehearsed.observation.minutes[-1].instances[A] < NEEDED


def test_instances_are_kept_for_as_long_as_aws_refuses_to_let_them_go(rehearsing: Rehearse) -> None:
    stop = {"at_s": AT_ALL_OF_IT, "do": "abort"}
    refused = {"call": "application-autoscaling:RegisterScalableTarget", "error": "AccessDeniedException"}
    faults = [{"at_s": AT_ALL_OF_IT + 600, "for_s": 7200, **refused}]
    rehearsed = rehearsing(**BUSY, controls=[stop], faults=faults)
    assert rehearsed.result["unsafe"] == []
    assert fewest(rehearsed, A) >= NEEDED
    assert 7200 - 600 < kept_seconds(rehearsed) < 7200 + 600 + LOOKS_EVERY + ALLOWED


def test_metrics_that_never_come_are_not_waited_for_without_end(rehearsing: Rehearse) -> None:
    missing = [{"from_s": AT_ALL_OF_IT, "to_s": 86400}]
    metrics = {"delay_s": 60, "missing": missing}
    rehearsed = rehearsing(**{**BUSY, "metrics": metrics}, controls=[{"at_s": AT_ALL_OF_IT, "do": "abort"}])
    assert rehearsed.result["unsafe"] == []
    assert fewest(rehearsed, A) >= NEEDED
    assert LANDING_SECONDS_AT_MOST <= kept_seconds(rehearsed) < LANDING_SECONDS_AT_MOST + LOOKS_EVERY + ALLOWED
