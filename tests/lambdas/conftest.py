from collections.abc import Iterator

import pytest
from rollout import clients, clock

from tests.lambdas.fakes import wire
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty AWS that every client and the clock of the handlers belong to."""
    aws = Aws()
    wire.connect(aws)
    monkeypatch.setattr(clients, "client", wire.client)
    monkeypatch.setattr(clients, "single_attempt_client", lambda service, **_: wire.client(service))
    monkeypatch.setattr(clock, "now", aws.clock.now)
    monkeypatch.setattr(clock, "pause", aws.wait)
    monkeypatch.setenv("LEDGER_TABLE", aws.table.name)
    yield aws
    wire.connect(None)
    aws.table.drop()


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint that is not deployed yet."""
    return Shop(aws)


@pytest.fixture
def serving(shop: Shop) -> Shop:
    """An endpoint on which v1 serves."""
    shop.serve_first()
    return shop
