"""A gate on the application's own counts, which the root app does not have: it is added to its plan here."""

import json
from dataclasses import replace

import pytest

from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint

GATE = {
    "name": "conversion", "kind": "share", "direction": "lower_is_worse", "event": "converted", "ratio": 0.95,
    "weight": 0.3,
}  # fmt: skip
SOURCE = {
    "kind": "pair", "namespace": "Shop", "total": "Shown", "counted": "Converted", "dimensions": {},
    "delay_seconds": 0,
}  # fmt: skip
TRAFFIC = {"traffic": {"rps": 40}, "capacity": {"launch_s": 60}, "stable": {"conversion_rate": 0.2}}


@pytest.fixture(scope="module")
def converting(declared: DeclaredEndpoint) -> DeclaredEndpoint:
    definition = json.loads(declared.definition)
    plan = definition["States"][definition["StartAt"]]["Result"]["plan"]
    plan["gates"]["judge"]["gates"].append(GATE)
    plan["gates"]["sources"]["conversion"] = SOURCE
    return replace(declared, plan=plan, definition=json.dumps(definition))


def test_a_release_that_converts_much_worse_is_rolled_back(converting: DeclaredEndpoint) -> None:
    result = rehearse(converting, parse_scenario({**TRAFFIC, "canary": {"conversion_rate": 0.1}})).result
    assert result["outcome"] == "ROLLED_BACK"
    assert result["reason"].startswith("conversion: canary")


def test_a_release_that_converts_as_well_is_promoted(converting: DeclaredEndpoint) -> None:
    result = rehearse(converting, parse_scenario({**TRAFFIC, "canary": {"conversion_rate": 0.2}})).result
    assert result["outcome"] == "PROMOTED"
