"""Whether a step has shown enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.states import Next
from rollout.contract.timing import BLIND_SECONDS, longest_bake_seconds
from rollout.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.plan import OutageLimits, Step
    from rollout.evidence.sources import SlotCount
    from rollout.gates import Assessment


class Decision(NamedTuple):
    """What to do, and why."""

    next: Next
    reason: str


class Baked(NamedTuple):
    """How a step has baked, in seconds.

    `seen`: in metric periods that were seen on each side that should serve. `elapsed`: in all periods that have come.
    `blind`: since the newest period of the canary. `is_fresh`: whether this look brought a new period that was seen.
    """

    seen: float
    elapsed: float
    blind: float
    is_fresh: bool


def decide(
    step: Step,
    *,
    last: bool,
    baked: Baked,
    now: Assessment,
    at_bake_end: Assessment,
    held: str,
    notes: Sequence[str],
) -> Decision:
    """Decide about a step whose alarms are quiet.

    The order is: a failed gate, a canary of which nothing is seen, an early pass, the end of the bake. A step passes
    only when it is not `held` (a sentence that says why) and when this look saw a new period: nothing is raised on old
    evidence. A step that lacks evidence stays until `max_bake`. `notes` are added to the reason.
    """
    if now.verdict is Verdict.FAIL:
        return Decision(Next.REJECT, now.reason)
    assessment = at_bake_end if baked.seen >= step.bake_seconds else now
    passes = assessment.verdict is Verdict.PASS
    if passes and not held and baked.is_fresh:
        return Decision(Next.PROMOTE if last else Next.NEXT_STEP, assessment.reason)
    is_short = baked.elapsed >= step.bake_seconds and at_bake_end.verdict is not Verdict.PASS
    undecided = at_bake_end if is_short else assessment
    why = held or (sentences.NOTHING_NEW if passes else undecided.reason)
    following, sentence = _without_a_pass(step, baked)
    words = {"baked": baked.seen, "elapsed": baked.elapsed, "blind": baked.blind, "bake": step.bake_seconds}
    return Decision(following, sentence.format(step=step.title, why="; ".join([why, *notes]), **words))


def _without_a_pass(step: Step, baked: Baked) -> tuple[Next, str]:
    """Return what follows, and the sentence that says so."""
    if baked.blind >= BLIND_SECONDS:
        return Next.TAKE_BACK, sentences.BLIND
    if baked.elapsed >= longest_bake_seconds(step.bake_seconds, step.max_bake_seconds):
        return Next.GIVE_UP, sentences.NO_DECISION
    return Next.STAY, sentences.BAKING


def missing_metrics(missing: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a sentence for each gate and side of which metrics are missing, with the number of metric periods.

    >>> missing_metrics({"latency": {"stable": 30}})
    ['gate latency lacks the metrics of stable in 30 metric periods']
    """
    return [
        sentences.LACKS.format(gate=gate, side=side, periods=periods)
        for gate, by_side in missing.items()
        for side, periods in by_side.items()
    ]


def outage(limits: OutageLimits, errors: SlotCount | None, *, before: str) -> str:
    """Return a sentence when the canary's newest period would raise its alarm if it served alone, else `""`.

    An outage of what both releases need is not held against the canary while stable serves beside it. At 100 % its
    alarm has nothing to compare with: a rollout that went on in an outage would be rolled back for it.

    `limits` are the alarm's. Without `errors` there is nothing new, and it is as `before`.
    """
    if errors is None:
        return before
    limit = limits.failed_percent
    if not (errors.total >= limits.min_requests and limit / 100 * errors.total < errors.bad <= errors.total):
        return ""
    words = {"bad": errors.bad, "total": errors.total, "percent": 100 * errors.bad / errors.total, "limit": limit}
    return sentences.OUTAGE.format(**words)
