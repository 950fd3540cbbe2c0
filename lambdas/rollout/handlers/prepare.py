"""First state: is this a moment from which a rollout can start? Then pin what it works on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.contract.errors import AlarmRaised, LockLost, NothingToRelease
from rollout.contract.names import ROLLED_BACK, other_slot
from rollout.contract.timing import PREPARE_SECONDS
from rollout.notices import notify
from rollout.plan import Settings
from rollout.safety import prove_in_time
from rollout.takeover import end_if_dead
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView
    from rollout.ledger import Release


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return what this rollout works on; `ready` says whether it may begin."""
    return prepare(World.of(Settings.parse(event["plan"])), event["execution"], event["started_at"])


def prepare(world: World, execution: str, started_at: str) -> dict[str, Any]:
    """Take the lock, look around, and pin the slots and the endpoint config."""
    _take_lock(world, execution)
    out_of_patience = clock.now() > clock.seconds_of(started_at) + PREPARE_SECONDS
    view = world.endpoint.describe()
    if not view.quiet:
        if out_of_patience or not view.working:
            view.refuse_unless_quiet()
        return {"ready": False}
    stable = view.stable_slot()
    canary = other_slot(stable)
    release = _release_in(world, view, canary)
    world.ledger.open_rollout(execution, release, clock.now())
    stages = [asdict(stage) for stage in world.settings.api_stages]
    world.ledger.pin(execution, stable=stable, canary=canary, config_name=view.config_name, api_stages=stages)
    found = {"version": release.version, "stable": stable, "canary": canary}
    if _raised_alarms(world, canary, final=out_of_patience):
        return {"ready": False, **found}
    _hold_scale_in(world)
    prove_in_time(world, execution)
    notify(view.name, "Started", execution=execution, **found)
    return {"ready": True, **found}


def _take_lock(world: World, execution: str) -> None:
    """Take the lock if it is free or its holder is dead, and prove that this rollout may go on.

    An order to halt stays in force.
    """
    machine = world.settings.state_machine_arn
    taken = world.ledger.lock_for_rollout(execution, clock.now(), state_machine=machine)
    if not taken and _another_died(world, execution):
        taken = world.ledger.lock_for_rollout(execution, clock.now(), state_machine=machine)
    if not taken:
        world.own_lock(execution)
    if world.ledger.free_if_over(execution):
        raise LockLost(f"rollout {execution} is over already")


def _another_died(world: World, execution: str) -> bool:
    """Tell whether the lock was a dead rollout's, which is brought to its safe end for it."""
    lock = world.ledger.lock()
    return lock is not None and lock.holder != execution and end_if_dead(world, lock)


def _release_in(world: World, view: EndpointView, canary: str) -> Release:
    declared = world.ledger.declared()
    models = {v["VariantName"]: v["ModelName"] for v in world.endpoint.config(view.config_name)}
    serving, held = (world.ledger.release_in(models[slot]) for slot in (other_slot(canary), canary))
    if declared is not None and serving is not None and serving.same_content(declared):
        raise NothingToRelease(f"version {declared.version} serves already")
    if declared is None or held is None or not held.same_content(declared):
        raise NothingToRelease(f"the idle slot {canary} does not hold the release that was deployed last")
    if declared.outcome == ROLLED_BACK:
        raise NothingToRelease(f"version {declared.version} was rolled back before; deploy it under a new version")
    return declared


def _raised_alarms(world: World, canary: str, *, final: bool) -> list[str]:
    states = world.metrics.alarm_states(world.settings.alarms_that_stop(canary))
    raised = [name for name, state in states.items() if state == "ALARM"]
    if raised and final:
        raise AlarmRaised(f"{', '.join(raised)} was in ALARM before the rollout began")
    return raised


def _hold_scale_in(world: World) -> None:
    """Keep instances during the rollout: a rollback must find the capacity it left."""
    for slot, registered in world.scalers.registered().items():
        world.scalers.set_floor(slot, registered.floor, suspend_scale_in=True)
