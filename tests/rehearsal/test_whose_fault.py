"""An alarm of the canary rolls it back when it is the canary's own fault, and only then."""

import pytest

from tests.rehearsal.conftest import Rehearse

SHIFTED_TO_HALF_S = 847
"""When the healthy canary gets half of the requests, until 1,632 s; it gets all of them at 1,724 s."""
SLOW = {"latency_ms": {"p50": 3_000, "p99": 20_000}}
LATE = (60, [30, 180], {"canary": 30, "stable": 210})
"""How late metrics come. But for the first, the canary's periods are often published before stable's."""


@pytest.mark.parametrize("at_s", [SHIFTED_TO_HALF_S - 300, SHIFTED_TO_HALF_S, SHIFTED_TO_HALF_S + 20])
def test_an_outage_of_both_rolls_nothing_back_whenever_it_begins(rehearsing: Rehearse, at_s: int) -> None:
    outage = {"at_s": at_s, "for_s": 400, "who": "both", "set": {"error_rate": 0.5}}
    result = rehearsing(changes=[outage]).result
    assert (result["outcome"], result["safe_end"]) == ("PROMOTED", True), result["reason"]


@pytest.mark.parametrize("delay_s", LATE)
def test_a_latency_incident_of_both_at_the_end_of_a_step_is_sat_out(rehearsing: Rehearse, delay_s: object) -> None:
    changes = [{"at_s": 1_500, "for_s": 900, "who": "both", "set": SLOW}]
    result = rehearsing(changes=changes, metrics={"delay_s": delay_s}).result
    assert (result["outcome"], result["safe_end"]) == ("PROMOTED", True), result["reason"]
    half = result["steps"][1]
    assert half["title"] == "50 %"
    assert half["ended_s"] >= 1_500 + 900


@pytest.mark.parametrize("delay_s", LATE)
def test_a_stable_that_is_usually_beyond_the_limit_holds_nothing_up(rehearsing: Rehearse, delay_s: object) -> None:
    slow = {"latency_ms": {"p50": 6_000, "p99": 14_000}}
    result = rehearsing(stable=slow, canary=slow, metrics={"delay_s": delay_s}).result
    assert (result["outcome"], result["safe_end"]) == ("PROMOTED", True), result["reason"]


@pytest.mark.parametrize("harm", [{"error_rate": 0.6}, {"latency_ms": {"p50": 40, "p99": 60_000}}])
def test_what_the_canary_alone_does_is_its_own_fault(rehearsing: Rehearse, harm: dict[str, object]) -> None:
    result = rehearsing(changes=[{"at_s": 300, "for_s": 3_600, "who": "canary", "set": harm}]).result
    assert (result["outcome"], result["safe_end"]) == ("ROLLED_BACK", True), result["reason"]
    assert "is in ALARM: of the canary's requests" in result["reason"]


def test_a_canary_that_fails_at_everything_is_compared_with_stable_when_it_last_served(rehearsing: Rehearse) -> None:
    late = {"at_s": 2_000, "for_s": 3_600, "who": "canary", "set": {"error_rate": 0.6}}
    result = rehearsing(changes=[late]).result
    assert (result["outcome"], result["safe_end"]) == ("ROLLED_BACK", True), result["reason"]
    assert "when it last served; of stable's, which has the traffic back, " in result["reason"]
    assert "nobody was judged" not in result["reason"]


def test_an_outage_of_both_while_the_canary_has_everything_judges_nobody(rehearsing: Rehearse) -> None:
    """Stable serves nobody then: that it has the trouble as well shows when its traffic is back."""
    outage = {"at_s": 2_000, "for_s": 3_600, "who": "both", "set": {"error_rate": 0.5}}
    result = rehearsing(changes=[outage]).result
    assert (result["outcome"], result["safe_end"]) == ("NOT_JUDGED", True), result["reason"]
    assert result["reason"].endswith(" as well, so nobody was judged")


@pytest.mark.parametrize("error_rate", [0.2, 0.9])
@pytest.mark.parametrize("at_s", [60, SHIFTED_TO_HALF_S + 60])
def test_a_stable_that_stays_broken_holds_no_good_release_up(
    rehearsing: Rehearse, at_s: int, error_rate: float
) -> None:
    """The release ends a trouble that it does not have."""
    broken = {"at_s": at_s, "who": "stable", "set": {"error_rate": error_rate}}
    result = rehearsing(changes=[broken]).result
    assert (result["outcome"], result["bad_requests_caused"], result["unsafe"]) == ("PROMOTED", 0, []), result["reason"]


def test_an_outage_of_stable_does_not_hide_that_the_release_fails_afterwards(rehearsing: Rehearse) -> None:
    outage = {"at_s": 284, "for_s": 600, "who": "stable", "set": {"error_rate": 0.9}}
    releases = {"stable": {"error_rate": 0.01}, "canary": {"error_rate": 0.06}}
    result = rehearsing(traffic={"rps": 2}, changes=[outage], **releases).result
    assert (result["outcome"], result["safe_end"]) == ("ROLLED_BACK", True), result["reason"]
