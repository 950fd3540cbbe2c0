from typing import Any

import pytest
from rollout.contract.errors import AlarmRaised, EndpointChanged, GateFailed, Halted, Inconclusive
from rollout.contract.plan import OutageLimits
from rollout.decisions.bake import outage
from rollout.evidence.sources import SlotCount

from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, A, B, step
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def baking(serving: Shop) -> Execution:
    """The rollout of v2 at 10 %, about to be looked at for the first time."""
    return serving.begin("v2", "Evaluate")


def minutes_later(shop: Shop, minutes: int, *, failed: float = 0) -> None:
    for _ in range(minutes):
        shop.aws.wait(60)
        shop.serve(failed=failed)


def test_a_minute_is_counted_once_and_only_when_it_is_final(serving: Shop, baking: Execution) -> None:
    counted = []
    while baking.task == "Evaluate" and baking.step["index"] == 0:
        minutes_later(serving, 1)
        before = baking.step["requests"]
        baking.advance()
        if baking.task == "Evaluate":
            counted.append(baking.step["requests"] - before)
    assert set(counted) <= {0, 120, 240}
    assert sum(counted) % 120 == 0
    assert sum(counted) > 0


def test_counts_that_cannot_be_are_skipped_and_said(serving: Shop, baking: Execution) -> None:
    minutes_later(serving, 4, failed=0.5)
    baking.repeat()
    (step, *_) = serving.rollouts()[baking.name]["steps"]
    assert "of gate errors skipped: canary_bad must be a whole number of at least 0, got 0.5" in step["skipped"][0]
    assert baking.status == "RUNNING"


def test_a_repeated_evaluation_changes_nothing(serving: Shop, baking: Execution) -> None:
    minutes_later(serving, 4)
    first = baking.repeat()
    record = serving.rollouts()[baking.name]
    assert baking.repeat() == first
    again = serving.rollouts()[baking.name]
    assert [step["canary_requests"] for step in again["steps"]] == [step["canary_requests"] for step in record["steps"]]


def test_a_bake_that_is_not_over_goes_on(baking: Execution) -> None:
    assert baking.repeat()["next"] == "STAY"


def test_a_step_with_evidence_leads_to_the_next_one(serving: Shop, baking: Execution) -> None:
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "NEXT_STEP"


def test_what_passed_a_step_early_does_not_pass_the_next_one(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(50, bake_seconds=3600, max_bake_seconds=7200), step(75), step(100)), scaling=FIXED)
    shop.requests_per_period = 2_000_000
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=0)
    began = aws.clock.now()
    while execution.step["index"] == 0:
        shop.serve(failed=2000)
        execution.advance()
    assert aws.clock.now() < began + 3600
    shop.run(execution, "Evaluate", index=1)
    assert execution.repeat()["next"] == "STAY"


def test_the_last_step_leads_to_the_promotion(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=2)
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "PROMOTE"


def test_too_few_requests_extend_the_bake_and_then_end_the_rollout(aws: Aws, baking: Execution) -> None:
    """No data is not good news."""
    aws.wait(4 * 60)
    assert baking.repeat()["next"] == "STAY"
    aws.wait(8 * 60)
    with pytest.raises(Inconclusive):
        baking.repeat()


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_an_alarm_ends_the_rollout(aws: Aws, serving: Shop, baking: Execution, alarm: str) -> None:
    minutes_later(serving, 7)
    aws.cloudwatch.alarms[alarm] = "ALARM"
    with pytest.raises(AlarmRaised, match=f"{alarm} is in ALARM"):
        baking.repeat()


def test_an_alarm_of_the_stable_slot_does_not(aws: Aws, serving: Shop, baking: Execution) -> None:
    minutes_later(serving, 7)
    aws.cloudwatch.alarms["a-errors"] = "ALARM"
    assert baking.repeat()["next"] == "NEXT_STEP"


@pytest.mark.parametrize("state", ["INSUFFICIENT_DATA", "deleted"])
def test_a_callers_alarm_in_an_unknown_state_holds_the_rollout(
    aws: Aws, serving: Shop, baking: Execution, state: str
) -> None:
    if state == "deleted":
        del aws.cloudwatch.alarms["business"]
    else:
        aws.cloudwatch.alarms["business"] = state
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "STAY"
    minutes_later(serving, 8)
    with pytest.raises(Inconclusive, match="the state of business is unknown"):
        baking.repeat()


def test_a_slot_alarm_without_data_is_quiet(aws: Aws, serving: Shop, baking: Execution) -> None:
    aws.cloudwatch.alarms["b-errors"] = "INSUFFICIENT_DATA"
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "NEXT_STEP"


