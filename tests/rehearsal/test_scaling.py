"""A rollout whose instances follow concurrent requests, in the hours of a scheduled minimum."""

import json
from pathlib import Path

from aws_cdk import Duration
from aws_cdk.assertions import Template

from canary_construct import InstanceScaling, ScheduledMinimum, TrafficRouting
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint
from tests.infrastructure.synthesis import declare, stack
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
