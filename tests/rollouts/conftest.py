"""Runs the tests of this folder side by side: almost all of their time is waiting.

Each test that takes a `shop` gets a stack of its own, in a thread of its own. `pytest` then collects the results in its
usual order. Each worker of pytest-xdist has one sandbox and a share of the tests: a sandbox, its visitors and the tests
are one process, and Python runs one thread of a process at a time.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeGuard

import pytest

from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.kernel import taking_turns
from tests.rollouts.stage import Stage

FOLDER = Path(__file__).parent
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
AT_ONCE = max(8 // WORKERS, 1)
"""In one process. Each stack runs up to ten Lambda functions and five instances as processes."""


class SideBySide:
    """The tests that are under way, in one sandbox."""

    def __init__(self, stage: Stage, items: Sequence[pytest.Function]) -> None:
        self.stage, self._items = stage, items
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="test")
        self._running: dict[str, Future[None]] = {}

    def result(self, item: pytest.Function) -> Future[None]:
        """Return the outcome of a test that is under way; the first call begins all tests of its share."""
        if item.nodeid not in self._running:
            for number, each in enumerate(self._items):
                if _share_of(each) == _share_of(item):
                    self._running[each.nodeid] = self._pool.submit(_run, self.stage, f"shop-{number}", each)
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
    """Every selected test that takes a shop; those of this process begin with the first of them."""
    with taking_turns(), Stage() as stage:
        running = SideBySide(stage, _in_order(request.session.items))
        yield running
        running.stop()


def _takes_shop(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and item.path.parent == FOLDER and "shop" in item.fixturenames


def _in_order(items: Sequence[pytest.Item]) -> list[pytest.Function]:
    """Return the tests that take a shop, the long ones first."""
    return sorted(filter(_takes_shop, items), key=lambda item: item.get_closest_marker("long") is None)


def _share_of(item: pytest.Function) -> str:
    """Return the name of the share that a test was dealt to."""
    mark = item.get_closest_marker("xdist_group")
    assert mark is not None, f"{item.nodeid} was dealt to no share"
    share: str = mark.args[0]
    return share


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the tests to as many shares as there are workers, before pytest-xdist reads the groups."""
    for number, item in enumerate(_in_order(items)):
        item.add_marker(pytest.mark.xdist_group(f"rollouts-{number % WORKERS}"))


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
