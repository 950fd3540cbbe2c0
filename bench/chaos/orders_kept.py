"""What must hold of the orders of people, whatever else happens in a rehearsal."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rollout.contract.lock import Lock
from rollout.contract.names import ENDINGS, NOT_JUDGED, PROMOTED
from rollout.contract.states import Next
from rollout.gates import Verdict

from canary_tools.rehearsal.record.observation import LockSeen
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.services.executions import Execution, seconds_of

PASSES = {Next.NEXT_STEP, Next.PROMOTE}
RAISES = {Next.RAISE, *PASSES}
FAILS_MUCH = 0.3
"""A release that fails so many requests is never promoted, whoever is in a hurry."""


class Look(NamedTuple):
    """A look at a step by the state machine, in seconds of the rollout, and what followed from it."""

    began_s: float
    ended_s: float
    step: int
    next: Next


def not_kept(rehearsed: Rehearsed) -> list[str]:
    """Return what did not hold, in sentences."""
    found = [*_of_release(rehearsed)]
    for execution in rehearsed.aws.executions.all():
        name = execution["name"]
        locks = [seen for seen in rehearsed.observation.locks if seen.lock.holder == name]
        if any(seen.lock.way_back is not None for seen in locks):
            found += [*_of_ending(rehearsed, name)]
            continue
        looks = list(looks_of(execution, zero=rehearsed.aws.zero))
        found += [
            *_of_pauses(name, looks, locks),
            *_of_approvals(rehearsed, name, looks, locks),
            *_of_gates(rehearsed, name),
            *_of_aborts(rehearsed, name, locks),
            *_of_ending(rehearsed, name),
        ]
    return found


def looks_of(execution: Execution, *, zero: float) -> Iterator[Look]:
    """Yield each look of an execution that led to something. One that failed leaves the step as it was."""
    began_s, before = 0.0, None
    for event in execution["events"]:
        entered, exited = (event.get(f"state{what}EventDetails", {}) for what in ("Entered", "Exited"))
        at_s = seconds_of(event["timestamp"]) - zero
        if entered.get("name") == "Evaluate":
            began_s, before = at_s, json.loads(entered["input"])["step"]
        if exited.get("name") == "Evaluate" and before is not None:
            after = json.loads(exited["output"])["step"]
            if after != before:
                yield Look(began_s, at_s, before["index"], Next(after["next"]))


def pauses_of(locks: Sequence[LockSeen]) -> Iterator[tuple[float, float]]:
    """Yield from when to when a rollout was paused, in seconds; to infinity when nobody ended it."""
    since = None
    for seen in locks:
        if seen.lock.paused is not None and since is None:
            since = seen.at_s
        if seen.lock.paused is None and since is not None:
            yield since, seen.at_s
            since = None
    if since is not None:
        yield since, float("inf")


def _of_pauses(name: str, looks: Sequence[Look], locks: Sequence[LockSeen]) -> Iterator[str]:
    """A pause holds: no look within it decides to raise. One that began before it may."""
    for since, until in pauses_of(locks):
        for look in looks:
            if since < look.began_s and look.ended_s < until and look.next in RAISES:
                yield f"{name} was paused from {since:.0f} s on, and a look at {look.began_s:.0f} s said {look.next}"


def _of_approvals(rehearsed: Rehearsed, name: str, looks: Sequence[Look], locks: Sequence[LockSeen]) -> Iterator[str]:
    """A step that asks for approval is passed after one only, and the ledger says whose it was."""
    plan = rehearsed.declared.plan
    for look in looks:
        if look.next not in PASSES or not plan.step(look.step).approval_seconds:
            continue
        given = [
            seen.lock.approved.who
            for seen in locks
            if seen.lock.approved and seen.lock.approved_step == look.step and seen.at_s < look.ended_s
        ]
        steps = rehearsed.rollouts[name].get("steps", ())
        if not given:
            yield f"{name} passed step {look.step + 1} at {look.ended_s:.0f} s without an approval"
        elif not any(step.get("approved", {}).get("who") in given for step in steps):
            yield f"the ledger does not say who approved step {look.step + 1} of {name}"


def _of_gates(rehearsed: Rehearsed, name: str) -> Iterator[str]:
    """Nothing passes a gate that has failed."""
    record = rehearsed.rollouts[name]
    steps = [step for step in record.get("steps", ()) if step]
    for number, step in enumerate(steps, start=1):
        failed = [gate["name"] for gate in step.get("gates", ()) if gate["verdict"] == Verdict.FAIL]
        if failed and (number < len(steps) or record.get("outcome") == PROMOTED):
            yield f"{name} went on from {step['percent']:g} % although {', '.join(failed)} had failed"


def _of_aborts(rehearsed: Rehearsed, name: str, locks: Sequence[LockSeen]) -> Iterator[str]:
    """A rollout that a person ended before its promotion was decided is not promoted. The ledger says who it was."""
    ended = next((seen.lock for seen in locks if seen.lock.halted), None)
    if ended is None or not _by_a_person(ended):
        return
    record = rehearsed.rollouts[name]
    if record.get("outcome") == PROMOTED:
        yield f"{name} was promoted although it had been ended: {ended.halted}"
    if record.get("outcome") == NOT_JUDGED and ended.halted not in record["reason"]:
        yield f"{name} was ended ({ended.halted}), and the ledger says: {record['reason']}"


def _by_a_person(lock: Lock) -> bool:
    return lock.is_ended_by_a_person and not lock.promoted_at


def _of_ending(rehearsed: Rehearsed, name: str) -> Iterator[str]:
    """Of each rollout that the ledger knows, it says how and why it ended."""
    record = rehearsed.rollouts[name]
    if record and (record.get("outcome") not in ENDINGS or not record.get("reason")):
        yield f"the ledger does not say how and why {name} ended: {record.get('outcome')}"


def _of_release(rehearsed: Rehearsed) -> Iterator[str]:
    if rehearsed.scenario.canary.error_rate >= FAILS_MUCH and rehearsed.result["outcome"] == PROMOTED:
        yield f"a release that fails {rehearsed.scenario.canary.error_rate:.0%} of its requests was promoted"
