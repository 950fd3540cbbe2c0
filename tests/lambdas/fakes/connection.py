"""Puts an AWS in the place of the real one for as long as a test lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rollout import clients, clock

from tests.lambdas.fakes import boto_clients
from tests.lambdas.fakes.aws import Aws


@contextmanager
def connected(aws: Aws | None = None) -> Iterator[Aws]:
    """Give the handlers this AWS, by default an empty one, its clock included."""
    aws = Aws() if aws is None else aws
    boto_clients.connect(aws)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "client", boto_clients.client)
        patch.setattr(clients, "single_attempt_client", lambda service, **_: boto_clients.client(service))
        patch.setattr(clock, "now", aws.clock.now)
        patch.setattr(clock, "pause", aws.wait)
        patch.setenv("LEDGER_TABLE", aws.table.name)
        yield aws
    boto_clients.connect(None)
    aws.table.drop()
