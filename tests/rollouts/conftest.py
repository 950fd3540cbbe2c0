"""Runs the tests of this folder side by side: almost all of their time is waiting.

Each test that takes a `shop` gets a stack of its own in one sandbox, in a thread of its own. `pytest` then collects
the results in its usual order.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeGuard

import pytest

from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.stage import Stage

FOLDER = Path(__file__).parent
AT_ONCE = 8
"""Each stack runs up to ten Lambda functions and five instances as processes."""


class SideBySide:
    """The tests that are under way."""

    def __init__(self, stage: Stage, items: list[pytest.Function]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="test")
        ordered = sorted(items, key=lambda item: item.get_closest_marker("long") is None)
        self._running = {
            item.nodeid: self._pool.submit(_run, stage, f"shop-{n}", item) for n, item in enumerate(ordered)
        }

    def result(self, item: pytest.Function) -> Future[None]:
        """Return the outcome of a test that is under way."""
        return self._running[item.nodeid]

    def stop(self) -> None:
        """Begin no more tests, and wait for those that have begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _run(stage: Stage, name: str, item: pytest.Function) -> None:
    arguments = item.callspec.params if hasattr(item, "callspec") else {}
    with DeployedShop(stage, name) as shop:
        item.obj(shop=shop, **arguments)
        shop.close_to_visitors()
        assert [request.reason for request in shop.unanswered()] == []
        shop.delete()
        item.user_properties.extend(shop.measured.items())


@pytest.fixture(scope="session")
def side_by_side(request: pytest.FixtureRequest) -> Iterator[SideBySide]:
    """Every selected test that takes a shop, begun."""
    with Stage() as stage:
        running = SideBySide(stage, [item for item in request.session.items if _takes_shop(item)])
        yield running
        running.stop()


def _takes_shop(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and item.path.parent == FOLDER and "shop" in item.fixturenames


@pytest.fixture
def shop(side_by_side: SideBySide) -> SideBySide:
    """What a test asks for to run in a stack of its own; the stack itself is made in the test's thread."""
    return side_by_side


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Wait for a test that runs already instead of running it."""
    if not _takes_shop(pyfuncitem):
        return None
    begun = pyfuncitem.funcargs["shop"]
    assert isinstance(begun, SideBySide)
    begun.result(pyfuncitem).result()
    return True


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of tests that begin first."""
    config.addinivalue_line("markers", "long: begins before the others, since it takes longest")
