from collections.abc import Iterator

import pytest

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def aws() -> Iterator[Aws]:
    """An empty AWS that every client and the clock of the handlers belong to."""
    with connected() as aws:
        yield aws


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint that is not deployed yet."""
    return Shop(aws)


@pytest.fixture
def serving(shop: Shop) -> Shop:
    """An endpoint on which v1 serves."""
    shop.serve_first()
    return shop
