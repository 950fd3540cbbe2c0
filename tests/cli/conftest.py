from collections.abc import Iterator

import pytest

from tests.cli.fake import Operated, Terminal
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """An endpoint on which v1 serves."""
    with connected() as aws:
        shop = Shop(aws)
        shop.serve_first()
        yield shop


@pytest.fixture
def terminal(shop: Shop) -> Terminal:
    """A terminal of somebody who may operate the shop."""
    return Terminal(Operated(shop))
