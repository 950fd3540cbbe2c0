"""A rollout whose instances follow concurrent requests, in the hours of a scheduled minimum."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Template

from canary_construct import InstanceScaling, ModelRelease, ScheduledMinimum, TrafficRouting
from canary_tools.rehearsal.plan.lines import in_lines
from canary_tools.rehearsal.plan.summary import Assumptions, summarise
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint
from tests.infrastructure.synthesis import RELEASE, declare, stack
from tests.rehearsal.conftest import HEALTHY

AT_LEAST = 3
BY_DAY, BY_NIGHT = (
    ScheduledMinimum(min_instances=AT_LEAST, start=start, end=end)
    for start, end in (("06:00", "18:00"), ("18:00", "06:00"))
)
"""Together they always hold, whenever the rehearsal begins."""


def test_a_promoted_release_has_the_minimum_of_the_hour_when_its_rollout_has_landed(tmp_path: Path) -> None:
    """40 requests a second of some 50 ms are two at the same time; one instance shall do half a one."""
    shop = stack()
    declare(
        shop,
        routing=TrafficRouting.one_step_then_all(50, bake=Duration.minutes(10)),
        scaling=InstanceScaling(max_instances=8, concurrency_per_instance=0.5, scheduled_minimums=[BY_DAY, BY_NIGHT]),
    )
    path = tmp_path / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    result = rehearse(find_endpoint(path, None), parse_scenario(HEALTHY)).result
    assert (result["outcome"], result["reason"]) == ("PROMOTED", "every step passed")
    assert result["final"]["weights"] == {"variant-a": 0.0, "variant-b": 100.0}
    assert result["final"]["scaling_floors"]["variant-b"] == AT_LEAST


LARGER = ModelRelease(
    version="v2",
    image_uri=RELEASE.image_uri,
    instance_type="ml.m5.4xlarge",
    scaling=InstanceScaling(min_instances=3, max_instances=5, idle_instances=2, invocations_per_instance=4000),
)
USUAL = InstanceScaling(min_instances=2, max_instances=8, invocations_per_instance=1000)
HALF_FIRST = TrafficRouting.one_step_then_all(50, bake=Duration.minutes(10))


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of a release with an instance type and a scaling of its own."""
    shop = stack()
    declare(shop, release=LARGER, routing=HALF_FIRST, scaling=USUAL)
    path = tmp_path_factory.mktemp("larger") / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    return path


@pytest.mark.parametrize(
    ("error_rate", "outcome", "floors"),
    [(0.001, "PROMOTED", {"variant-a": 1, "variant-b": 3}), (0.2, "ROLLED_BACK", {"variant-a": 2, "variant-b": 2})],
)
def test_each_slot_comes_to_rest_by_the_scaling_of_its_own_release(
    larger: Path, error_rate: float, outcome: str, floors: dict[str, int]
) -> None:
    scenario = parse_scenario({**HEALTHY, "canary": {**HEALTHY["canary"], "error_rate": error_rate}})
    result = rehearse(find_endpoint(larger, None), scenario).result
    assert result["outcome"] == outcome, result["reason"]
    assert result["final"]["scaling_floors"] == floors
    assert result["unsafe"] == []


def test_the_plan_counts_the_release_by_its_own_scaling(larger: Path) -> None:
    declared = find_endpoint(larger, None)
    summary = summarise(declared, Assumptions(rps=120, rps_from="--rps", launch_s=60))
    assert (summary.fleet.before, summary.fleet.peak) == (8 + 1, 8 + 3)
    assert "(max_instances 8, of the release 5)" in in_lines(summary)
    assert summary.fleet.refused is None


def test_a_release_whose_own_maximum_is_too_small_is_said_to_be_refused(tmp_path: Path) -> None:
    shop = stack()
    small = InstanceScaling(max_instances=1, invocations_per_instance=4000)
    declare(shop, release=replace(LARGER, scaling=small), routing=HALF_FIRST, scaling=USUAL)
    path = tmp_path / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    fleet = summarise(find_endpoint(path, None), Assumptions(rps=120, rps_from="--rps", launch_s=60)).fleet
    assert fleet.refused == (
        "120 requests a second need 2 instances, but max_instances of the release is 1: the rollout would be refused"
    )
