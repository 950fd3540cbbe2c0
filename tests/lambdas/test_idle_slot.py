"""The slot that serves nobody, at rest: SageMaker may publish nothing for it, so that nothing ever scales it in."""

from tests.lambdas.fakes.settings import SCALED, A, B, settings
from tests.lambdas.fakes.shop import Shop


def bounds(shop: Shop) -> dict[str, tuple[int, int]]:
    return {slot: (registered.floor, registered.ceiling) for slot, registered in shop.scaling().items()}


WIDEST = SCALED["max_instances"]


def test_at_rest_the_idle_slot_has_its_floor_and_no_more(serving: Shop) -> None:
    assert bounds(serving) == {A: (2, WIDEST), B: (1, 1)}


def test_a_rollout_may_add_instances_to_both_slots(serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    assert [ceiling for _, ceiling in bounds(serving).values()] == [WIDEST, WIDEST]


def test_a_bound_that_another_hand_narrows_in_a_rollout_is_widened_again(serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.world.scalers.set_size(B, 1)
    serving.serve()
    execution.advance()
    assert [ceiling for _, ceiling in bounds(serving).values()] == [WIDEST, WIDEST]


def test_after_a_promotion_the_slot_that_served_before_keeps_no_more_than_the_idle_instances(serving: Shop) -> None:
    serving.promote("v2")
    serving.see_it_land()
    assert bounds(serving) == {A: (1, 1), B: (2, WIDEST)}
    assert serving.instances_of(A) == 1


def test_a_deploy_of_other_bounds_leaves_the_idle_slot_at_its_floor(serving: Shop) -> None:
    serving.settings = settings(scaling={**SCALED, "idle_instances": 2, "max_instances": WIDEST + 1})
    serving.deploy("v1")
    serving.settle()
    assert bounds(serving) == {A: (2, WIDEST + 1), B: (2, 2)}
