"""What the judge says about a rollout's progress: a verdict, its reason, and every gate's numbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from rollout.contract.gate_rules import WIDEST_JUDGED
from rollout.gates import sentence
from rollout.gates.counts import Counts
from rollout.gates.gate import Gate, GateState
from rollout.gates.progress import Progress
from rollout.gates.stable_alone import is_outage

TELLING_PART = 0.1
"""Sums that are nearer than this to what is compared contradict no verdict."""
CHANCE = 3
"""Standard deviations of a count: few bad requests fall into few minutes by chance."""


class Verdict(StrEnum):
    """`CONTINUE`: not enough evidence yet."""

    FAIL = "FAIL"
    PASS = "PASS"  # noqa: S105  # a verdict, no password
    CONTINUE = "CONTINUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAssessment:
    """One gate: its verdict on the current step, the rollout's counts so far, and a sentence.

    `log_evidence` is ln of the capital that bet on "worse than tolerated"; it rolls back at
    `dispersion · ln(1/alpha) - ln(alpha_share)`, of half of alpha where the rollout has cohorts.
    """

    name: str
    verdict: Verdict
    log_evidence: float
    dispersion: float
    seen: Counts
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The verdict on the rollout's current step.

    `minute` is the minute that decided, or the last one used (None before the first). `gate` is the gate that rolls
    back. `starved`: the canary gets too little traffic; hold, then roll back. `incomparable`: a gate does not count the
    two variants alike; hold. `suspected`: stable itself became much worse with this step; hold. `skipped` names minutes
    whose counts could not be used.
    """

    verdict: Verdict
    reason: str
    minute: int | None
    gate: str | None
    gates: tuple[GateAssessment, ...]
    starved: bool = False
    incomparable: bool = False
    suspected: bool = False
    skipped: tuple[str, ...] = ()

    @property
    def waits_for_a_person(self) -> bool:
        """Whether the step is held by something that only a person can look into."""
        return self.incomparable or self.suspected

    @property
    def holds(self) -> bool:
        """Whether the step must go on, whatever else is shown."""
        return self.starved or self.waits_for_a_person


def assess(progress: Progress, skipped: tuple[str, ...] = ()) -> Assessment:
    """Return the verdict: a failed gate, else a pass of every gate, else not enough evidence yet."""
    gates = tuple(_assess_gate(gate, state, progress.failed) for gate, state in progress.gates)
    verdict, reason = _verdict(progress, gates)
    return Assessment(
        verdict=verdict,
        reason=reason,
        minute=progress.passed if verdict is Verdict.PASS else progress.last,
        gate=progress.failed,
        gates=gates,
        starved=_is_starved(progress),
        incomparable=not all(gate.is_comparable(state) for gate, state in progress.gates),
        suspected=any(gate.suspects(state) for gate, state in progress.gates),
        skipped=skipped,
    )


def at_bake_end(progress: Progress, assessment: Assessment) -> Assessment:
    """Turn an undecided assessment into a pass if every gate saw enough and proved what this step requires."""
    short = [_shortage(gate, state) for gate, state in progress.gates if not gate.has_enough(state)]
    if short:
        return replace(assessment, reason="; ".join(short))
    if any(gate.lacks_superiority(state) for gate, state in progress.gates):
        return assessment
    return replace(assessment, verdict=Verdict.PASS, reason=sentence.bake_ended(assessment.reason))


def _verdict(progress: Progress, gates: tuple[GateAssessment, ...]) -> tuple[Verdict, str]:
    if progress.failed is not None:
        return Verdict.FAIL, next(_said(gate) for gate in gates if gate.name == progress.failed)
    everything = "; ".join(_said(gate) for gate in gates)
    if _is_starved(progress) and progress.traffic_seen is not None:
        return Verdict.CONTINUE, sentence.starved(*progress.traffic_seen)
    if progress.passed is not None:
        return Verdict.PASS, everything
    return Verdict.CONTINUE, everything


def _said(gate: GateAssessment) -> str:
    return f"{gate.name}: {gate.sentence}"


def _is_starved(progress: Progress) -> bool:
    return progress.traffic_gate.is_starved(progress.traffic)


