"""A fault that begins two hours after the promotion."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Template

from canary_construct import HoldBack, InstanceScaling, TrafficRouting
from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint
from tests.infrastructure.synthesis import declare, stack
from tests.rehearsal.conftest import HEALTHY

HOURS = 3
RPS = 40
FAILING = 0.05
PROMOTED_S = 1_800
"""One step of ten minutes, instances, weights and metrics: the promotion comes sooner."""
BEGINS_S = PROMOTED_S + 2 * 3600
SCALING = InstanceScaling(min_instances=2, max_instances=4, idle_instances=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = stack()
    declare(
        shop,
        routing=TrafficRouting.one_step_then_all(50, bake=Duration.minutes(10)),
        hold_back=HoldBack(percent=2, duration=Duration.hours(HOURS)),
        scaling=SCALING,
        expected_rps=RPS,
    )
    path = tmp_path_factory.mktemp("held") / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(shop).to_json()))
    return path


def rehearsed(template: Path, **changed: Any) -> Rehearsed:
    return rehearse(find_endpoint(template, None), parse_scenario({**HEALTHY, "traffic": {"rps": RPS}, **changed}))


def test_it_is_rolled_back_before_it_has_harmed_a_third_of_what_an_hour_would_have(template: Path) -> None:
    """Without a hold-back nobody looks: an hour costs 7,200 requests, and so does each further one.

    Stable answers 48 requests a minute, by which the gate compares; it needs a quarter of an hour for 5 %.
    """
    fault = {"at_s": BEGINS_S, "who": "canary", "set": {"error_rate": FAILING}}
    result = rehearsed(template, changes=[fault]).result
    assert result["outcome"] == "ROLLED_BACK"
    assert result["reason"].startswith("errors: canary")
    assert [step["percent"] for step in result["steps"]] == [50, 100, 98]
    assert 100 < result["bad_requests_caused"] < 3600 * RPS * FAILING / 3
    assert result["final"]["weights"] == {"variant-a": 100.0, "variant-b": 0.0}


def test_a_healthy_release_stays_promoted(template: Path) -> None:
    result = rehearsed(template).result
    assert (result["outcome"], result["reason"]) == ("PROMOTED", "every step passed")
    assert [step["percent"] for step in result["steps"]] == [50, 100, 98, 100]
    assert result["final"]["weights"] == {"variant-a": 0.0, "variant-b": 100.0}
    assert result["final"]["scaling_floors"] == {"variant-a": 1, "variant-b": 2}


def test_the_plan_prices_it(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--template", str(template)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "hold-back" in line]
    assert "the former release keeps 2 % for 3 h after the promotion" in line
    assert "1 more instance than at rest, for $0.69" in line
