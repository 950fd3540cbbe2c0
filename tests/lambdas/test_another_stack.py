"""An endpoint of this name belongs to another stack: it stays as it is, however the deploy of this one ends."""

import copy
from typing import Any

import pytest
from rollout.contract.errors import DeployRefused
from rollout.contract.names import LEDGER_VARIABLE
from rollout.contract.plan import Settings
from rollout.handlers import settle
from rollout.handlers.release_slots import release_slots
from rollout.landing import land_if_possible
from rollout.world import World

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.context import FakeContext
from tests.lambdas.fakes.dynamodb import Table
from tests.lambdas.fakes.settings import SCALED, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID

FRIDAY = 4
ALL_DAY = {"min_instances": 3, "start": 0, "minutes": 24 * 60, "days": [FRIDAY], "time_zone": "UTC"}
SMALL = {**SCALED, "min_instances": 1, "max_instances": 3}
OTHER = settings(scaling=SMALL)
BY_DAY = settings(scaling={**SMALL, "scheduled": [ALL_DAY]})


def refused(shop: Shop, asked: dict[str, Any]) -> None:
    """Deploy a new stack with this endpoint without rollback; the clock of the tests begins on a Friday."""
    properties = shop.stack.template("v9", settings=asked).slots_properties()
    event = {"RequestType": "Create", "RequestId": "r-9", "StackId": STACK_ID, "ResourceProperties": properties}
    shop.aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused, match="an endpoint named shop exists already"):
        release_slots(event)


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"])
@pytest.mark.parametrize("asked", [OTHER, BY_DAY])
def test_a_stack_that_was_refused_leaves_it_alone(
    aws: Aws, serving: Shop, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], status: str
) -> None:
    before = copy.deepcopy(serving.scaling())
    monkeypatch.setenv(LEDGER_VARIABLE, Table().name)
    refused(serving, asked)
    aws.stacks.status = status
    settle.handler({"settings": asked, "stack_id": STACK_ID, "status": status}, FakeContext())
    settle.handler({"settings": asked, "stack_id": STACK_ID}, FakeContext())
    assert serving.scaling() == before
    assert serving.unsafe() == []


def test_a_lock_that_a_refused_guard_left_is_freed(aws: Aws, serving: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = copy.deepcopy(serving.scaling())
    monkeypatch.setenv(LEDGER_VARIABLE, Table().name)
    ledger = World.of(Settings.parse(OTHER)).ledger
    assert ledger.lock_for_deployment("r-9", aws.clock.now())
    aws.stacks.status = "UPDATE_FAILED"
    settle.handler({"settings": OTHER, "stack_id": STACK_ID}, FakeContext())
    assert ledger.lock() is None
    assert serving.scaling() == before


def test_a_rollout_that_is_started_by_hand_lands_nowhere(serving: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = copy.deepcopy(serving.scaling())
    monkeypatch.setenv(LEDGER_VARIABLE, Table().name)
    land_if_possible(World.of(Settings.parse(OTHER)), stable="")
    assert serving.scaling() == before


def test_a_stack_that_had_the_name_before_leaves_it_alone(
    aws: Aws, serving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It removed its endpoint in the middle of a landing, and another stack has made one of that name since."""
    serving.promote("v2")
    serving.stack.destroy()
    monkeypatch.setenv(LEDGER_VARIABLE, Table().name)
    other = Shop(aws, scaling=SMALL)
    other.serve_first()
    before = copy.deepcopy(other.scaling())
    monkeypatch.setenv(LEDGER_VARIABLE, aws.table.name)
    refused(serving, serving.settings)
    aws.stacks.status = "UPDATE_FAILED"
    serving.settle()
    serving.look_for_what_was_left()
    assert other.scaling() == before
