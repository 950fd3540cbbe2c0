"""A person aborts a rollout that the state machine looks at once in two minutes."""

import time

from boto3.dynamodb.types import TypeSerializer
from rollout.clock import iso
from rollout.contract.names import NOT_JUDGED
from rollout.contract.operator import abort
from rollout.contract.order import Order

from tests.rollouts.declaring import SELDOM_LOOKING_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import LOOK_AGAIN_SOON_SECONDS, eventually

WHO = "arn:aws:sts::000000000000:assumed-role/on-call/ann"


def test_an_order_in_the_ledger_takes_the_traffic_through_the_stream(shop: DeployedShop) -> None:
    # Given a rollout under traffic whose step bakes for a day and a half
    shop.deploy(Declaration(version="v1"))
    shop.comes_to_rest(stable=A)
    shop.deploy(Declaration(version="v2", steps=(50, 100), first_bake_seconds=SELDOM_LOOKING_SECONDS))
    shop.rollout_reaches("v2", 50)
    lock = shop.lock()
    assert lock is not None

    # When a person writes the order, and does nothing else
    request = abort(lock["holder"], Order(who=WHO, at=iso(time.time()), why="wrong model"))
    serialize, ordered = TypeSerializer().serialize, time.monotonic()
    shop.stage.client("dynamodb").update_item(
        TableName=shop.ledger_table(),
        Key={"endpoint": {"S": shop.name}, "record": {"S": "lock"}},
        UpdateExpression=request.changes,
        ConditionExpression=request.condition,
        ExpressionAttributeValues={name: serialize(value) for name, value in request.values.items()},
    )
    eventually(
        lambda: shop.look().weights == {A: 100, B: 0},
        what="all the traffic for stable",
        look_again_seconds=LOOK_AGAIN_SOON_SECONDS,
    )
    shop.measured["seconds to weight zero"] = time.monotonic() - ordered

    # Then the execution was stopped, not left to its next look, and the ledger has the reason
    ended = shop.rollout_ends("v2")
    assert (ended.outcome, ended.reason) == (NOT_JUDGED, "aborted by ann: wrong model")
    shop.comes_to_rest(stable=A)
    states = shop.stage.client("stepfunctions")
    execution = lock["state_machine"].replace(":stateMachine:", ":execution:") + f":{lock['holder']}"
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"
