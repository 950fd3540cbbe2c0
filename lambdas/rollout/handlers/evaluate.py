"""Every interval of a bake: look at everything that can end the rollout, then judge the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.decisions.bake import Next, Verdict, judge
from rollout.endpoint import weights_for
from rollout.errors import AlarmRaised, EndpointChanged, Inconclusive
from rollout.handlers.scale_canary import hold_floors
from rollout.metrics import UNKNOWN
from rollout.plan import Settings, Step, steps_of
from rollout.world import World

if TYPE_CHECKING:
    from rollout.ledger import Lock

FINAL_AFTER_PERIODS = 2
"""A metric period is read once it is this many periods old; SageMaker's delay is not documented."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the step with `next`: `STAY`, `NEXT_STEP` or `PROMOTE`."""
    steps = steps_of(event["plan"])
    return evaluate(World.of(Settings.parse(event["plan"])), event["execution"], steps, event["step"])


def evaluate(world: World, execution: str, steps: list[Step], state: dict[str, Any]) -> dict[str, Any]:
    """Look, count the requests of final metric periods once, and judge."""
    step = steps[state["index"]]
    lock = world.own_lock(execution)
    _refuse_another_hand(world, lock, step)
    world.metrics.publish_traffic_share(
        weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent)
    )
    unknown = _refuse_raised_alarms(world, lock)
    hold_floors(world, lock, step)
    final_until = _final_until(world.settings.metric_period_seconds, state["counted_until"])
    requests = state["requests"] + world.metrics.requests(lock.canary, state["counted_until"], final_until)
    verdict = judge(
        step,
        last=state["index"] == len(steps) - 1,
        baked_seconds=final_until - state["shifted_at"],
        requests=requests,
        unknown_alarms=unknown,
    )
    _record(world, execution, step, state, requests, verdict)
    return {
        **state, "counted_until": final_until, "requests": requests,
        "next": verdict.next.value, "reason": verdict.reason,
    }  # fmt: skip


def _refuse_another_hand(world: World, lock: Lock, step: Step) -> None:
    view = world.endpoint.describe()
    if view.config_name != lock.config_name:
        raise EndpointChanged(
            f"endpoint {view.name} is on config {view.config_name}, the rollout started on {lock.config_name}"
        )
    expected = weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent)
    if view.weights != expected:
        world.own_lock(lock.holder)
        raise EndpointChanged(f"another hand changed the weights of endpoint {view.name} to {view.weights}")


def _refuse_raised_alarms(world: World, lock: Lock) -> list[str]:
    """Return the caller's alarms whose state is unknown; a slot's alarm without data is quiet by its definition."""
    states = world.metrics.alarm_states(world.settings.alarms_that_stop(lock.canary))
    raised = [name for name, state in states.items() if state == "ALARM"]
    if raised:
        raise AlarmRaised(f"{', '.join(raised)} is in ALARM")
    return [name for name in world.settings.alarms["caller"] if states[name] == UNKNOWN]


def _final_until(period: int, counted_until: float) -> float:
    """Return the end of the newest metric period that is final."""
    newest = (clock.now() // period - FINAL_AFTER_PERIODS) * period
    return max(counted_until, newest)


def _record(world: World, execution: str, step: Step, state: dict[str, Any], requests: int, verdict: Verdict) -> None:
    progress: dict[str, Any] = {
        "percent": step.percent,
        "shifted_at": clock.iso(state["shifted_at"]),
        "canary_requests": requests,
        "reason": verdict.reason,
    }
    if verdict.next is not Next.STAY:
        progress["ended_at"] = clock.iso(clock.now())
    world.ledger.record_step(execution, state["index"], progress)
    if verdict.next is Next.GIVE_UP:
        raise Inconclusive(verdict.reason)
