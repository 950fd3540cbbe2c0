"""One rollout after the other on one endpoint under traffic; each is killed in another place."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from bench.kills.kills import Course, Kill
from bench.kills.traps import Moment, Trap, Traps
from tests.rollouts.declaring import Declaration, state_machine_name
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B, Slots
from tests.rollouts.stage import LOOK_AGAIN_SOON_SECONDS, eventually

WATCH_SECONDS = 4.0
"""How long an endpoint at rest is watched for another change."""
REACH_SECONDS = 240.0
FLOORS = {True: 2, False: 1}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What happened after one kill; times are in seconds since the kill."""

    kill: Kill
    exposure: float
    """The canary's weight when its rollout was killed."""
    one_slot_after: float
    at_rest_after: float
    outcome: str
    began_at: float
    ended_at: float


def endings(shop: DeployedShop, traps: Traps, kills: Iterable[Kill]) -> Iterator[Ending]:
    """Kill one rollout after the other and print each ending on standard error."""
    shop.deploy(_release("v0", kill=Kill(state="")))
    _comes_to_rest(shop)
    for number, kill in enumerate(kills, start=1):
        ending = _ending(shop, traps, kill, f"v{number}")
        print(ending, file=sys.stderr, flush=True)
        yield ending


def _ending(shop: DeployedShop, traps: Traps, kill: Kill, version: str) -> Ending:
    began_at, stable = time.time(), _serving(shop.look())
    canary = B if stable == A else A
    trap = _set_trap(shop, traps, kill, stable=stable)
    shop.deploy(_release(version, kill))
    if kill.course is Course.ABORTED:
        eventually(
            lambda: shop.look().weights[canary] > 0,
            what=f"traffic for {version}",
            look_again_seconds=LOOK_AGAIN_SOON_SECONDS,
        )
        shop.halt("the benchmark aborts the rollout")
    killed_at = trap.sprung.result(REACH_SECONDS)
    exposure = shop.look().weights[canary]
    one_slot_at, at_rest_at = _watch(shop, killed_at)
    traps.clear(_machine(shop))
    rollout = shop.rollout(version)
    return Ending(
        kill=kill,
        exposure=exposure,
        one_slot_after=max(0.0, one_slot_at - killed_at),
        at_rest_after=max(0.0, at_rest_at - killed_at),
        outcome="-" if rollout is None else rollout.outcome,
        began_at=began_at,
        ended_at=time.time(),
    )


def _release(version: str, kill: Kill) -> Declaration:
    return Declaration(version=version, steps=kill.steps)


def _machine(shop: DeployedShop) -> str:
    return state_machine_name(shop.name)


def _set_trap(shop: DeployedShop, traps: Traps, kill: Kill, *, stable: str) -> Trap:
    trap_in = partial(Trap, machine=_machine(shop))
    if kill.course is Course.BUSY:
        traps.set(trap_in(state="Plan", moment=Moment.ENTERED, visit=1, action=lambda _arn: _scale_out(shop, stable)))
    trap = trap_in(state=kill.state, moment=kill.moment, visit=kill.visit, action=shop.stop)
    traps.set(trap)
    return trap


def _scale_out(shop: DeployedShop, slot: str) -> None:
    shop.stage.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ResourceId=f"endpoint/{shop.name}/variant/{slot}",
        MinCapacity=3,
        MaxCapacity=3,
    )


def _watch(shop: DeployedShop, killed_at: float) -> tuple[float, float]:
    """Return when one slot had all the weight, and when the endpoint was at rest; neither changed afterwards."""
    serving, changed_at, unrest_at = _serving(shop.look()), killed_at, killed_at
    deadline = killed_at + REACH_SECONDS
    while (now := time.time()) < max(changed_at, unrest_at) + WATCH_SECONDS:
        assert now < deadline, f"{shop.name} did not come to rest: {shop.look()}, {shop.lock()}"
        slots = shop.look()
        if not _at_rest(shop, slots):
            unrest_at = time.time()
        if _serving(slots) != serving:
            serving, changed_at = _serving(slots), time.time()
        time.sleep(0.05)
    return changed_at, unrest_at


def _comes_to_rest(shop: DeployedShop) -> None:
    eventually(lambda: _at_rest(shop, shop.look()), what="rest", look_again_seconds=LOOK_AGAIN_SOON_SECONDS)


def _serving(slots: Slots) -> str:
    """Return the slot that has all the weight; empty when none has."""
    return next((slot for slot in (A, B) if slots.weights == {slot: 100, (B if slot == A else A): 0}), "")


def _at_rest(shop: DeployedShop, slots: Slots) -> bool:
    serving = _serving(slots)
    floors = {slot: FLOORS[slot == serving] for slot in (A, B)}
    quiet = slots.status == "InService" and slots.floors == floors and not slots.suspended
    return bool(serving) and quiet and shop.lock() is None
