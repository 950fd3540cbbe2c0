"""What tests of a rollout that waits do with it."""

from collections.abc import Callable

from rollout.clock import iso
from rollout.contract.order import Order

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.shop import Shop

WHO = "arn:aws:sts::123456789012:assumed-role/on-call/ann"
HOUR = 3600


def order(aws: Aws, why: str = "looks fine") -> Order:
    return Order(who=WHO, at=iso(aws.clock.now()), why=why)


def until(shop: Shop, execution: Execution, seen: Callable[[], object], *, looks: int = 1000) -> None:
    """Let the rollout go on under traffic until something is seen."""
    while not seen():
        assert looks > 0, execution.failure
        looks -= 1
        shop.serve()
        execution.advance()


def go_on(shop: Shop, execution: Execution, seconds: float) -> None:
    """Let the rollout go on under traffic for a time, or to its end."""
    end = shop.aws.clock.now() + seconds
    until(shop, execution, lambda: shop.aws.clock.now() >= end or not execution.task)


def told(aws: Aws, happened: str) -> list[str]:
    """Return the reasons of the events of one kind."""
    return [detail["reason"] for kind, detail in aws.events.told() if kind == f"Canary Rollout {happened}"]