def _assess_gate(gate: Gate, state: GateState, failed: str | None) -> GateAssessment:
    name = gate.rule.name
    verdict = Verdict.PASS if gate.proves(state) else Verdict.CONTINUE
    if failed == name:
        verdict = Verdict.FAIL
    return GateAssessment(
        name=name,
        verdict=verdict,
        log_evidence=state.capital.total,
        dispersion=gate.discount(state),
        seen=state.seen,
        sentence=_sentence(gate, state, verdict),
    )


def _sentence(gate: Gate, state: GateState, verdict: Verdict) -> str:
    if not gate.is_asked:
        return sentence.UNASKED
    clauses = [_comparison(gate, state, verdict)]
    if state.split is not None and not gate.is_comparable(state):
        return sentence.counted_apart(state.split.counted, state.split.requested)
    if gate.spread > 1.0:
        clauses.append(sentence.users(gate.spread, judges=gate.spread <= WIDEST_JUDGED))
    if verdict is Verdict.PASS:
        return "; ".join([*clauses, _proven(gate, state.proof.whole.total)])
    if verdict is Verdict.FAIL and gate.rests_on_minutes(state):
        return "; ".join([*clauses, *_failing_alone(gate, state)])
    if verdict is Verdict.FAIL and state.rising != state.seen:
        pooled = sentence.rising(state.rising, bounded=state.bounded)
        clauses.append(pooled + _minute_by_minute(gate, state.rising, state.rising_expected))
    say = sentence.failing if verdict is Verdict.FAIL else sentence.undecided
    clauses.append(say(gate.widened, state.capital.total, gate.required(state), gate.discount(state)))
    if verdict is Verdict.FAIL:
        clauses += sentence.with_the_rest(state.capital.total, gate.required(state))
    if verdict is Verdict.CONTINUE:
        clauses += _why_not_yet(gate, state)
    return "; ".join(clauses)


def _why_not_yet(gate: Gate, state: GateState) -> Iterator[str]:
    """Yield what else keeps a gate from passing, where the evidence does not say it."""
    if gate.asks_superiority:
        proof = state.proof
        yield sentence.not_superior(proof.whole.total, proof.newer.total, gate.required_proof(state))
    if state.suspicion is not None and gate.suspects(state):
        yield sentence.suspected(*state.suspicion.rates)
    if is_outage(state.alone):
        yield sentence.OUTAGE


def _failing_alone(gate: Gate, state: GateState) -> list[str]:
    alone, required = state.bad_minutes, gate.required_of_minutes()
    said = sentence.failing_alone(alone.count, alone.capital.total, required)
    return [said, *sentence.with_the_rest(alone.capital.total, required)]


def _comparison(gate: Gate, state: GateState, verdict: Verdict) -> str:
    """Return the counts that the verdict rests on: a proof of superiority rests on its own step."""
    if verdict is Verdict.FAIL or not gate.asks_superiority or state.own == state.seen:
        pooled = sentence.comparison(gate.rule, state.seen, bounded=state.bounded)
        return pooled + _minute_by_minute(gate, state.seen, state.expected)
    return sentence.in_this_step(sentence.comparison(gate.rule, state.own, bounded=state.bounded))


def _minute_by_minute(gate: Gate, seen: Counts, expected: float) -> str:
    """Return stable's rate as the evidence compares it, where the sums of all minutes say something else.

    At 100 % the sums hold minutes in which nothing was compared.
    """
    return "" if gate.has_all_traffic or not _tells_more(seen, expected) else sentence.minute_by_minute(seen, expected)


def _tells_more(seen: Counts, expected: float) -> bool:
    """Tell whether what is expected minute by minute differs from what the sums say, by more than chance."""
    return abs(expected - seen.expected) > TELLING_PART * seen.expected + CHANCE * math.sqrt(seen.expected)


def _proven(gate: Gate, log_evidence: float) -> str:
    return sentence.superior(log_evidence) if gate.asks_superiority else sentence.passing(gate.rule, log_evidence)


def _shortage(gate: Gate, state: GateState) -> str:
    judge = gate.judge
    return sentence.shortage(
        gate.rule.name,
        state.own.canary_total,
        None if gate.has_all_traffic else state.own.stable_total,
        state.minutes,
        min_requests=judge.min_requests,
        min_minutes=judge.min_minutes,
    )
