"""Instances that take 50 minutes to come, as large models and scarce types do."""

import json
from pathlib import Path

import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Template

from canary_construct import InstanceScaling, TrafficRouting
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.infrastructure.synthesis import declare, stack
from tests.rehearsal.conftest import HEALTHY

SLOW = {**HEALTHY, "capacity": {"launch_s": 50 * 60, "max_rps_per_instance": 60}}


def declared(folder: Path, capacity_timeout: Duration | None) -> DeclaredEndpoint:
    shop = stack()
    declare(
        shop,
        routing=TrafficRouting.one_step_then_all(50, bake=Duration.minutes(10)),
        scaling=InstanceScaling(min_instances=2, max_instances=4, idle_instances=1),
        capacity_timeout=capacity_timeout,
    )
    path = folder / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    return find_endpoint(path, None)


def test_an_endpoint_that_waits_an_hour_is_promoted(tmp_path: Path) -> None:
    result = rehearse(declared(tmp_path, Duration.hours(1)), parse_scenario(SLOW)).result
    assert (result["outcome"], result["unsafe"]) == ("PROMOTED", [])
    assert result["seconds"] > 50 * 60
    assert result["bad_requests_caused"] == 0


def test_one_that_waits_twenty_minutes_judges_nobody(tmp_path: Path) -> None:
    """So the version may be tried again, with a longer time-out."""
    result = rehearse(declared(tmp_path, None), parse_scenario(SLOW)).result
    assert (result["outcome"], result["unsafe"]) == ("NOT_JUDGED", [])
    assert result["reason"].startswith(
        "variant-b has 1 of the 2 instances that it needs, and no more came in 20 minutes"
    )
    assert [step["percent"] for step in result["steps"]] == [50], "half the traffic needs no further instance"


@pytest.mark.parametrize(("minutes", "said"), [(4, "240"), (121, "7,260")])
def test_a_wait_outside_its_range_is_refused(minutes: int, said: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^capacity_timeout must be between 300 and 7,200 s: .* a rollback must outlast the wait; got {said} s$",
    ):
        declare(stack(), capacity_timeout=Duration.minutes(minutes))
