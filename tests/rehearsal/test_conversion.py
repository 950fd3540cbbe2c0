"""A gate on the application's own counts, which the recommender does not have by default: added here."""

import json
from dataclasses import replace

import pytest
from rollout.contract.plan import Plan

from canary_tools.aws_models.cloudwatch.metric_store import MetricKey
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint

GATE = {
    "name": "conversion", "kind": "share", "direction": "lower_is_worse", "event": "converted", "ratio": 0.95,
    "alpha_share": 0.3,
}  # fmt: skip
SOURCE = {
    "source": "pair", "namespace": "Shop", "total": "Shown", "counted": "Converted", "dimensions": {},
    "delay_seconds": 0,
}  # fmt: skip
TRAFFIC = {"traffic": {"rps": 40}, "capacity": {"launch_s": 60}, "stable": {"conversion_rate": 0.2}}


@pytest.fixture(scope="module")
def converting(declared: DeclaredEndpoint) -> DeclaredEndpoint:
    return with_gate(declared, period_seconds=60)


def with_gate(declared: DeclaredEndpoint, *, period_seconds: int) -> DeclaredEndpoint:
    definition = json.loads(declared.definition)
    plan = definition["States"][definition["StartAt"]]["Result"]["plan"]
    plan["metric_period_seconds"] = period_seconds
    plan["gates"]["judge"]["gates"].append(GATE)
    plan["gates"]["sources"]["conversion"] = SOURCE
    template = json.loads(json.dumps(declared.template))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::SageMaker::EndpointConfig":
            published = {
                "EnableEnhancedMetrics": period_seconds < 60,
                "MetricPublishFrequencyInSeconds": period_seconds,
            }
            resource["Properties"]["MetricsConfig"].update(published)
    return replace(declared, plan=Plan.parse(plan), definition=json.dumps(definition), template=template)


def test_a_release_that_converts_much_worse_is_rolled_back(converting: DeclaredEndpoint) -> None:
    result = rehearse(converting, parse_scenario({**TRAFFIC, "canary": {"conversion_rate": 0.1}})).result
    assert result["outcome"] == "ROLLED_BACK"
    assert result["reason"].startswith("conversion: canary")


def test_a_release_that_converts_as_well_is_promoted(converting: DeclaredEndpoint) -> None:
    result = rehearse(converting, parse_scenario({**TRAFFIC, "canary": {"conversion_rate": 0.2}})).result
    assert result["outcome"] == "PROMOTED", result["reason"]


def test_conversions_are_published_every_ten_seconds_at_that_metric_period(declared: DeclaredEndpoint) -> None:
    scenario = {**TRAFFIC, "metrics": {"delay_s": 2}, "canary": {"conversion_rate": 0.1}}
    rehearsed = rehearse(with_gate(declared, period_seconds=10), parse_scenario(scenario))
    assert rehearsed.result["reason"].startswith("conversion: canary")
    store = rehearsed.aws.store
    key = MetricKey.of("Shop", "Shown", {"EndpointName": declared.endpoint_name, "VariantName": "variant-a"})
    begun = rehearsed.aws.zero
    published = store.periods(key, start=begun, end=begun + 120, period=10)
    assert {moment % 60 for moment in published} == {0, 10, 20, 30, 40, 50}
