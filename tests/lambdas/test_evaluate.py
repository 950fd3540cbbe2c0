from dataclasses import replace
from typing import Any

import pytest
from rollout.alarm_looks import AlarmLook
from rollout.contract.errors import AlarmRaised, EndpointChanged, GateFailed, Halted, Inconclusive
from rollout.contract.exposure import Pacing
from rollout.contract.plan import Step
from rollout.contract.states import Next
from rollout.contract.timing import BLIND_SECONDS
from rollout.decisions.bake import Baked, Decision, decide
from rollout.decisions.pacing import Pace
from rollout.gates import Assessment, Verdict

from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, ERRORS, FIXED, A, B, step
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def baking(serving: Shop) -> Execution:
    """The rollout of v2 at 10 %, about to be looked at for the first time."""
    return serving.begin("v2", "Evaluate")


def minutes_later(shop: Shop, minutes: int, *, failed: float = 0) -> None:
    for _ in range(minutes):
        shop.aws.wait(60)
        shop.serve(failed=failed)


def test_a_minute_is_counted_once_and_only_when_it_has_come(serving: Shop, baking: Execution) -> None:
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
    repeated = baking.repeat()
    assert {**repeated, "late_seconds": first["late_seconds"]} == first, "but for what the clock says of the look"
    assert first["late_seconds"] <= repeated["late_seconds"] <= first["late_seconds"] + 1
    again = serving.rollouts()[baking.name]
    assert [step["canary_requests"] for step in again["steps"]] == [step["canary_requests"] for step in record["steps"]]


def test_a_bake_that_is_not_over_goes_on(baking: Execution) -> None:
    assert baking.repeat()["next"] == "STAY"


def test_a_step_with_evidence_leads_to_the_next_one(serving: Shop, baking: Execution) -> None:
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "NEXT_STEP"


def serve_until_the_next_step(shop: Shop, execution: Execution) -> None:
    while execution.step["index"] == 0:
        shop.serve(failed=2000)
        execution.advance()


def test_what_passed_a_step_early_does_not_pass_the_next_one(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(50, bake_seconds=3600, max_bake_seconds=7200), step(75), step(100)), scaling=FIXED)
    shop.requests_per_period = 2_000_000
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=0)
    began = aws.clock.now()
    serve_until_the_next_step(shop, execution)
    assert aws.clock.now() < began + 3600
    shop.run(execution, "Evaluate", index=1)
    assert execution.repeat()["next"] == "STAY"


@pytest.mark.parametrize(("superior_step", "ends_early"), [({}, True), ({"superior_step": 0}, False)])
def test_a_proof_of_being_better_is_used_at_the_end_of_the_bake(
    aws: Aws, superior_step: dict[str, int], *, ends_early: bool
) -> None:
    steps = (step(75, bake_seconds=3600, max_bake_seconds=7200), step(100))
    shop = Shop(aws, steps=steps, scaling=FIXED)
    shop.plan["gates"]["judge"]["gates"] = [{**ERRORS, **superior_step}]
    shop.requests_per_period = 2_000_000
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=0)
    began = aws.clock.now()
    serve_until_the_next_step(shop, execution)
    assert execution.status == "RUNNING"
    assert (aws.clock.now() < began + 3600) is ends_early
    assert aws.clock.now() < began + 7200


def test_the_last_step_leads_to_the_promotion(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=2)
    minutes_later(serving, 7)
    assert baking.repeat()["next"] == "PROMOTE"


def looked_at(shop: Shop, baking: Execution, minutes: int, *slots: str, requests: int = 600) -> None:
    """Let these slots publish their requests, and look, once a minute until the rollout goes elsewhere."""
    for _ in range(minutes):
        for slot in slots:
            shop.aws.cloudwatch.serve(ENDPOINT, slot, requests, at=shop.aws.clock.now() - 60, period=60)
        baking.advance()
        if baking.task != "Evaluate":
            return


def ending(baking: Execution) -> tuple[str, str]:
    """Return the name and the sentence of the error that ended the rollout."""
    error = baking.errors[-1]
    return type(error).__name__, str(error)


def test_too_few_requests_extend_the_bake_and_then_end_the_rollout(serving: Shop, baking: Execution) -> None:
    """No data is not good news."""
    looked_at(serving, baking, 6, A, B, requests=5)
    assert baking.task == "Evaluate"
    looked_at(serving, baking, 8, A, B, requests=5)
    error, reason = ending(baking)
    assert error == "Inconclusive"
    assert "requests to the canary and" in reason


def test_a_stable_slot_that_publishes_nothing_is_nothing_to_compare_with(serving: Shop, baking: Execution) -> None:
    looked_at(serving, baking, 40, B)
    error, reason = ending(baking)
    assert error == "Inconclusive"
    assert "gate errors lacks the metrics of stable in" in reason
    assert serving.rollouts()[baking.name]["steps"][0]["missing"] != []


