"""Alarms that the caller gave, whose metrics a rehearsal knows nothing of."""

from pathlib import Path
from typing import Any

import pytest

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from tests.rehearsal.conftest import HEALTHY

ALARM = "shop-orders"
OWN_ALARM = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": ALARM, "Namespace": "Shop", "MetricName": "Orders", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "LessThanThreshold",
    },
}  # fmt: skip


def with_callers_alarm(template: Path, name: str, *, own: bool) -> DeclaredEndpoint:
    text = template.read_text(encoding="utf-8").replace('\\"caller\\":[]', f'\\"caller\\":[\\"{ALARM}\\"]')
    if own:
        text = text.replace('"Resources": {', f'"Resources": {{ "Own": {OWN_ALARM!r},'.replace("'", '"'), 1)
    changed = template.with_name(f"{name}.template.json")
    changed.write_text(text, encoding="utf-8")
    return find_endpoint(changed, None)


@pytest.fixture(params=[True, False], ids=["declared in the template", "only named in it"])
def watched(template: Path, request: pytest.FixtureRequest) -> DeclaredEndpoint:
    return with_callers_alarm(template, f"Watched{request.param}", own=request.param)


def rehearsed(declared: DeclaredEndpoint, **changed: Any) -> Rehearsed:
    return rehearse(declared, parse_scenario({**HEALTHY, **changed}))


def test_a_callers_alarm_is_ok_and_holds_nothing_up(watched: DeclaredEndpoint) -> None:
    assert rehearsed(watched).result["outcome"] == "PROMOTED"


def test_a_callers_alarm_that_a_control_raises_ends_the_rollout(watched: DeclaredEndpoint) -> None:
    raised = {"at_s": 400, "do": "hold-alarm-in-alarm", "alarm": ALARM}
    result = rehearsed(watched, controls=[raised]).result
    assert (result["outcome"], result["reason"]) == ("ROLLED_BACK", f"{ALARM} is in ALARM")
    assert result["safe_end"], result["unsafe"]
