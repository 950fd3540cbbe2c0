"""Floors of a rollout that ends while they are set come to rest when nobody else sees to it, and not too early."""

from dataclasses import replace

import pytest
from rollout.contract.errors import Halted, LockLost
from rollout.contract.reads import Reads
from rollout.decisions.capacity import Traffic
from rollout.floors import follows_traffic, hold_floors, keep_instances, prove_in_time, rest, suspend_scale_in
from rollout.ledger import Release
from rollout.scaling import SlotScalers, Suspension

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

RAISED, AT_REST = {A: 6, B: 3}, {A: 2, B: 1}
REGISTER = "RegisterScalableTarget"


@pytest.fixture
def half(serving: Shop) -> Execution:
    """The rollout of v2 at 50 % of the traffic, which needs six instances."""
    serving.requests_per_period = 5500
    execution = serving.begin("v2", "Evaluate", index=1)
    assert serving.floors() == RAISED
    return execution


def end_of(shop: Shop, execution: Execution) -> None:
    """End a rollout, and raise its floors once more: its Lambda runs on."""
    shop.stop(execution)
    shop.restore(execution.name)
    set_floors(shop)


def set_floors(shop: Shop) -> None:
    for slot, floor in RAISED.items():
        shop.aws.sagemaker.scaling.register({**scaling_id(slot), "MinCapacity": floor, "MaxCapacity": 8})


def test_a_rollout_that_runs_keeps_its_floors(aws: Aws, serving: Shop, half: Execution) -> None:
    before = len(aws.asked(REGISTER))
    prove_in_time(serving.world, half.name)
    assert len(aws.asked(REGISTER)) == before


def test_while_a_rollout_is_being_ended_its_floors_are_left_to_its_end(serving: Shop, half: Execution) -> None:
    serving.ledger.halt(half.name, "an operator said so", serving.aws.clock.now())
    serving.set_weights(a=100, b=0)
    serving.wait_until_quiet()
    with pytest.raises(Halted):
        prove_in_time(serving.world, half.name)
    assert serving.floors() == RAISED
    assert serving.suspended()


def test_after_the_end_of_a_rollout_its_floors_are_left_to_the_landing(serving: Shop, half: Execution) -> None:
    end_of(serving, half)
    with pytest.raises(LockLost):
        prove_in_time(serving.world, half.name)
    assert serving.floors() == RAISED
    assert serving.suspended()


def test_after_the_landing_the_floors_are_brought_to_rest(serving: Shop, half: Execution) -> None:
    end_of(serving, half)
    serving.see_it_land()
    set_floors(serving)
    with pytest.raises(LockLost):
        prove_in_time(serving.world, half.name)
    assert serving.floors() == AT_REST
    assert not serving.suspended()


def test_floors_that_are_set_after_the_end_are_brought_to_rest_at_once(serving: Shop, half: Execution) -> None:
    lock, view = serving.lock(), serving.view()
    assert lock is not None
    serving.stop(half)
    serving.restore(half.name)
    serving.see_it_land()
    with pytest.raises(LockLost):
        hold_floors(serving.world, lock, view, serving.world.scalings(), Traffic(7500, {}), canary_percent=50)
    assert serving.floors() == AT_REST
    assert not serving.suspended()


def test_scale_in_that_another_hand_allows_in_a_rollout_is_suspended_again(serving: Shop, half: Execution) -> None:
    assert half.status == "RUNNING"
    lock = serving.lock()
    assert lock is not None
    serving.wait_until_quiet()
    serving.world.scalers.suspend(B, Suspension.NONE)
    hold_floors(serving.world, lock, serving.view(), serving.world.scalings(), Traffic(5500, {}), canary_percent=50)
    assert all(slot.scale_in_suspended for slot in serving.scaling().values())


def test_the_floors_of_the_next_rollout_are_its_own(serving: Shop, half: Execution) -> None:
    end_of(serving, half)
    serving.see_it_land()
    serving.ledger.lock_for_rollout("another", serving.aws.clock.now())
    set_floors(serving)
    with pytest.raises(LockLost):
        prove_in_time(serving.world, half.name)
    assert serving.floors() == RAISED


