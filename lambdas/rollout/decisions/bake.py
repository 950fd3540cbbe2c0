"""Whether a step has shown enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.exposure import EVERYTHING
from rollout.contract.plan import Passes
from rollout.contract.states import Next
from rollout.contract.timing import BLIND_SECONDS, longest_bake_seconds
from rollout.decisions.pacing import LEAST_RAISE
from rollout.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.plan import Step
    from rollout.decisions.pacing import Look
    from rollout.gates import Assessment


class Decision(NamedTuple):
    """What to do, and why."""

    next: Next
    reason: str


class Baked(NamedTuple):
    """How a step has baked, in seconds.

    `seen`: at its present share, in metric periods that were seen on each side that should serve. `elapsed`: in all
    periods of the step that have come. `blind`: since the newest period of the canary. `is_fresh`: whether this look
    brought a new period that was seen. `requests`: how many of the canary were seen. `lasted`: since the first share of
    the step was in force, whatever has come. `cut_short`: who said that the bake counts as over; empty when nobody did.
    `is_undecided`: a look before found that the time of the step is over.
    """

    seen: float
    elapsed: float
    blind: float
    is_fresh: bool
    requests: int
    lasted: float = 0.0
    cut_short: str = ""
    is_undecided: bool = False


def decide(
    step: Step,
    *,
    last: bool,
    baked: Baked,
    now: Assessment,
    at_bake_end: Assessment,
    look: Look,
    held: str,
    notes: Sequence[str],
) -> Decision:
    """Decide about a step that no alarm ends.

    The order is: a failed gate, a canary of which nothing is seen, an early pass, the end of the bake. A step passes
    only at its own share, when it is not `held` (a sentence that says why) and when this look saw a new period: nothing
    is raised on old evidence. A step that lacks evidence stays until `max_bake`. `notes` are added to the reason.

    In a hold-back only a failed gate takes the traffic of the release, which is promoted. Too little evidence does not,
    nor does a silent canary: it may be night.
    """
    if now.verdict is Verdict.FAIL:
        return Decision(Next.REJECT, now.reason)
    if step.passes is Passes.HOLD_BACK:
        return _held_back(step, baked, look.pace.share, "; ".join([held or now.reason, *notes]))
    lacks = lacking(step, baked, now, at_bake_end, look)
    if not lacks and not held and baked.is_fresh:
        passed = at_bake_end if _is_over(step, baked) or step.passes is not Passes.EVIDENCE else now
        why = "; ".join(filter(None, [passed.reason, baked.cut_short]))
        return Decision(Next.PROMOTE if last else Next.NEXT_STEP, why)
    why = held or lacks or sentences.NOTHING_NEW
    return _without_a_pass(step, baked, "; ".join([why, *notes]))


def lacking(step: Step, baked: Baked, now: Assessment, at_bake_end: Assessment, look: Look) -> str:
    """Return why a step does not pass yet; empty when it may."""
    if look.pace.share < step.percent:
        return sentences.ON_THE_WAY.format(
            share=look.pace.share, step=step.title, why=look.held or look.limit or now.reason
        )
    match step.passes:
        case Passes.EVIDENCE:
            return _lacks_evidence(step, baked, now, at_bake_end)
        case Passes.BUDGET:
            return _lacks_budget(step, baked, now, look)
        case Passes.PROOF:
            return _lacks_proof(step, baked, at_bake_end, look)
        case Passes.WATCH | Passes.HOLD_BACK:
            is_enough = at_bake_end.verdict is Verdict.PASS and _is_over(step, baked)
            return look.held or ("" if is_enough else at_bake_end.reason)


def _lacks_evidence(step: Step, baked: Baked, now: Assessment, at_bake_end: Assessment) -> str:
    assessment = at_bake_end if _is_over(step, baked) else now
    if assessment.verdict is Verdict.PASS:
        return ""
    is_short = baked.elapsed >= step.bake_seconds and at_bake_end.verdict is not Verdict.PASS
    return (at_bake_end if is_short else assessment).reason


def _lacks_budget(step: Step, baked: Baked, now: Assessment, look: Look) -> str:
    if now.holds:
        return now.reason
    if look.held or not _is_over(step, baked):
        return look.held or now.reason
    if baked.requests < step.min_requests:
        return sentences.FEW_REQUESTS.format(requests=baked.requests, least=step.min_requests)
    allowed, limit = look.affordable
    return limit if allowed < LEAST_RAISE * look.pace.share and not baked.cut_short else ""


def _lacks_proof(step: Step, baked: Baked, at_bake_end: Assessment, look: Look) -> str:
    if look.held or at_bake_end.verdict is not Verdict.PASS:
        return look.held or at_bake_end.reason
    return (
        "" if look.is_proven(at_bake_end=_is_over(step, baked)) else sentences.NOT_PROVEN.format(why=at_bake_end.reason)
    )


def _held_back(step: Step, baked: Baked, share: float, why: str) -> Decision:
    """Decide about a hold-back: when its time is over, the release gets the rest, and then the rollout ends."""
    if baked.lasted < step.bake_seconds:
        words = {"lasted": baked.lasted, "duration": step.bake_seconds, "why": why}
        return Decision(Next.HOLD_BACK, sentences.HOLDING_BACK.format(**words))
    following = Next.RAISE if share < EVERYTHING else Next.PROMOTE
    return Decision(following, sentences.HELD_BACK_TO_THE_END.format(why=why))


def _is_over(step: Step, baked: Baked) -> bool:
    return bool(baked.cut_short) or baked.seen >= step.bake_seconds


def _without_a_pass(step: Step, baked: Baked, why: str) -> Decision:
    words = {"step": step.title, "why": why}
    if baked.blind >= BLIND_SECONDS:
        return Decision(Next.TAKE_BACK, sentences.BLIND.format(blind=baked.blind, **words))
    if baked.is_undecided or baked.elapsed >= longest_bake_seconds(step.bake_seconds, step.max_bake_seconds):
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
