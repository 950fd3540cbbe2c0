import pytest
from rollout.clock import iso
from rollout.contract.errors import AlarmRaised, EndpointBusy, Halted
from rollout.handlers import panic

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import DENIED, THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.context import FakeContext
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, PERIOD, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

RAISE = "UpdateEndpointWeightsAndCapacities"


@pytest.fixture
def baking(serving: Shop) -> Execution:
    """The rollout of v2, with half of the traffic."""
    return serving.begin("v2", "Evaluate", index=1)


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_an_alarm_takes_the_canarys_traffic_at_once(aws: Aws, serving: Shop, baking: Execution, alarm: str) -> None:
    began = aws.clock.now()
    serving.panic(alarm)
    assert serving.weights() == {A: 100, B: 0}
    assert aws.clock.now() < began + 40
    with pytest.raises(Halted, match=f"{alarm} is in ALARM"):
        baking.repeat()


def test_the_rollout_ends_with_the_alarm_as_its_reason(serving: Shop, baking: Execution) -> None:
    serving.panic("b-errors")
    serving.run(baking)
    outcome, reason = serving.outcome(baking)
    assert outcome == "ROLLED_BACK"
    assert reason.startswith("b-errors is in ALARM: of the canary's requests 2,400 of 3,000 failed (80.00 %)")
    assert serving.unsafe() == []


@pytest.mark.parametrize("alarm", ["a-errors", "somebody-elses"])
def test_alarms_of_the_stable_slot_and_of_strangers_change_nothing(
    serving: Shop, baking: Execution, alarm: str
) -> None:
    lock = serving.lock()
    serving.panic(alarm)
    assert serving.weights() == {A: 50, B: 50}
    assert serving.lock() == lock
    assert baking.repeat()["next"] == "STAY"


def test_after_a_promotion_the_alarms_of_the_new_stable_slot_change_nothing(serving: Shop) -> None:
    serving.promote("v2")
    serving.begin("v3", "Evaluate")
    serving.panic("b-errors")
    assert serving.weights() == {A: 10, B: 90}


def test_without_a_rollout_nothing_happens(aws: Aws, serving: Shop) -> None:
    serving.panic("b-errors")
    assert aws.asked(RAISE) == []
    assert serving.lock() is None


def test_during_a_deployment_nothing_happens(aws: Aws, serving: Shop) -> None:
    for resource in serving.stack.deploying(serving.stack.template("v2")):
        if resource == "Config":
            break
    serving.panic("b-errors")
    assert aws.asked(RAISE) == []


@pytest.mark.usefixtures("baking")
def test_an_event_that_comes_again_changes_nothing_more(aws: Aws, serving: Shop) -> None:
    serving.panic("b-errors")
    calls = len(aws.asked(RAISE))
    serving.panic("business")
    assert len(aws.asked(RAISE)) == calls
    lock = serving.lock()
    assert lock is not None
    assert lock.halted.startswith("b-errors is in ALARM: ")


def test_a_late_event_never_touches_the_next_rollout_of_the_other_slot(serving: Shop) -> None:
    serving.promote("v2")
    execution = serving.begin("v3", "Evaluate")
    serving.panic("b-errors")
    assert execution.repeat()["next"] == "STAY"