def test_a_slot_alarm_that_was_deleted_holds_the_rollout(aws: Aws, serving: Shop, baking: Execution) -> None:
    """It can never go off again, so that its silence says nothing."""
    del aws.cloudwatch.alarms["b-errors"]
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "STAY"
    minutes_later(serving, 8)
    with pytest.raises(Inconclusive, match="the state of b-errors is unknown"):
        baking.repeat()


def test_an_outage_of_both_slots_is_not_left_for_more_traffic(serving: Shop) -> None:
    """At 100 % the canary's alarm has nothing to compare with, and would roll back a release that is as good."""
    baking = serving.begin("v2", "Evaluate", index=1)
    minutes_later(serving, 7, failed=300)
    assert baking.repeat()["next"] == "STAY"
    (*_, held) = serving.rollouts()[baking.name]["steps"]
    assert held["reason"].endswith(
        "300 of the canary's 600 requests failed in the newest metric period (50.00 %); no traffic is shifted "
        "while more than 25 % fail"
    )
    baking.advance()
    minutes_later(serving, 1)
    baking.advance()
    assert (baking.task, baking.step["index"]) == ("ScaleCanary", 2)


def test_an_outage_that_has_just_begun_is_seen_before_it_is_final(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=1)
    minutes_later(serving, 6)
    minutes_later(serving, 1, failed=300)
    assert baking.repeat()["next"] == "STAY"


def test_an_outage_without_an_end_is_not_waited_for_without_an_end(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=1)
    minutes_later(serving, 9, failed=300)
    with pytest.raises(Inconclusive, match=r"no decision in \d+ s at 50 %: 300 of the canary's 600 requests failed"):
        baking.repeat()


def test_an_outage_lasts_while_nothing_newer_is_counted(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(50, max_bake_seconds=3600), step(100)))
    shop.serve_first()
    baking = shop.begin("v2", "Evaluate", index=0)
    minutes_later(shop, 7, failed=300)
    baking.advance()
    aws.wait(600)
    assert baking.repeat()["next"] == "STAY"
    shop.serve()
    assert baking.repeat()["next"] == "NEXT_STEP"


@pytest.mark.parametrize(
    ("failed", "requests"),
    [(25, 100), (24, 24), (float("nan"), 100), (100, float("nan")), (-1, 100), (101, 100), (float("inf"), 100)],
)
def test_what_is_rare_few_or_impossible_is_no_outage(failed: float, requests: float) -> None:
    errors = SlotCount(total=requests, bad=failed)
    assert outage(OutageLimits(failed_percent=25, min_requests=25), errors, before="an outage") == ""


def test_errors_of_the_canary_end_the_rollout(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=1)
    for _ in range(6):
        serving.aws.wait(60)
        at = serving.aws.clock.now()
        serving.aws.cloudwatch.serve(ENDPOINT, A, 600, at=at - 60, period=60)
        serving.aws.cloudwatch.serve(ENDPOINT, B, 600, failed=300, at=at - 60, period=60)
    with pytest.raises(GateFailed, match="errors: canary"):
        baking.repeat()


@pytest.mark.parametrize("weights", [{"a": 80, "b": 20}, {"a": 100, "b": 0}, {"a": 9, "b": 1}])
def test_another_hand_on_the_weights_ends_the_rollout(
    serving: Shop, baking: Execution, weights: dict[str, Any]
) -> None:
    serving.set_weights(**weights)
    serving.wait_until_quiet()
    with pytest.raises(EndpointChanged, match="another hand changed the weights of endpoint shop"):
        baking.repeat()
    serving.run(baking)
    assert serving.unsafe() == []


def test_another_config_ends_the_rollout(serving: Shop, baking: Execution) -> None:
    serving.update_by_another_hand()
    serving.wait_until_quiet()
    with pytest.raises(EndpointChanged, match="is on config config-by-hand, the rollout started on config-2"):
        baking.repeat()


def test_a_halt_is_the_reason_even_when_the_weights_are_gone(aws: Aws, serving: Shop, baking: Execution) -> None:
    aws.interrupt("DescribeEndpoint", lambda: serving.panic("b-errors"))
    with pytest.raises(Halted, match="b-errors is in ALARM"):
        baking.repeat()


@pytest.mark.parametrize("operation", ["PutMetricData", "GetMetricData", "DescribeAlarms"])
def test_throttling_never_ends_a_healthy_rollout(aws: Aws, serving: Shop, baking: Execution, operation: str) -> None:
    aws.fail(operation, THROTTLED, times=4)
    serving.run(baking)
    assert baking.status == "SUCCEEDED", baking.failure
