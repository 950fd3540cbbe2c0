"""Handlers without one of their safeguards, to see whether somebody notices."""

from typing import Any

import pytest
from rollout import clients
from rollout.contract.lock import Lock
from rollout.contract.plan import Plan
from rollout.contract.states import Next, StepState
from rollout.endpoint import weights_for
from rollout.evidence.reader import EvidenceReader
from rollout.executions import execution_name, start
from rollout.exposure import lower_exposure
from rollout.handlers import evaluate, panic, settle, shift_traffic
from rollout.ledger import Release
from rollout.world import World

Patch = pytest.MonkeyPatch


def shift_without_the_second_read(patch: Patch) -> None:
    patch.setattr(shift_traffic, "_lower_if_halted_meanwhile", lambda *_: None)


def panic_without_the_second_lowering(patch: Patch) -> None:
    def lower_once(world: World, lock: Lock, **_until: float) -> bool:
        lower_exposure(world, lock)
        return True

    patch.setattr(panic, "lower_until_zero", lower_once)


def settle_acts_on_a_status_that_the_stack_has_left(patch: Patch) -> None:
    def settle_anyway(world: World, event: dict[str, Any], until: float) -> None:
        patch.setattr(settle, "stack_status", lambda _: event["status"])
        settle.settle(world, world.ledger.lock(), event["stack_id"], event["status"], until)

    patch.setattr(settle, "_settle_event", settle_anyway)


def settle_starts_without_having_got_the_lock(patch: Patch) -> None:
    def hand_over(world: World, lock: Lock | None, release: Release, stable: str) -> None:
        del stable
        name = execution_name(release.version, world.ledger.next_attempt())
        before = None if lock is None else lock.holder
        world.ledger.lock_for_rollout(name, 0.0, instead_of=before)
        start(clients.client("stepfunctions"), world.settings.state_machine_arn, name)

    patch.setattr(settle, "_hand_over", hand_over)


def evaluate_sets_the_weights_itself(patch: Patch) -> None:
    judge = evaluate.evaluate

    def judge_and_raise(
        world: World, reader: EvidenceReader, execution: str, plan: Plan, state: StepState
    ) -> StepState:
        after = judge(world, reader, execution, plan, state)
        if after.next is Next.RAISE:
            lock, percent = world.own_lock(execution), after.exposure.wanted
            world.endpoint.set_weights(weights_for(stable=lock.stable, canary=lock.canary, canary_percent=percent))
        return after

    patch.setattr(evaluate, "evaluate", judge_and_raise)


PACED_BREAKS = (evaluate_sets_the_weights_itself,)
BREAKS = (
    shift_without_the_second_read,
    panic_without_the_second_lowering,
    settle_acts_on_a_status_that_the_stack_has_left,
    settle_starts_without_having_got_the_lock,
)