@pytest.mark.usefixtures("baking")
def test_a_scaling_endpoint_is_lowered_as_soon_as_it_is_quiet(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


def test_an_endpoint_that_stays_busy_is_left_to_the_next_delivery(aws: Aws, serving: Shop, baking: Execution) -> None:
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 2000
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    with pytest.raises(EndpointBusy, match="endpoint shop did not take weight 0 for variant-b yet"):
        serving.panic("b-errors")
    with pytest.raises(Halted):
        baking.repeat()
    aws.sagemaker.faults.stalled.clear()
    serving.wait_until_quiet()
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_weights_that_fall_back_are_lowered_again(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.weight_rollbacks.add(ENDPOINT)
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_weak_services_are_tried_again(aws: Aws, serving: Shop) -> None:
    for operation in ("GetItem", "UpdateItem", "DescribeEndpoint", RAISE):
        aws.fail(operation, THROTTLED, times=3)
        aws.fail(operation, UNAVAILABLE, times=2)
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_traffic_is_lowered_even_when_the_ledger_cannot_be_written(aws: Aws, serving: Shop) -> None:
    aws.fail("UpdateItem", UNAVAILABLE, times=100_000)
    with pytest.raises(Exception, match="Internal server error"):
        serving.panic("b-errors", milliseconds=60_000)
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}


def outage(shop: Shop, *slots: str, minutes: range) -> None:
    """Let slots fail most of their requests in some minutes from now on."""
    now = int(shop.aws.clock.now()) // PERIOD * PERIOD
    for minute in minutes:
        for slot in (A, B):
            failed = 5000 if slot in slots else 0
            shop.aws.cloudwatch.serve(ENDPOINT, slot, 6000, failed=failed, at=now + minute * PERIOD, period=PERIOD)


def raised(shop: Shop, alarm: str) -> None:
    """Deliver an alarm whose cause is what was published."""
    event = {"settings": shop.settings, "alarm_name": alarm, "raised_at": iso(int(shop.aws.clock.now()))}
    panic.handler(event, FakeContext())


@pytest.mark.usefixtures("baking")
def test_what_harms_both_slots_lowers_nothing_however_long(aws: Aws, serving: Shop) -> None:
    outage(serving, A, B, minutes=range(-2, 30))
    with pytest.raises(AlarmRaised, match=r"b-errors is in ALARM: of the canary's requests .* both have this trouble"):
        raised(serving, "b-errors")
    assert serving.weights() == {A: 50, B: 50}
    assert "Canary Rollout Needs Attention" in [kind for kind, _ in aws.events.told()]


@pytest.mark.usefixtures("baking")
def test_what_harmed_both_and_stays_with_the_canary_is_the_canarys(serving: Shop) -> None:
    """The alarm's state does not change, so that no second event tells of it."""
    outage(serving, A, B, minutes=range(-2, 3))
    outage(serving, B, minutes=range(3, 30))
    raised(serving, "b-errors")
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.usefixtures("baking")
def test_an_outage_that_ends_is_not_looked_at_any_longer(aws: Aws, serving: Shop) -> None:
    outage(serving, A, B, minutes=range(-2, 1))
    outage(serving, minutes=range(1, 30))
    began = aws.clock.now()
    raised(serving, "b-errors")
    assert aws.clock.now() < began + 600
    assert serving.weights() == {A: 50, B: 50}


@pytest.mark.parametrize(("slots", "weights"), [((B,), {A: 100, B: 0}), ((A, B), {A: 50, B: 50})])
@pytest.mark.usefixtures("baking")
def test_a_stable_that_publishes_later_is_waited_for(
    aws: Aws, serving: Shop, slots: tuple[str, ...], weights: dict[str, float]
) -> None:
    """By the canary's counts alone, and by those of the minute before, an outage of both looks like the canary's."""
    aws.wait(PERIOD)
    newest = aws.clock.now() - PERIOD
    outage(serving, minutes=range(10))

    def publish_stable() -> None:
        aws.cloudwatch.serve(ENDPOINT, A, 600, failed=500 if A in slots else 0, at=newest, period=PERIOD)

    aws.cloudwatch.serve(ENDPOINT, B, 600, failed=500, at=newest, period=PERIOD)
    aws.interrupt("GetMetricData", publish_stable, nth=12)
    raised(serving, "b-errors")
    assert serving.weights() == weights


def test_a_stable_that_publishes_nothing_is_not_waited_for_without_an_end(
    aws: Aws, serving: Shop, baking: Execution
) -> None:
    aws.wait(PERIOD)
    began = aws.clock.now()
    aws.cloudwatch.serve(ENDPOINT, B, 600, failed=500, at=began - PERIOD, period=PERIOD)
    raised(serving, "b-errors")
    assert serving.weights() == {A: 100, B: 0}
    assert began + 299 <= aws.clock.now() < began + 360
    with pytest.raises(Halted, match="what stable did at that time is not published yet"):
        baking.repeat()


@pytest.mark.usefixtures("baking")
def test_an_outage_of_both_ends_nothing_though_stable_publishes_later_each_time(aws: Aws, serving: Shop) -> None:
    """Long after the alarm the canary's newest periods still wait for stable's; older ones of both are there."""
    aws.wait(2 * PERIOD)  # the rollout is as old as the periods that are read
    now = int(aws.clock.now()) // PERIOD * PERIOD
    unpublished = list(range(now - 8 * PERIOD, now + 30 * PERIOD, PERIOD))
    for at in unpublished:
        aws.cloudwatch.serve(ENDPOINT, B, 6000, failed=5000, at=at, period=PERIOD)

    def publish_stable(_: object) -> None:
        while unpublished[0] < aws.clock.now() - 4 * PERIOD:
            aws.cloudwatch.serve(ENDPOINT, A, 6000, failed=5000, at=unpublished.pop(0), period=PERIOD)

    aws.before_call = publish_stable
    with pytest.raises(AlarmRaised, match="what stable did at that time is not published yet"):
        raised(serving, "b-errors")
    assert serving.weights() == {A: 50, B: 50}


@pytest.mark.usefixtures("baking")
def test_a_policy_that_takes_effect_late_does_not_stop_an_alarm(aws: Aws, serving: Shop) -> None:
    healed_at = aws.clock.now() + 60
    aws.fail(RAISE, DENIED, times=1_000, when=lambda _: aws.clock.now() < healed_at)
    serving.panic("b-errors")
    assert serving.weights() == {A: 100, B: 0}
    assert "Canary Rollout Needs Attention" not in [kind for kind, _ in aws.events.told()]


@pytest.mark.parametrize("error", [THROTTLED, UNAVAILABLE])
def test_silence_of_cloudwatch_is_taken_for_the_worst(
    aws: Aws, serving: Shop, baking: Execution, error: ApiError
) -> None:
    outage(serving, A, B, minutes=range(-2, 30))
    aws.fail("GetMetricData", error, times=100_000)
    began = aws.clock.now()
    raised(serving, "b-errors")
    assert serving.weights() == {A: 100, B: 0}
    assert aws.clock.now() < began + 60
    with pytest.raises(
        Halted, match=r"b-errors is in ALARM, and CloudWatch does not show why: CloudWatch did not tell the metrics: "
    ):
        baking.repeat()


@pytest.mark.usefixtures("baking")
def test_counts_that_cannot_be_lower_nothing(aws: Aws, serving: Shop) -> None:
    now = int(aws.clock.now())
    for slot in (A, B):
        for at in range(now, now + 1200, PERIOD):
            aws.cloudwatch.serve(ENDPOINT, slot, 600, at=at, period=PERIOD)
            aws.cloudwatch.fail_more(ENDPOINT, slot, 6000, at=at, period=PERIOD)
    aws.wait(2 * PERIOD)
    with pytest.raises(AlarmRaised, match="CloudWatch says that 6000 of the canary's 600 requests were bad"):
        raised(serving, "b-errors")
    assert serving.weights() == {A: 50, B: 50}


@pytest.mark.parametrize(("before", "weights"), [((), {A: 100, B: 0}), ((A, B), {A: 0, B: 100})])
def test_at_everything_the_canary_is_compared_with_stable_when_it_last_served(
    serving: Shop, before: tuple[str, ...], weights: dict[str, float]
) -> None:
    execution = serving.begin("v2", "ShiftTraffic", index=2)
    while execution.task == "ShiftTraffic":
        execution.advance()
    outage(serving, *before, minutes=range(-4, -1))
    now = int(serving.aws.clock.now())
    for at in range(now, now + 1200, PERIOD):
        serving.aws.cloudwatch.serve(ENDPOINT, B, 600, failed=500, at=at, period=PERIOD)
    serving.aws.wait(2 * PERIOD)
    if before:
        with pytest.raises(AlarmRaised, match="when it last served; both have this trouble"):
            raised(serving, "b-errors")
    else:
        raised(serving, "b-errors")
    assert serving.weights() == weights


def test_a_decided_promotion_is_not_touched(serving: Shop) -> None:
    promoting = serving.begin("v2", "Promote")
    serving.ledger.seal(promoting.name)
    serving.panic("b-errors")
    assert serving.weights() == {A: 0, B: 100}


@pytest.mark.usefixtures("baking")
def test_an_endpoint_that_is_gone_is_no_failure(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    serving.panic("b-errors")
    assert not aws.sagemaker.endpoints.exists(ENDPOINT)


def test_an_abort_that_was_written_where_no_lock_was_bothers_nobody(aws: Aws, serving: Shop) -> None:
    key = {"endpoint": {"S": ENDPOINT}, "record": {"S": "lock"}}
    aws.table.call("PutItem", {"TableName": aws.table.name, "Item": {**key, "halted": {"S": "stop it"}}})
    serving.panic("b-errors")
    serving.promote("v2")
    assert serving.unsafe() == []
