"""`Custom::VerifiedEndpoint`: prove after an update that the endpoint is on the config that was deployed.

SageMaker can fail an update silently and go back to the old config, also because of an alarm. On delete, before the
endpoint goes, it stops a rollout, takes the lock so that none begins, and waits for the endpoint to be quiet.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rollout import clients, clock, sentences
from rollout.contract.errors import DeployRefused, EndpointNotFound
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import FLEET_ALARMS
from rollout.contract.plan import Settings
from rollout.custom_resource import Event, answer
from rollout.endpoint import LOOK_AGAIN_SECONDS, wait_until_quiet
from rollout.executions import stop
from rollout.metrics import raised_in
from rollout.patience import NOT_READY, insist
from rollout.stack import is_rolling_back, stack_status
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.endpoint import EndpointView

PATIENCE_SECONDS = 10 * 60
ALARM_SECONDS = 60
LEDGER_SECONDS = 60
RESTORATION_SECONDS = 8 * 60
QUIET_SECONDS = 5 * 60
"""Both together are less than the 15 minutes that a Lambda may take."""


def handler(event: Event, _context: object) -> None:
    """Answer CloudFormation."""
    answer(event, verified_endpoint)


def verified_endpoint(event: Event) -> Mapping[str, object]:
    """Verify on create and update, make quiet on delete."""
    properties = event["ResourceProperties"]
    world = World.of(Settings.parse(json.loads(properties["Settings"])))
    if event["RequestType"] == "Delete":
        _make_quiet(world, holder=event["RequestId"])
        return {}
    config_name = properties["EndpointConfigName"]
    if is_rolling_back(stack_status(event["StackId"])):
        with suppress(*NOT_READY, ClientError):  # a stack that goes back must not fail
            _remember(world, config_name)
    else:
        _remember(world, config_name)
        before = event.get("OldResourceProperties", {}).get("EndpointConfigName")
        _verify(world, config_name, before, properties.get(FLEET_ALARMS, ()))
    return {}


def _remember(world: World, config_name: str) -> None:
    """Note the config that the stack has, so that the sweep leaves it."""
    insist(lambda: world.ledger.remember_config(config_name), until=clock.now() + LEDGER_SECONDS)


def _verify(world: World, config_name: str, before: str | None, alarms: Sequence[str]) -> None:
    """Refuse an endpoint on another config, and say who moved it there. `before`: the config of the last deploy."""
    view = wait_until_quiet(world.endpoint, until=clock.now() + PATIENCE_SECONDS)
    words = {"endpoint": view.name, "config": config_name, "status": view.status, "why": _why(view)}
    if not view.quiet and view.config_name == config_name:
        raise DeployRefused(sentences.NOT_AT_REST.format(minutes=PATIENCE_SECONDS // 60, **words))
    if view.config_name != config_name and before == config_name:
        raise DeployRefused(
            sentences.MOVED_BY_ANOTHER.format(endpoint=view.name, config=config_name, now=view.config_name)
        )
    if view.config_name != config_name:
        moved = sentences.NOT_MOVED.format(now=view.config_name, **words)
        raise DeployRefused(moved + _of_alarms(world, alarms))


def _why(view: EndpointView) -> str:
    return f", because: {view.failure_reason}" if view.failure_reason else ""


def _of_alarms(world: World, names: Sequence[str]) -> str:
    """Say which of the alarms are in ALARM. One that SageMaker went back for may be fine again by now."""
    if not names:
        return ""
    try:
        states = insist(lambda: world.metrics.alarm_states(names), until=clock.now() + ALARM_SECONDS)
    except NOT_READY:
        states = {}
    raised = raised_in(states)
    if raised:
        return sentences.FLEET_ALARMS_RAISED.format(raised=sentences.in_alarm(raised))
    return sentences.FLEET_ALARMS_QUIET.format(alarms=", ".join(names))


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
        world.ledger.halt(lock.holder, sentences.STACK_DELETED, clock.now())
        machine = world.settings.state_machine_arn
        stop(clients.client("stepfunctions"), machine, lock.holder, sentences.STACK_DELETED)
    until = clock.now() + RESTORATION_SECONDS
    while not world.ledger.lock_for_deployment(holder, clock.now()) and clock.now() < until:
        clock.pause(LOOK_AGAIN_SECONDS * 4)
