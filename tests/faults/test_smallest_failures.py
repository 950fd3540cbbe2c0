"""The smallest scenario of each unsafe end that the matrix or the schedules found, once it was mended."""

from collections.abc import Mapping
from typing import Any

import pytest

from bench.chaos.calls import SET_FLOOR
from bench.chaos.disturbances import OF_CALLS, OF_WORLD
from bench.chaos.running import run_one
from bench.chaos.worlds import BUSY_AT_FIRST, QUIET, merged
from canary_tools.rehearsal.template import DeclaredEndpoint

HALF_TO_EACH = {"variant-a": 50, "variant-b": 50}


@pytest.mark.parametrize(("world", "second"), [(QUIET, 0.149), (BUSY_AT_FIRST, 0.279)], ids=["at rest", "busy"])
def test_weights_changed_before_the_first_look_are_taken_back(
    declared: DeclaredEndpoint, world: Mapping[str, Any], second: float
) -> None:
    another_hand = {"controls": [{"at_s": second, "do": "set-weights", "weights": HALF_TO_EACH}]}
    ended = run_one(declared, "", merged(world, another_hand))
    assert not ended.unsafe, ended.unsafe
    assert "exactly one variant" in ended.reason


def test_a_decided_promotion_is_not_undone_when_its_handler_dies_and_the_ledger_is_away(
    declared: DeclaredEndpoint, entered: Mapping[str, float]
) -> None:
    dying = OF_CALLS["crash after effect"](SET_FLOOR, entered["Promote"])
    without_ledger = OF_WORLD["ledger unavailable"](entered["Promote"] + 1)
    ended = run_one(declared, "", merged(merged(QUIET, dying), without_ledger))
    assert not ended.unsafe, ended.unsafe
    assert ended.outcome == "PROMOTED"


def test_weights_that_are_about_to_change_are_not_promoted(
    declared: DeclaredEndpoint, entered: Mapping[str, float]
) -> None:
    another_hand = {"at_s": entered["Promote"] - 10, "do": "set-weights", "weights": HALF_TO_EACH}
    ended = run_one(declared, "", merged(QUIET, {"controls": [another_hand]}))
    assert not ended.unsafe, ended.unsafe
    assert ended.outcome == "NOT_JUDGED"
    assert "another hand changed the weights" in ended.reason


def test_what_every_invocation_of_the_restore_path_left_is_restored_by_the_clock(
    declared: DeclaredEndpoint, entered: Mapping[str, float]
) -> None:
    stopped_at = entered["Evaluate"] + 1
    hour_of_deaths = {"at_s": stopped_at, "for_s": 3600, "call": SET_FLOOR, "error": "crash"}
    stop = {"at_s": stopped_at, "do": "stop-execution"}
    ended = run_one(declared, "", merged(QUIET, {"controls": [stop], "faults": [hour_of_deaths]}))
    assert not ended.unsafe, ended.unsafe
    assert ended.outcome == "NOT_JUDGED"
    assert (ended.seconds_to_safe_end or 0) > 3600
