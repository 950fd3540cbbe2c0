"""A release that refuses what its predecessor accepted is at fault; it is not for the bad callers of both."""

from typing import Any

import pytest

from canary_tools.rehearsal.record.rehearsed import Result
from tests.rehearsal.conftest import Rehearse

BAD_CALLERS = 0.05
"""Of the requests to both releases."""


def failing_by_two_percent(rehearsing: Rehearse, refused_rate: float) -> Result:
    releases: dict[str, Any] = {
        "stable": {"error_rate": 0.001, "refused_rate": refused_rate},
        "canary": {"error_rate": 0.021, "refused_rate": refused_rate},
    }
    return rehearsing(**releases).result


@pytest.mark.parametrize("refused", [0.3, 0.02])
def test_a_release_that_refuses_what_stable_accepts_is_rolled_back_early(rehearsing: Rehearse, refused: float) -> None:
    result = rehearsing(stable={"refused_rate": 0.001}, canary={"refused_rate": refused}).result
    assert (result["outcome"], result["safe_end"]) == ("ROLLED_BACK", True)
    assert result["reason"].startswith("refused: canary ")
    assert "requests were refused or broke off" in result["reason"]
    assert [step["title"] for step in result["steps"]] == ["10 %", "1 %"]
    assert result["seconds_to_detect"] < 15 * 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bad_callers_of_both_are_not_held_against_the_release(rehearsing: Rehearse, seed: int) -> None:
    releases: dict[str, Any] = {"stable": {"refused_rate": BAD_CALLERS}, "canary": {"refused_rate": BAD_CALLERS}}
    assert rehearsing(seed=seed, **releases).result["outcome"] == "PROMOTED"


def test_a_flood_of_bad_callers_in_the_middle_of_a_step_is_not_held_against_the_release(rehearsing: Rehearse) -> None:
    flood = {"at_s": 400, "for_s": 300, "who": "both", "set": {"refused_rate": 0.4}}
    assert rehearsing(changes=[flood]).result["outcome"] == "PROMOTED"


def test_bad_callers_who_stay_hold_no_good_release_up(rehearsing: Rehearse) -> None:
    """They come with a share of 50 %, and both releases refuse them."""
    come = {"at_s": 900, "who": "both", "set": {"refused_rate": 0.4}}
    result = rehearsing(changes=[come]).result
    assert (result["outcome"], result["safe_end"]) == ("PROMOTED", True), result["reason"]


def test_bad_callers_of_both_do_not_hide_that_the_release_fails(rehearsing: Rehearse) -> None:
    without, hidden = (failing_by_two_percent(rehearsing, refused_rate) for refused_rate in (0.0, BAD_CALLERS))
    for result in (without, hidden):
        assert result["outcome"] == "ROLLED_BACK"
        assert result["reason"].startswith("errors: canary ")
        assert result["seconds_to_detect"] < 10 * 60


def test_no_alarm_is_raised_by_what_callers_do(rehearsing: Rehearse) -> None:
    """Its limit is absolute: 25 % of the requests, and nobody knows whether a caller or a model is to blame."""
    usual: dict[str, Any] = {"stable": {"refused_rate": 0.5}, "canary": {"refused_rate": 0.5}}
    rehearsed = rehearsing(**usual)
    assert rehearsed.result["outcome"] == "PROMOTED"
    assert "ALARM" not in str([happening.text for happening in rehearsed.observation.happenings])
