from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop


def test_the_first_release_serves_without_a_rollout(shop: Shop) -> None:
    shop.serve_first()
    assert shop.weights() == {A: 100, B: 0}
    assert shop.lock() is None


def test_a_healthy_release_is_promoted_and_the_roles_swap(serving: Shop) -> None:
    serving.promote("v2")
    assert serving.weights() == {A: 0, B: 100}
    assert serving.unsafe() == []
    assert serving.floors() == {A: 1, B: 2}
    assert serving.lock() is None
