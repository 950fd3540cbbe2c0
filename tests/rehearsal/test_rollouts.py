"""What becomes of a release, by how it behaves."""

from collections.abc import Callable

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from tests.rehearsal.conftest import STEADY

Rehearse = Callable[..., Rehearsed]
BOTH_SERVE = {"variant-a": 0.0, "variant-b": 100.0}
STABLE_SERVES = {"variant-a": 100.0, "variant-b": 0.0}


def test_a_healthy_release_is_promoted_through_every_step(healthy: Rehearsed) -> None:
    result = healthy.result
    assert result["outcome"] == "PROMOTED"
    assert [step["percent"] for step in result["steps"]] == [10, 50, 100]
    assert result["final"]["weights"] == BOTH_SERVE
    assert result["final"]["scaling_floors"] == {"variant-a": 1, "variant-b": 2}


def test_a_healthy_release_causes_no_bad_requests(healthy: Rehearsed) -> None:
    assert healthy.result["bad_requests_caused"] == 0
    assert healthy.result["seconds_to_detect"] is None


def test_a_failing_release_is_rolled_back_in_its_first_step(failing: Rehearsed) -> None:
    result = failing.result
    assert result["outcome"] == "ROLLED_BACK"
    assert [step["percent"] for step in result["steps"]] == [10, 1], "its share was lowered before the verdict"
    assert result["reason"].startswith("errors: canary")
    assert result["final"]["weights"] == STABLE_SERVES


def test_the_harm_of_a_failing_release_is_counted(failing: Rehearsed) -> None:
    result = failing.result
    assert 0.03 * result["canary_requests"] < result["bad_requests_caused"] < 0.07 * result["canary_requests"]
    assert 0 < result["seconds_to_detect"] < 900
    assert 0 < result["seconds_to_weight_zero"] < 120


def test_a_slow_release_is_rolled_back_for_its_latency(rehearsing: Rehearse) -> None:
    result = rehearsing(canary={"latency_ms": {"p50": 150, "p99": 900}}).result
    assert result["outcome"] == "ROLLED_BACK"
    assert result["reason"].startswith("latency: canary")


def test_an_incident_that_hits_both_releases_is_not_held_against_the_new_one(rehearsing: Rehearse) -> None:
    changes = [{"at_s": 600, "for_s": 300, "who": "both", "set": {"error_rate": 0.1}}]
    assert rehearsing(changes=changes).result["outcome"] == "PROMOTED"


def test_a_release_that_crashes_every_five_minutes_is_rolled_back_before_it_has_all_traffic(
    rehearsing: Rehearse,
) -> None:
    """Two rules count its bursts. Which of them speaks first depends on the second in which a look comes."""
    bursts = [
        {"at_s": at_s, "for_s": 60, "who": "canary", "set": {"error_rate": 0.2}} for at_s in range(180, 1_800, 300)
    ]
    result = rehearsing(changes=bursts, metrics=STEADY).result
    assert (result["outcome"], max(step["percent"] for step in result["steps"])) == ("ROLLED_BACK", 10)
    bad_minutes, third_brake = "minutes in which stable was not, evidence 1 in ", "its share was lowered 2 times before"
    assert bad_minutes in result["reason"] or third_brake in result["reason"]


def test_a_release_that_makes_both_fail_from_the_half_on_is_not_promoted(rehearsing: Rehearse) -> None:
    result = rehearsing(changes=[{"at_s": 880, "who": "both", "set": {"error_rate": 0.08}}]).result
    assert (result["outcome"], result["steps"][-1]["title"]) == ("ROLLED_BACK", "50 %")
    assert "the release may harm both, so the step waits while this lasts" in result["reason"]


def test_an_outage_of_both_releases_is_sat_out_before_stable_is_taken_out(rehearsing: Rehearse) -> None:
    """50 % is over after 1,650 s, in the middle of it."""
    changes = [{"at_s": 1500, "for_s": 600, "who": "both", "set": {"error_rate": 0.5}}]
    result = rehearsing(changes=changes, metrics=STEADY).result
    assert (result["outcome"], result["reason"]) == ("PROMOTED", "every step passed")
    assert 2100 < result["steps"][1]["ended_s"] < 2400


def test_what_is_never_measured_is_not_judged(rehearsing: Rehearse) -> None:
    result = rehearsing(metrics={"delay_s": 60, "missing": [{"from_s": 0, "to_s": 86400}]}).result
    assert result["outcome"] == "NOT_JUDGED"
    assert "no metrics of the canary for" in result["reason"]


def test_the_rollouts_end_safe(healthy: Rehearsed, failing: Rehearsed) -> None:
    for rehearsed in (healthy, failing):
        assert rehearsed.result["safe_end"], rehearsed.result["unsafe"]
        assert rehearsed.result["final"]["lock"] is None


def test_a_rehearsal_is_hundreds_of_times_as_fast_as_the_rollout(healthy: Rehearsed) -> None:
    assert healthy.virtual_seconds > 100 * healthy.real_seconds


def test_the_history_is_counted_as_aws_counts_it(healthy: Rehearsed) -> None:
    result = healthy.result
    assert 3 * result["state_transitions"] < result["history_events"] < 4 * result["state_transitions"]
    assert result["api_calls"]["sagemaker:UpdateEndpointWeightsAndCapacities"] == 3
