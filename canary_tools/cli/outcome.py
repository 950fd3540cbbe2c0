"""How a release fared, for a pipeline: decided from one look at the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.executions import execution_name
from rollout.ledger import Release
from rollout.watching.records import Rollout

from canary_tools.cli.statuses import Status

STATUSES = {PROMOTED: Status.DONE, ROLLED_BACK: Status.ROLLED_BACK, NOT_JUDGED: Status.NOT_JUDGED}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it ended, with a sentence. `execution`: of the rollout; empty without one."""

    status: Status
    sentence: str
    execution: str = ""


def outcome_of(
    version: str,
    *,
    lock: Lock | None,
    release: Release | None,
    rollouts: Sequence[Rollout],
    serves: bool,
    retried: bool = False,
    through_hold_back: bool = False,
) -> Outcome | None:
    """Return how a release fared; `None` while that is open.

    `serves`: whether the release has all the traffic. `retried`: a deploy began after the last rollout of it ended, so
    that another is due if that one did not judge it. `through_hold_back`: a promoted release is open until its
    hold-back is over; otherwise the promotion is the outcome.

    It is open while a rollout of it holds the lock, and while a deploy does: the rollout takes the lock over from the
    deploy that placed its release. A lock of another release's rollout says nothing about this one.
    """
    last = _last(version, rollouts)
    if lock is not None and _may_be_of(version, lock, rollouts):
        return _promoted(last) if last is not None and _is_promoted(last, lock, through_hold_back) else None
    if last is not None and last.outcome == NOT_JUDGED and retried:
        return None
    if last is not None and last.outcome == PROMOTED and release is not None and release.outcome == ROLLED_BACK:
        back = next((each for each in reversed(rollouts) if each.leaves == version), last)
        sentence = f"{version} was promoted, and then rolled back: {back.reason}"
        return Outcome(status=Status.ROLLED_BACK, sentence=sentence, execution=back.execution)
    if last is not None and last.outcome in STATUSES:
        return Outcome(
            status=STATUSES[last.outcome],
            sentence=f"{version} is {_in_words(last.outcome)}: {last.reason}",
            execution=last.execution,
        )
    return None if last is not None else _without_a_rollout(version, release, serves=serves)


def _without_a_rollout(version: str, release: Release | None, *, serves: bool) -> Outcome:
    if release is None:
        return Outcome(status=Status.NOTHING, sentence=f"no deploy has declared version {version}")
    if serves:
        return Outcome(status=Status.DONE, sentence=f"{version} serves all the traffic; it needed no rollout")
    return Outcome(
        status=Status.NOTHING,
        sentence=f"{version} had no rollout, and none is on its way; if it waits in the idle slot, start the state "
        "machine, or see `canary doctor`",
    )


def _last(version: str, rollouts: Sequence[Rollout]) -> Rollout | None:
    return next((each for each in reversed(rollouts) if each.version == version), None)


def _may_be_of(version: str, lock: Lock, rollouts: Sequence[Rollout]) -> bool:
    """Tell whether the holder of the lock is a rollout of this version, or may bring one."""
    if lock.kind != ROLLOUT:
        return True
    known = next((each.version for each in rollouts if each.execution == lock.holder), None)
    if known is not None:
        return known == version
    return lock.holder.rpartition("-")[0] == execution_name(version, 0).rpartition("-")[0]


def _is_promoted(last: Rollout, lock: Lock, through_hold_back: bool) -> bool:  # noqa: FBT001 - one of three facts
    return bool(last.promoted_at) and last.execution == lock.holder and not lock.halted and not through_hold_back


def _promoted(last: Rollout) -> Outcome:
    return Outcome(
        status=Status.DONE,
        sentence=f"{last.version} is promoted, and its hold-back goes on",
        execution=last.execution,
    )


def _in_words(outcome: str) -> str:
    """Return an outcome of the ledger in words.

    >>> _in_words("ROLLED_BACK")
    'rolled back'
    """
    return outcome.lower().replace("_", " ")
