"""The way back after a promotion: all the traffic for the former release, which is in the idle slot still.

It is a rollout of the former release with one step of 100 %. The lock says that it is one, and every handler reads that
there: instances come first, the shift handler raises the share, and the promotion is decided as any other. The release
that is left is rejected. Nothing is judged on the way, because a person has judged: there is no smoke test (its
requests are those of the newer release), no gate, and no alarm stops it (that of the release that is left may be why).
An abort stops it until it is decided.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import NothingToRelease
from rollout.contract.exposure import EVERYTHING
from rollout.contract.names import ROLLED_BACK, other_slot
from rollout.contract.plan import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.contract.lock import Lock
    from rollout.contract.plan import Plan
    from rollout.ledger import Ledger, Release

AT_ONCE_SECONDS = 1
"""Between the share in force and the decision. Nothing is watched."""
_STEP = Step(
    percent=EVERYTHING, bake_seconds=0, max_bake_seconds=0, min_requests=0, expected_percent=EVERYTHING
)  # fmt: skip


def plan_of(plan: Plan, lock: Lock) -> Plan:
    """Return the plan of the rollout that has this lock. A way back waits for no window."""
    if lock.way_back is None:
        return plan
    return replace(plan, steps=(_STEP,), windows=(), hold_back=None, harm_budget=None, smoke_test=())


def former_of(ledger: Ledger, in_slots: Mapping[str, Release | None], stable: str) -> tuple[Release, Release]:
    """Return the release that serves, and the one that the traffic can go back to.

    Raises:
        NothingToRelease: when there is no way back; with a sentence.
    """
    serving, idle = in_slots[stable], in_slots[other_slot(stable)]
    if serving is None:
        raise NothingToRelease(sentences.BACK_FROM_UNKNOWN.format(stable=stable))
    known = ledger.release(serving.version)
    former = "" if known is None else known.former
    if not former:
        raise NothingToRelease(sentences.NOTHING_BEFORE.format(version=serving.version))
    if idle is None or idle.version != former:
        words = {"idle": other_slot(stable), "holds": "another model" if idle is None else idle.version}
        raise NothingToRelease(sentences.FORMER_IS_GONE.format(former=former, version=serving.version, **words))
    found = ledger.release(former)
    if found is None or found.outcome == ROLLED_BACK:
        raise NothingToRelease(sentences.FORMER_REJECTED.format(former=former))
    return serving, found