@pytest.mark.parametrize("index", [0, 2])
def test_a_canary_of_which_nothing_is_seen_gives_its_traffic_back(aws: Aws, index: int) -> None:
    """At 100 % as well: neither gates nor alarms see what it does."""
    serving = Shop(aws, steps=tuple(step(percent, max_bake_seconds=7200) for percent in (10, 50, 100)))
    serving.serve_first()
    baking = serving.begin("v2", "Evaluate", index=index)
    looked_at(serving, baking, BLIND_SECONDS // 60 - 1)
    assert baking.task == "Evaluate"
    looked_at(serving, baking, 2)
    error, reason = ending(baking)
    assert error == "MetricsMissing"
    assert "no metrics of the canary for 1," in reason
    serving.run(baking)
    assert serving.unsafe() == []


def test_nothing_is_raised_on_old_evidence(aws: Aws) -> None:
    """The alarm that held the step is quiet again, but by then nothing is seen any more."""
    serving = Shop(aws, steps=(step(10, max_bake_seconds=3600), step(100)))
    serving.serve_first()
    baking = serving.begin("v2", "Evaluate")
    serving.aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"
    looked_at(serving, baking, 6, A, B)
    looked_at(serving, baking, 2)
    serving.aws.cloudwatch.alarms["business"] = "OK"
    looked_at(serving, baking, 5)
    assert (baking.task, baking.step["index"]) == ("Evaluate", 0)
    looked_at(serving, baking, 6, A, B)
    assert baking.task == "ScaleCanary"


def test_metrics_that_come_four_minutes_late_are_used_and_their_lateness_is_said(
    aws: Aws, serving: Shop, baking: Execution
) -> None:
    for _ in range(14):
        published = aws.clock.now() - 240
        for slot, failed in ((A, 0), (B, 300)):
            aws.cloudwatch.serve(ENDPOINT, slot, 600, failed=failed, at=published - 60, period=60)
        baking.advance()
        if baking.task == "RollBack":
            break
    assert ending(baking)[0] == "GateFailed"
    (step, *_) = serving.rollouts()[baking.name]["steps"]
    assert 240 <= step["metrics_late_seconds"] < 300


def test_a_cloudwatch_that_does_not_answer_holds_the_rollout_and_what_was_missed_is_read_later(
    aws: Aws, serving: Shop, baking: Execution
) -> None:
    before = baking.step["next_period"]
    aws.fail("GetMetricData", THROTTLED, times=20)
    looked_at(serving, baking, 10, A, B)
    assert (baking.task, baking.step["next_period"], baking.step["seen"]) == ("Evaluate", before, 0)
    (step, *_) = serving.rollouts()[baking.name]["steps"]
    assert "CloudWatch did not tell the metrics: An error occurred (ThrottlingException)" in step["reason"]
    assert "GetMetricData" in step["reason"]
    looked_at(serving, baking, 2, A, B)
    assert baking.task == "ScaleCanary"
    assert serving.rollouts()[baking.name]["steps"][0]["canary_requests"] >= 5 * 600


@pytest.mark.parametrize("absurd", [10**30, 10**15 + 1])
def test_absurd_counts_decide_nothing_and_do_not_stop_the_rollout(
    serving: Shop, baking: Execution, absurd: int
) -> None:
    looked_at(serving, baking, 4, A, B, requests=absurd)
    assert baking.task == "Evaluate"
    assert (baking.step["seen"], baking.step["requests"]) == (0, 0)


@pytest.mark.parametrize(("seen", "following"), [(1740, Next.STAY), (1800, Next.NEXT_STEP)])
def test_only_what_was_seen_counts_as_baked(seen: int, following: Next) -> None:
    assert decided(Baked(seen=seen, elapsed=6000, blind=60, is_fresh=True, requests=500)).next == following


@pytest.mark.parametrize(
    ("elapsed", "max_bake", "following"),
    [(1860, 1800, Next.STAY), (2100, 1800, Next.GIVE_UP), (7140, 7200, Next.STAY), (7200, 7200, Next.GIVE_UP)],
)
def test_a_few_lost_periods_do_not_end_a_bake_that_may_not_be_extended(
    elapsed: int, max_bake: int, following: Next
) -> None:
    baked = Baked(seen=1740, elapsed=elapsed, blind=60, is_fresh=True, requests=500)
    assert decided(baked, max_bake_seconds=max_bake).next == following


def decided(baked: Baked, *, max_bake_seconds: int = 7200) -> Decision:
    """Return what is decided about a step of half an hour in which no gate says anything against the canary."""
    undecided = Assessment(verdict=Verdict.CONTINUE, reason="nothing yet", minute=None, gate=None, gates=())
    passing = replace(undecided, verdict=Verdict.PASS)
    half_an_hour = Step.parse(step(10, bake_seconds=1800, max_bake_seconds=max_bake_seconds))
    at_its_share = Pace(budget=None, reaction=4, share=10, gates=()).look(Pacing(), (), end=0)
    return decide(
        half_an_hour,
        last=False,
        baked=baked,
        now=undecided,
        at_bake_end=passing,
        look=at_its_share,
        held="",
        notes=[],
    )


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_an_alarm_ends_the_rollout(aws: Aws, serving: Shop, baking: Execution, alarm: str) -> None:
    minutes_later(serving, 7)
    serving.misbehave(B)
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
    """It is nobody's fault, and what can be seen here is no more than a guess at 100 %."""
    baking = serving.begin("v2", "Evaluate", index=1)
    serving.aws.cloudwatch.alarms["b-errors"] = "ALARM"
    minutes_later(serving, 7, failed=300)
    assert baking.repeat()["next"] == "STAY"
    (*_, held) = serving.rollouts()[baking.name]["steps"]
    assert (
        "b-errors is in ALARM: of the canary's requests 1,500 of 3,000 failed (50.00 %), of stable's 1,500 of 3,000 "
        "(50.00 %); both have this trouble, so no traffic is shifted while it lasts; metrics come "
    ) in held["reason"]
    baking.advance()
    minutes_later(serving, 1)
    baking.advance()
    assert (baking.task, baking.step["index"]) == ("ScaleCanary", 2)


def test_an_outage_of_both_that_begins_with_a_shift_is_nobodys_fault(
    serving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The period has two shares: 10 % of the requests while all was well, and half of them in the outage."""
    baking = serving.begin("v2", "Evaluate", index=1)
    at = baking.step["shifted_at"] // 60 * 60
    for slot, requests in ((A, 3200), (B, 1600)):
        serving.aws.cloudwatch.serve(ENDPOINT, slot, requests, failed=600, at=at, period=60)
    serving.aws.cloudwatch.alarms["b-errors"] = "ALARM"
    minutes_later(serving, 4)
    assert baking.repeat()["next"] == "STAY"
    monkeypatch.setattr(AlarmLook, "_two_shares", lambda *_: {})
    with pytest.raises(AlarmRaised, match="b-errors is in ALARM"):
        baking.repeat()


def test_a_person_is_told_once_that_the_release_may_harm_both(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(10), step(50, max_bake_seconds=3600), step(100)))
    shop.serve_first()
    baking = shop.begin("v2", "Evaluate", index=1)
    for _ in range(8):
        minutes_later(shop, 1, failed=60)
        baking.advance()
    told = [detail for kind, detail in aws.events.told() if kind == "Canary Rollout Needs Attention"]
    assert [(detail["version"], detail["execution"]) for detail in told] == [("v2", baking.name)]
    assert "the release may harm both, so the step waits while this lasts" in told[0]["reason"]
    assert (baking.task, baking.step["index"]) in {("Evaluate", 1), ("Wait", 1)}


def test_an_outage_that_has_just_begun_is_seen_before_its_period_is_complete(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=1)
    minutes_later(serving, 6)
    minutes_later(serving, 1, failed=300)
    assert baking.repeat()["next"] == "STAY"


def test_an_outage_without_an_end_is_not_waited_for_without_an_end(serving: Shop) -> None:
    baking = serving.begin("v2", "Evaluate", index=1)
    minutes_later(serving, 9, failed=300)
    with pytest.raises(Inconclusive, match=r"no decision in \d+ s at 50 %: of the canary's requests 1,500 of 3,000 f"):
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
    aws.interrupt("DescribeEndpoint", lambda: serving.panic("business"))
    with pytest.raises(Halted, match="business is in ALARM"):
        baking.repeat()


@pytest.mark.parametrize("operation", ["GetMetricData", "DescribeAlarms"])
def test_throttling_never_ends_a_healthy_rollout(aws: Aws, serving: Shop, baking: Execution, operation: str) -> None:
    aws.fail(operation, THROTTLED, times=4)
    serving.run(baking)
    assert baking.status == "SUCCEEDED", baking.failure


@pytest.mark.parametrize("late_every", [0, 5])
def test_traffic_above_the_maximum_is_not_forgotten_by_a_look_that_saw_none(aws: Aws, late_every: int) -> None:
    """Eight instances of 1,000 a minute at most; 9,600 come. Every fifth minute's metrics come with the next one's."""
    shop = Shop(aws, steps=(step(50, bake_seconds=1800, max_bake_seconds=7200), step(100)))
    shop.serve_first()
    baking = shop.begin("v2", "Evaluate", index=0)
    began, unpublished = aws.clock.now(), list[float]()
    while baking.task == "Evaluate" and aws.clock.now() < began + 7200:
        minute = round((aws.clock.now() - began) / 60)
        unpublished.append(aws.clock.now() - 60)
        if not late_every or minute % late_every:
            for at in unpublished:
                for slot in (A, B):
                    aws.cloudwatch.serve(ENDPOINT, slot, 4800, at=at, period=60)
            unpublished.clear()
        baking.advance()
    assert ending(baking)[0] == "CapacityUnavailable"
    assert aws.clock.now() - began < 30 * 60
