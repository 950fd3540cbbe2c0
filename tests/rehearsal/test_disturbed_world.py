"""What controls do to alarms, metrics, events and the endpoint, and that a rollout survives it."""

from collections.abc import Callable

import pytest

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.scenario.distortions import DISTORTIONS, LARGEST

Rehearse = Callable[..., Rehearsed]
IN_THE_FIRST_STEP = 400


def disturbed(rehearsing: Rehearse, do: str, **world: object) -> Rehearsed:
    return rehearsing(controls=[{"at_s": IN_THE_FIRST_STEP, "do": do}], **world)


def changes_of_alarms(rehearsed: Rehearsed) -> list[str]:
    return [happening.text for happening in rehearsed.observation.bus_happenings() if happening.kind == "alarm"]


def test_a_rollout_whose_endpoint_is_deleted_ends_with_a_free_lock_and_a_reason(rehearsing: Rehearse) -> None:
    result = disturbed(rehearsing, "delete-endpoint").result
    assert result["unsafe"] == []
    assert result["outcome"] == "NOT_JUDGED"
    assert result["final"]["weights"] == result["final"]["scaling_floors"] == {}


def test_an_execution_that_times_out_is_cleaned_up_after(rehearsing: Rehearse) -> None:
    result = disturbed(rehearsing, "time-out-execution").result
    assert result["unsafe"] == []
    assert result["outcome"] == "NOT_JUDGED"
    assert result["final"]["executions"] == [{"name": "v2-1", "status": "TIMED_OUT"}]


def test_an_alarm_held_in_alarm_stays_there_and_ends_the_rollout(rehearsing: Rehearse) -> None:
    rehearsed = disturbed(rehearsing, "hold-alarm-in-alarm")
    (change,) = changes_of_alarms(rehearsed)
    assert change.endswith("OK → ALARM")
    assert rehearsed.result["outcome"] == "ROLLED_BACK"
    assert rehearsed.result["unsafe"] == []


def test_an_alarm_held_in_ok_never_fires(rehearsing: Rehearse) -> None:
    worse = {"at_s": IN_THE_FIRST_STEP + 60, "who": "canary", "set": {"error_rate": 0.9}}
    rehearsed = disturbed(rehearsing, "hold-alarm-in-ok", changes=[worse])
    assert not any("ErrorRate" in change for change in changes_of_alarms(rehearsed))
    assert rehearsed.result["outcome"] == "ROLLED_BACK"
    assert rehearsed.result["unsafe"] == []


def test_a_flapping_alarm_changes_its_state_again_and_again(rehearsing: Rehearse) -> None:
    rehearsed = disturbed(rehearsing, "flap-alarm")
    assert len(changes_of_alarms(rehearsed)) == 20
    assert rehearsed.result["unsafe"] == []


def test_late_events_in_any_order_are_survived(rehearsing: Rehearse) -> None:
    assert disturbed(rehearsing, "delay-events", canary={"error_rate": 0.3}).result["unsafe"] == []


@pytest.mark.parametrize("do", DISTORTIONS)
def test_absurd_metrics_are_survived(rehearsing: Rehearse, do: str) -> None:
    result = disturbed(rehearsing, do).result
    assert result["unsafe"] == []
    assert result["reason"]


@pytest.mark.parametrize("who", ["canary", "stable"])
@pytest.mark.parametrize("do", DISTORTIONS)
def test_absurd_metrics_of_one_release_are_held_against_neither(rehearsing: Rehearse, do: str, who: str) -> None:
    result = rehearsing(controls=[{"at_s": 300, "do": do, "who": who}]).result
    assert (result["outcome"], result["safe_end"]) == ("PROMOTED", True), result["reason"]


def test_absurd_metrics_are_absurd() -> None:
    published = {name: distort("Invocation5XXErrors", {0.0: 9, 1.0: 1}) for name, distort in DISTORTIONS.items()}
    assert published == {
        "negate-metrics": {0.0: 9, -1.0: 1},
        "inflate-errors": {10.0: 10},
        "blow-up-metrics": {LARGEST: 10},
    }
