"""An abort acts in seconds, however rarely the plan looks."""

import pytest
from rollout.contract.names import SLOT_B as B

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.rehearsal.conftest import HEALTHY, synthesised

DAY = 24 * 3600
AT = 4 * 3600.0
ACTS_WITHIN_SECONDS = 120
"""The seconds that SageMaker takes for weights, and whole minutes at both ends; the next look is in 15 minutes.
A record that comes late is one of five minutes more."""
LATE_SECONDS = 300
LEAD = {"delay-events": -1, "duplicate-event": 5}
WHO = "aborted by ann: by hand"


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    """Steps of two days, which are looked at every quarter of an hour or less often."""
    found = find_endpoint(synthesised(tmp_path_factory.mktemp("days"), bake_seconds=2 * DAY), None)
    assert found.plan.evaluation_interval_seconds >= 15 * 60
    return found


def last_exposed(rehearsed: Rehearsed) -> float:
    """Return the end of the last minute in which the canary had weight."""
    return max(minute.start_s + 60 for minute in rehearsed.observation.minutes if minute.weights.get(B, 0) > 0)


@pytest.mark.parametrize("more", [[], ["delay-events"], ["duplicate-event"]], ids=["", "late", "again"])
def test_it_acts_between_two_looks(days: DeclaredEndpoint, more: list[str]) -> None:
    controls = [*({"at_s": AT + LEAD[do], "do": do} for do in more), {"at_s": AT, "do": "abort"}]
    rehearsed = rehearse(days, parse_scenario({**HEALTHY, "controls": controls}))
    assert rehearsed.result["outcome"] == "NOT_JUDGED"
    assert rehearsed.result["reason"] == WHO
    assert rehearsed.result["safe_end"], rehearsed.result["unsafe"]
    assert last_exposed(rehearsed) < AT + ACTS_WITHIN_SECONDS + (LATE_SECONDS if more == ["delay-events"] else 0)
