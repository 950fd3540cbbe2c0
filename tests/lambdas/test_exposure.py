"""Lowering by itself: when it is done, when it gives up, and when it must not begin."""

from dataclasses import replace

import pytest
from rollout import clock, exposure
from rollout.contract.errors import Unavailable
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.plan import ApiStage

from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop

LOWER = "UpdateEndpointWeightsAndCapacities"
FOR_EVER = 100_000


@pytest.fixture
def half(serving: Shop) -> Shop:
    """The rollout of v2 has half of the traffic."""
    serving.begin("v2", "Evaluate", index=1)
    return serving


def pinned(shop: Shop) -> Lock:
    lock = shop.lock()
    assert lock is not None
    return lock


def test_an_order_is_not_taken_for_its_effect(half: Shop) -> None:
    world, lock = half.world, pinned(half)
    assert not exposure.lower_exposure(world, lock)
    assert not exposure.lower_exposure(world, lock), "SageMaker is still at work"
    half.wait_until_quiet()
    assert half.weights() == {A: 100, B: 0}
    assert exposure.lower_exposure(world, lock)


def test_weight_zero_on_an_endpoint_that_is_updated_may_not_stay(serving: Shop) -> None:
    serving.begin("v2", "ScaleCanary")
    world, lock = serving.world, pinned(serving)
    assert exposure.lower_exposure(world, lock)
    serving.update_by_another_hand()
    assert serving.weights() == {A: 100, B: 0}
    assert not exposure.lower_exposure(world, lock)


def test_an_endpoint_that_is_gone_exposes_nobody(aws: Aws, half: Shop) -> None:
    world, lock = half.world, pinned(half)
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    half.wait_until_quiet()
    assert exposure.lower_exposure(world, lock)


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "UpdateItem"])
def test_what_cannot_be_seen_or_withdrawn_is_not_low(aws: Aws, serving: Shop, operation: str) -> None:
    serving.begin("v2", "ScaleCanary")
    world, lock = serving.world, pinned(serving)
    aws.fail(operation, THROTTLED)
    assert not exposure.lower_exposure(world, lock)
    assert exposure.lower_exposure(world, lock)


def test_direct_clients_are_told_though_the_weights_are_refused(aws: Aws, half: Shop) -> None:
    aws.fail(LOWER, ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        exposure.lower_exposure(half.world, pinned(half))
    assert "cohort" in str(aws.asked("UpdateItem")[-1])


def test_it_lowers_until_zero_is_seen(half: Shop) -> None:
    assert exposure.lower_until_zero(half.world, pinned(half), until=half.aws.clock.now() + 600)
    assert half.weights() == {A: 100, B: 0}


def test_it_gives_up_when_the_time_is_over(aws: Aws, half: Shop) -> None:
    aws.fail(LOWER, THROTTLED, times=FOR_EVER)
    begun = aws.clock.now()
    assert not exposure.lower_until_zero(half.world, pinned(half), until=begun + 10)
    assert 10 <= aws.clock.now() - begun < 11
    assert 10 <= len(aws.asked(LOWER)) <= 20, "it looks about twice a second"


def test_the_time_is_over_with_its_last_moment(monkeypatch: pytest.MonkeyPatch, aws: Aws, half: Shop) -> None:
    aws.fail(LOWER, THROTTLED, times=FOR_EVER)
    lock, until, ordered = pinned(half), aws.clock.now(), len(aws.asked(LOWER))
    monkeypatch.setattr(clock, "now", iter([until, until + 1]).__next__)
    assert not exposure.lower_until_zero(half.world, lock, until=until)
    assert len(aws.asked(LOWER)) == ordered + 1


def test_it_leaves_the_traffic_to_a_new_holder_of_the_lock(aws: Aws, half: Shop) -> None:
    aws.fail(LOWER, THROTTLED, times=FOR_EVER)
    lock = pinned(half)
    half.ledger.free(lock.holder)
    half.ledger.lock_for_rollout("another", aws.clock.now())
    ordered = len(aws.asked(LOWER))
    assert exposure.lower_until_zero(half.world, lock, until=aws.clock.now() + 10)
    assert len(aws.asked(LOWER)) == ordered + 1


def test_a_lock_that_is_free_or_cannot_be_read_has_no_new_holder(aws: Aws, half: Shop) -> None:
    aws.fail(LOWER, THROTTLED, times=FOR_EVER)
    lock = pinned(half)
    aws.fail("GetItem", UNAVAILABLE, times=3, when=lambda request: "lock" in str(request))
    assert not exposure.lower_until_zero(half.world, lock, until=aws.clock.now() + 10)
    half.ledger.free(lock.holder)
    assert not exposure.lower_until_zero(half.world, lock, until=aws.clock.now() + 10)


def test_an_order_that_cannot_be_recorded_lowers_all_the_same(aws: Aws, half: Shop) -> None:
    aws.fail("UpdateItem", UNAVAILABLE)
    with pytest.raises(Unavailable):
        exposure.halt_and_lower(half.world, pinned(half), "business is in ALARM", by="AlarmRaised")
    half.wait_until_quiet()
    assert half.weights() == {A: 100, B: 0}


def test_without_the_record_a_canary_with_all_the_traffic_is_left_alone(aws: Aws, serving: Shop) -> None:
    """Its promotion may be decided, and only the ledger knows."""
    serving.begin("v2", "Evaluate", index=2)
    aws.fail("UpdateItem", UNAVAILABLE)
    with pytest.raises(Unavailable):
        exposure.halt_and_lower(serving.world, pinned(serving), "business is in ALARM", by="AlarmRaised")
    serving.wait_until_quiet()
    assert serving.weights() == {A: 0, B: 100}


def test_a_rollout_that_has_not_pinned_its_slots_has_exposed_nothing(aws: Aws, half: Shop) -> None:
    lock = Lock(kind=ROLLOUT, holder="v2-1")
    aws.fail("UpdateItem", UNAVAILABLE)
    before = len(aws.calls)
    with pytest.raises(Unavailable):
        exposure.halt_and_lower(half.world, lock, "business is in ALARM", by="AlarmRaised")
    assert [call.operation for call in aws.calls[before:]] == ["UpdateItem"]


def test_an_order_is_recorded_with_its_reason_and_name(half: Shop) -> None:
    assert exposure.halt_and_lower(half.world, pinned(half), "business is in ALARM", by="AlarmRaised")
    lock = pinned(half)
    assert (lock.halted, lock.halted_by) == ("business is in ALARM", "AlarmRaised")
    assert half.weights() == {A: 50, B: 50}, "the caller lowers"


def test_a_front_door_that_refuses_is_not_closed(aws: Aws, half: Shop) -> None:
    exposure.lower_until_zero(half.world, pinned(half), until=aws.clock.now() + 600)
    missing = replace(pinned(half), api_stages=(ApiStage(rest_api_id="gone", stage_name="live"),))
    aws.fail("UpdateStage", THROTTLED)
    assert not exposure.lower_exposure(half.world, missing)
