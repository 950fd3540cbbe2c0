"""`cdk deploy --tags`: every resource of the stack is updated, and no guard is called. It must do no harm.

Scalable targets and policies are no resources of the stack, so that their bounds stay.
"""

import pytest
from rollout.contract.names import PROMOTED

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.settings import FIXED, A, B
from tests.lambdas.fakes.shop import Shop

renewed = pytest.mark.parametrize("renews_the_fleet", [False, True])


def scales_in(shop: Shop) -> bool:
    return not all(slot.scale_in_suspended for slot in shop.scaling().values())


@renewed
def test_the_bounds_of_the_roles_stay(serving: Shop, *, renews_the_fleet: bool) -> None:
    serving.promote("v2")
    serving.see_it_land()
    before = serving.scaling()
    serving.stack.retag(renews_the_fleet=renews_the_fleet)
    assert serving.scaling() == before
    assert serving.weights() == {A: 0, B: 100}
    serving.settle()
    assert serving.floors() == {A: 1, B: 2}
    assert serving.running() is None
    assert serving.unsafe() == []


@renewed
def test_a_fleet_of_fixed_size_keeps_its_instances(aws: Aws, *, renews_the_fleet: bool) -> None:
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    shop.promote("v2")
    shop.wait_until_quiet()
    least: list[int] = []
    aws.sagemaker.endpoints.on_change.append(lambda _: least.append(shop.instances_of(B)))
    shop.stack.retag(renews_the_fleet=renews_the_fleet)
    shop.settle()
    assert min(least, default=2) == 2
    assert shop.unsafe() == []


@renewed
@pytest.mark.parametrize("index", [0, 1])
def test_a_rollout_keeps_its_instances_and_goes_on(serving: Shop, index: int, *, renews_the_fleet: bool) -> None:
    execution = serving.begin("v2", "Evaluate", index=index)
    before = (serving.weights(), serving.models(), serving.instances_of(A), serving.instances_of(B), serving.floors())
    serving.stack.retag(renews_the_fleet=renews_the_fleet)
    serving.settle()
    assert not scales_in(serving)
    assert before[:4] == (serving.weights(), serving.models(), serving.instances_of(A), serving.instances_of(B))
    execution.advance()
    assert serving.floors() == before[4]
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.unsafe() == []


@renewed
def test_a_rollout_that_lands_keeps_its_instances(serving: Shop, *, renews_the_fleet: bool) -> None:
    serving.promote("v2")
    before = serving.instances_of(B)
    serving.stack.retag(renews_the_fleet=renews_the_fleet)
    serving.settle()
    assert not scales_in(serving)
    assert serving.instances_of(B) == before
    assert serving.unsafe() == []
