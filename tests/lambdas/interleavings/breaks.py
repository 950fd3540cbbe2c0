"""Handlers without one of their safeguards, to see whether somebody notices."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rollout import clients, ending, holding, step_look
from rollout.contract import operator
from rollout.contract.errors import NotApproved
from rollout.contract.lock import Lock
from rollout.contract.operator import Request
from rollout.contract.plan import Plan, Step
from rollout.contract.states import Awaits, Failure, Next, StepState
from rollout.decisions.asking import NOBODY, Asked
from rollout.decisions.bake import Baked, Decision
from rollout.endpoint import weights_for
from rollout.evidence.reader import EvidenceReader
from rollout.executions import execution_name, start
from rollout.exposure import lower_exposure, lower_former
from rollout.handlers import abort, evaluate, panic, scale_canary, settle, shift_traffic
from rollout.ledger import Ledger, Release
from rollout.step_look import Looked
from rollout.world import World

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


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


def whatever_ends_a_hold_back_takes_the_traffic(patch: Patch) -> None:
    def keeps_its_traffic(_world: World, lock: Lock, _failure: Failure) -> bool:
        return lock.sealed

    patch.setattr(ending, "keeps_its_traffic", keeps_its_traffic)


def a_hold_back_gives_the_rest_before_that_is_decided(patch: Patch) -> None:
    take = ending.take_the_rest

    def take_first(world: World, lock: Lock, *, because: str) -> Lock | None:
        lower_former(world.endpoint, lock)
        return take(world, lock, because=because)

    patch.setattr(ending, "take_the_rest", take_first)


def a_late_shift_of_a_hold_back_is_undone_to_zero(patch: Patch) -> None:
    patch.setattr(shift_traffic, "_was_taken_back", lambda *_: True)


def an_alarm_leaves_the_share_that_a_shift_was_late_with(patch: Patch) -> None:
    patch.setattr(shift_traffic, "_was_taken_back", lambda *_: False)


def a_pause_is_not_looked_at(patch: Patch) -> None:
    patch.setattr(evaluate, "paused", lambda _: "")


def a_pause_does_not_hold_the_first_share(patch: Patch) -> None:
    patch.setattr(scale_canary, "is_paused_before_the_first_share", lambda *_: False)


def nobody_is_asked_for_approval(patch: Patch) -> None:
    patch.setattr(evaluate, "questions", lambda *_: NOBODY)


def a_shift_looks_at_no_window(patch: Patch) -> None:
    patch.setattr(shift_traffic, "before_this_share", lambda *_: None)


def who_skips_a_bake_skips_its_gates(patch: Patch) -> None:
    decide = step_look.decide

    def skip(step: Step, *, last: bool, baked: Baked, **known: Any) -> Decision:
        if baked.cut_short:
            return Decision(Next.PROMOTE if last else Next.NEXT_STEP, baked.cut_short)
        return decide(step, last=last, baked=baked, **known)

    patch.setattr(step_look, "decide", skip)


def a_skipped_bake_is_one_of_whatever_rollout_runs(patch: Patch) -> None:
    _asked_anyhow(patch, "promote", "attribute_exists(holder)")


def a_late_promote_replaces_the_one_of_a_later_step(patch: Patch) -> None:
    _asked_anyhow(patch, "promote", "holder = :execution AND attribute_not_exists(halted) AND cut_short_step <> :step")


def an_approval_is_for_whatever_rollout_asks(patch: Patch) -> None:
    _asked_anyhow(patch, "approve", "attribute_not_exists(halted) AND awaits = :step AND awaits_what = :what")


def an_approval_is_for_whatever_step_asks(patch: Patch) -> None:
    _asked_anyhow(patch, "approve", "holder = :execution AND attribute_not_exists(halted) AND awaits_what = :what")


def an_approval_is_for_whatever_is_asked_of_its_step(patch: Patch) -> None:
    _asked_anyhow(patch, "approve", "holder = :execution AND attribute_not_exists(halted) AND awaits = :step")


def a_refusal_is_only_noted(patch: Patch) -> None:
    _only_noted(patch, "reject")


def an_abort_is_only_noted(patch: Patch) -> None:
    _only_noted(patch, "abort")


def _asked_anyhow(patch: Patch, order: str, condition: str) -> None:
    """Let an order be written when this holds, whatever else it is meant for."""
    asked = getattr(operator, order)

    def request(*arguments: Any, **known: Any) -> Request:
        return _changed(asked(*arguments, **known), condition=condition)

    patch.setattr(operator, order, request)


def _only_noted(patch: Patch, order: str) -> None:
    """Let an order be written where nobody reads it."""
    asked = getattr(operator, order)

    def request(*arguments: Any, **known: Any) -> Request:
        return _changed(asked(*arguments, **known), changes="SET noted = :why")

    patch.setattr(operator, order, request)


def _changed(asked: Request, *, changes: str = "", condition: str = "") -> Request:
    """Return the request with another expression, and the values that its expressions name."""
    changes, condition = changes or asked.changes, condition or asked.condition
    named = set(re.findall(r":\w+", f"{changes} {condition}"))
    values = {name: value for name, value in asked.values.items() if name in named}
    return replace(asked, changes=changes, condition=condition, values=values)


def an_abort_waits_for_the_next_look(patch: Patch) -> None:
    patch.setattr(abort, "abort", lambda *_: None)


def a_yes_in_the_last_moment_is_taken_and_does_not_count(patch: Patch) -> None:
    patch.setattr(Ledger, "end_question", lambda *_: True)


def a_pause_takes_the_question_back_while_its_time_goes_on(patch: Patch) -> None:
    ask, asked_since = step_look.ask, holding._asked_since

    def ask_anew(*decided: Any, **known: Any) -> Asked:
        return ask(*decided, **{**known, "is_asked": False})

    def keep_the_time(state: StepState, what: Awaits | None, now: float) -> StepState:
        return state if what is None else asked_since(state, what, now)

    patch.setattr(step_look, "ask", ask_anew)
    patch.setattr(holding, "_asked_since", keep_the_time)


def silence_is_a_yes(patch: Patch) -> None:
    hold = evaluate.hold

    def hold_and_go_on(world: World, plan: Plan, looked: Looked, *others: Any) -> StepState:
        try:
            return hold(world, plan, looked, *others)
        except NotApproved:
            return replace(looked.state, next=Next.NEXT_STEP)

    patch.setattr(evaluate, "hold", hold_and_go_on)
