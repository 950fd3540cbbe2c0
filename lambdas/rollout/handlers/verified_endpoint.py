"""`Custom::VerifiedEndpoint`: prove after an update that the endpoint is on the config that was deployed.

SageMaker can fail an update silently and go back to the old config. On delete, before the endpoint goes, it stops a
rollout, takes the lock so that none begins, and waits for the endpoint to be quiet.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout import clients, clock
from rollout.contract.errors import DeployRefused, EndpointNotFound
from rollout.custom_resource import answer
from rollout.executions import stop
from rollout.ledger import ROLLOUT
from rollout.plan import Settings
from rollout.safety import LOOK_AGAIN_SECONDS, wait_until_quiet
from rollout.stack import is_rolling_back, stack_status
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView

PATIENCE_SECONDS = 10 * 60
RESTORATION_SECONDS = 8 * 60
QUIET_SECONDS = 5 * 60
"""Both together are less than the 15 minutes that a Lambda may take."""


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation."""
    answer(event, verified_endpoint)


def verified_endpoint(event: dict[str, Any]) -> dict[str, Any]:
    """Verify on create and update, make quiet on delete."""
    properties = event["ResourceProperties"]
    world = World.of(Settings.parse(json.loads(properties["Settings"])))
    if event["RequestType"] == "Delete":
        _make_quiet(world, holder=event["RequestId"])
    elif not is_rolling_back(stack_status(event["StackId"])):
        _verify(world, properties["EndpointConfigName"])
    return {}


def _verify(world: World, config_name: str) -> None:
    view = wait_until_quiet(world.endpoint, until=clock.now() + PATIENCE_SECONDS)
    if not view.quiet and view.config_name == config_name:
        raise DeployRefused(
            f"endpoint {view.name} is on endpoint config {config_name}, but has not come to rest in "
            f"{PATIENCE_SECONDS // 60} minutes: it is {view.status}{_why(view)}"
        )
    if view.config_name != config_name:
        raise DeployRefused(
            f"SageMaker did not move endpoint {view.name} to endpoint config {config_name}: it is {view.status} on "
            f"{view.config_name}{_why(view)}"
        )


def _why(view: EndpointView) -> str:
    return f", because: {view.failure_reason}" if view.failure_reason else ""


def _make_quiet(world: World, *, holder: str) -> None:
    """Stop a rollout and keep others from beginning; then wait until SageMaker takes a deletion."""
    if not world.ledger.lock_for_deployment(holder, clock.now()):
        _stop_rollout(world, holder=holder)
    try:
        wait_until_quiet(world.endpoint, until=clock.now() + QUIET_SECONDS)
    except EndpointNotFound:
        return


def _stop_rollout(world: World, *, holder: str) -> None:
    """Stop the rollout and wait until the restore path has finished, whose calls would collide with the deletion."""
    lock = world.ledger.lock()
    if lock is not None and lock.kind == ROLLOUT:
        reason = "the stack is being deleted"
        world.ledger.halt(lock.holder, reason, clock.now())
        stop(clients.client("stepfunctions"), world.settings.state_machine_arn, lock.holder, reason)
    until = clock.now() + RESTORATION_SECONDS
    while not world.ledger.lock_for_deployment(holder, clock.now()) and clock.now() < until:
        clock.pause(LOOK_AGAIN_SECONDS * 4)