@pytest.mark.parametrize("gone", [True, False])
def test_an_endpoint_that_has_no_stable_slot_has_no_floors_to_bring_to_rest(
    aws: Aws, serving: Shop, half: Execution, *, gone: bool
) -> None:
    end_of(serving, half)
    serving.see_it_land()
    if gone:
        aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    else:
        serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    before = len(aws.asked(REGISTER))
    with pytest.raises(LockLost):
        prove_in_time(serving.world, half.name)
    assert len(aws.asked(REGISTER)) == before


def test_a_fixed_fleet_comes_to_rest_though_its_rollout_is_still_being_ended(aws: Aws) -> None:
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=2)
    assert shop.floors() == {A: 2, B: 2}
    shop.ledger.halt(execution.name, "an operator said so", aws.clock.now())
    shop.set_weights(a=100, b=0)
    shop.wait_until_quiet()
    with pytest.raises(Halted):
        prove_in_time(shop.world, execution.name)
    assert shop.floors() == AT_REST


def declare(shop: Shop, **of_scaling: int) -> None:
    """Let a deploy change the instances that are declared, and nothing else."""
    scaling = replace(shop.world.settings.scaling, **of_scaling)
    shop.ledger.declare(Release(version="v1", digest="digest-of-v1"), "model-v1-digest-of-v1", scaling, reads=Reads())


@pytest.mark.parametrize(
    ("declared", "floors"),
    [
        ({}, {A: 6, B: 3}),
        ({"max_instances": 4}, {A: 4, B: 3}),
        ({"min_instances": 7, "idle_instances": 5}, {A: 7, B: 5}),
    ],
    ids=str,
)
def test_instances_are_kept_within_the_bounds_that_were_declared_last(
    serving: Shop, half: Execution, declared: dict[str, int], floors: dict[str, int]
) -> None:
    assert half.status == "RUNNING"
    declare(serving, **declared)
    keep_instances(serving.world, stable=A)
    assert serving.floors() == floors
    ceilings = {slot.ceiling for slot in serving.scaling().values()}
    assert ceilings == {declared.get("max_instances", 8)}
    assert all(slot.scale_in_suspended and not slot.scale_out_suspended for slot in serving.scaling().values())


def test_a_slot_that_is_not_scaled_any_more_gets_the_floor_of_its_role(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.scaling.deregister(scaling_id(B))
    keep_instances(serving.world, stable=A)
    assert serving.floors() == AT_REST


@pytest.mark.usefixtures("half")
def test_at_rest_the_bounds_are_those_that_were_declared_last(serving: Shop) -> None:
    declare(serving, min_instances=3, max_instances=5, idle_instances=2)
    rest(serving.world, stable=B)
    assert {slot: (each.floor, each.ceiling) for slot, each in serving.scaling().items()} == {A: (2, 2), B: (3, 5)}
    assert not serving.suspended()


def test_before_anything_is_declared_the_settings_say_whether_fleets_follow_the_traffic(aws: Aws) -> None:
    assert follows_traffic(Shop(aws).world, A)
    assert not follows_traffic(Shop(aws, scaling=FIXED).world, A)


def test_a_rollout_that_begins_lets_both_slots_grow_and_none_shrink(serving: Shop) -> None:
    suspend_scale_in(serving.world)
    assert {slot: (each.floor, each.ceiling) for slot, each in serving.scaling().items()} == {A: (2, 8), B: (1, 8)}
    assert all(slot.scale_in_suspended and not slot.scale_out_suspended for slot in serving.scaling().values())


def test_a_minimum_that_a_person_raised_above_the_maximum_lasts_as_long_as_the_rollout(serving: Shop) -> None:
    """On a busy day, in the console. The bounds that were declared come back with the end."""
    execution = serving.begin("v2", "Evaluate", index=0)
    SlotScalers(ENDPOINT).put_target(A, {"MinCapacity": 12, "MaxCapacity": 20})
    serving.wait_until_quiet()
    execution.advance()
    assert (serving.scaling()[A].floor, serving.instances_of(A)) == (12, 12)
    serving.run(execution)
    assert serving.outcome(execution)[0] == "PROMOTED"
    assert serving.unsafe() == []
