"""Slow requests that are no fault of the release: those that stable has as well, and those of new instances."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from canary_construct import Gate, InstanceScaling, TrafficRouting
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.infrastructure.synthesis import declare, stack

SCALING = InstanceScaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000)
LATENCY = {"p50": 40, "p99": 180}
WORLD = {
    "traffic": {"rps": 100},
    "stable": {"error_rate": 0.001, "latency_ms": LATENCY},
    "undocumented": {"threshold_statistics": False},
}


def declared(folder: Path, slow_ms: float, *, require_proof: bool) -> DeclaredEndpoint:
    shop = stack()
    gates = [Gate.error_rate(), Gate.latency(slow_ms=slow_ms)]
    declare(shop, routing=TrafficRouting.paced(), scaling=SCALING, gates=gates, require_proof=require_proof)
    path = folder / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    return find_endpoint(path, None)


def rehearsed(folder: Path, slow_ms: float, *, require_proof: bool = False, **scenario: Any) -> dict[str, Any]:
    endpoint = declared(folder, slow_ms, require_proof=require_proof)
    result: dict[str, Any] = rehearse(endpoint, parse_scenario({**WORLD, **scenario})).result
    return result


@pytest.mark.parametrize("slow_ms", [116, 180], ids=["p95 of stable", "p99 of stable"])
def test_a_good_release_is_promoted_wherever_the_limit_lies(tmp_path: Path, slow_ms: float) -> None:
    """At the p95 of stable, three of three were rolled back after two hours at 10 or 13 %, without a decision."""
    result = rehearsed(tmp_path, slow_ms, seed=3)
    assert (result["outcome"], result["bad_requests_caused"], result["unsafe"]) == ("PROMOTED", 0, [])
    assert result["seconds"] < 90 * 60


def test_a_good_release_of_a_quiet_endpoint_is_promoted(tmp_path: Path) -> None:
    """At 5 requests a second one or two are slow in a minute, and bounds are as far apart as that."""
    result = rehearsed(tmp_path, 180, seed=1, traffic={"rps": 5}, capacity={"launch_s": 120})
    assert (result["outcome"], result["bad_requests_caused"], result["unsafe"]) == ("PROMOTED", 0, [])


def test_one_that_is_three_times_as_often_slow_is_not_promoted_there(tmp_path: Path) -> None:
    worse = {"latency_ms": {"p50": 40, "p99": 250}}
    result = rehearsed(tmp_path, 180, seed=1, traffic={"rps": 5}, capacity={"launch_s": 120}, canary=worse)
    assert (result["outcome"], result["unsafe"]) == ("ROLLED_BACK", [])


def test_a_good_release_is_proven_although_nobody_counts_slow_requests(tmp_path: Path) -> None:
    """It was rolled back after two hours at 50 %: brackets were no proof at all."""
    result = rehearsed(tmp_path, 250, require_proof=True, seed=1)
    assert (result["outcome"], result["bad_requests_caused"], result["unsafe"]) == ("PROMOTED", 0, [])


@pytest.mark.parametrize("slow_ms", [116, 180], ids=["p95 of stable", "p99 of stable"])
def test_a_release_with_half_again_as_many_slow_requests_is_not(tmp_path: Path, slow_ms: float) -> None:
    """8.7 or 2.9 % of its requests are slow, of stable's 5 or 1 %."""
    result = rehearsed(tmp_path, slow_ms, seed=3, canary={"latency_ms": {"p50": 40, "p99": 250}})
    assert (result["outcome"], result["unsafe"]) == ("ROLLED_BACK", [])
    assert max(step["percent"] for step in result["steps"]) <= 50


def test_a_stable_that_fails_quickly_does_not_make_a_good_release_look_slow(tmp_path: Path) -> None:
    """Half of its requests are slow. Of those that fail, none is."""
    outage = {"at_s": 1_200, "for_s": 600, "who": "stable", "set": {"error_rate": 0.9}}
    result = rehearsed(tmp_path, 40, seed=1, changes=[outage])
    assert (result["outcome"], result["bad_requests_caused"], result["unsafe"]) == ("PROMOTED", 0, [])


def test_new_instances_that_are_slow_while_they_warm_up_do_not_reject_the_release(tmp_path: Path) -> None:
    """Those of all the traffic come long after the first one has warmed up."""
    cold = {"at_s": 880, "for_s": 240, "who": "canary", "set": {"latency_ms": {"p50": 40, "p99": 2000}}}
    result = rehearsed(tmp_path, 180, seed=3, capacity={"launch_s": 480}, changes=[cold])
    assert (result["outcome"], result["unsafe"]) == ("PROMOTED", [])


def test_instances_that_stay_slow_reject_it(tmp_path: Path) -> None:
    slow = {"at_s": 880, "who": "canary", "set": {"latency_ms": {"p50": 40, "p99": 2000}}}
    result = rehearsed(tmp_path, 180, seed=3, capacity={"launch_s": 480}, changes=[slow])
    assert (result["outcome"], result["unsafe"]) == ("ROLLED_BACK", [])
    assert result["reason"].startswith("latency: canary at least ")
