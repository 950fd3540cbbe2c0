"""What could not be restored is said, by event, before the invocation gives up."""

import json

import pytest
from rollout.contract.errors import EndpointBusy

from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.settings import B
from tests.lambdas.fakes.shop import Shop


def needs_attention(aws: Aws) -> list[str]:
    entries = [entry for call in aws.asked("PutEvents") for entry in call["Entries"]]
    return [
        json.loads(entry["Detail"])["reason"]
        for entry in entries
        if entry["DetailType"] == "Canary Rollout Needs Attention"
    ]


def test_a_restore_that_runs_out_of_time_says_so(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    serving.stop(execution)
    aws.fail("UpdateEndpointWeightsAndCapacities", THROTTLED, times=10_000)
    with pytest.raises(EndpointBusy):
        serving.restore(execution.name, milliseconds=30_000)
    assert needs_attention(aws) == ["EndpointBusy: endpoint shop could not be restored yet"]


def test_a_panic_that_runs_out_of_time_says_so(aws: Aws, serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    aws.fail("UpdateEndpointWeightsAndCapacities", THROTTLED, times=10_000)
    with pytest.raises(EndpointBusy):
        serving.panic("business", milliseconds=30_000)
    assert needs_attention(aws) == [f"EndpointBusy: endpoint shop did not take weight 0 for {B} yet"]


def test_a_restore_that_succeeds_is_quiet(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    serving.stop(execution)
    serving.restore(execution.name)
    assert needs_attention(aws) == []
