"""Whether a step has shown enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.states import Next
from rollout.contract.timing import BLIND_SECONDS, longest_bake_seconds
from rollout.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.plan import Step
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
    """Decide about a step that no alarm ends.

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
    return _without_a_pass(step, baked, "; ".join([why, *notes]))


def _without_a_pass(step: Step, baked: Baked, why: str) -> Decision:
    words = {"step": step.title, "why": why}
    if baked.blind >= BLIND_SECONDS:
        return Decision(Next.TAKE_BACK, sentences.BLIND.format(blind=baked.blind, **words))
    if baked.elapsed >= longest_bake_seconds(step.bake_seconds, step.max_bake_seconds):
        return Decision(Next.GIVE_UP, sentences.NO_DECISION.format(elapsed=baked.elapsed, **words))
    return Decision(Next.STAY, sentences.BAKING.format(baked=baked.seen, bake=step.bake_seconds, **words))


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
