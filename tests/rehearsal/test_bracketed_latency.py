"""Where CloudWatch does not count slow requests, percentiles bracket them: narrowly, and every sentence says so."""

from collections.abc import Callable
from typing import Any

import pytest

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.rehearsal.conftest import BAKE_SECONDS, HEALTHY, STEADY, synthesised

FAST = {"latency_ms": {"p50": 40, "p99": 90}}
SLOW_TAIL = {"latency_ms": {"p50": 40, "p99": 2_500}}
"""3.5 % take more than a second: more than p99 alone can tell, less than p95 can."""


@pytest.fixture(scope="module")
def limit_of_a_second(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    template = synthesised(tmp_path_factory.mktemp("synth"), bake_seconds=BAKE_SECONDS, slow_ms=1000)
    return find_endpoint(template, None)


@pytest.fixture(scope="module")
def rehearsing_without_counts(limit_of_a_second: DeclaredEndpoint) -> Callable[..., Rehearsed]:
    """Rehearse with an AWS that does not answer `TC` of ModelLatency."""

    def rehearse_with(**changed: Any) -> Rehearsed:
        switches = {"undocumented": {"threshold_statistics": False}}
        return rehearse(limit_of_a_second, parse_scenario({**HEALTHY, **switches, **changed}))

    return rehearse_with


def test_a_slow_tail_is_seen_and_not_promoted(rehearsing_without_counts: Callable[..., Rehearsed]) -> None:
    """The third brake or the gate, which are decided at the same look or a look apart."""
    result = rehearsing_without_counts(stable=FAST, canary=SLOW_TAIL, metrics=STEADY).result
    assert (result["outcome"], result["safe_end"]) == ("ROLLED_BACK", True)
    assert result["reason"].startswith(("brake: gate latency has evidence of 1 in ", "latency: canary at least "))
    assert max(step["percent"] for step in result["steps"]) == 10


def test_a_release_as_fast_as_stable_is_promoted(rehearsing_without_counts: Callable[..., Rehearsed]) -> None:
    rehearsed = rehearsing_without_counts(stable=FAST, canary=FAST)
    assert rehearsed.result["outcome"] == "PROMOTED"


def test_a_usual_tail_of_both_is_no_reason_to_roll_back(rehearsing_without_counts: Callable[..., Rehearsed]) -> None:
    assert rehearsing_without_counts(stable=SLOW_TAIL, canary=SLOW_TAIL).result["outcome"] == "PROMOTED"
