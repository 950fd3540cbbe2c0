"""What each gate has against the canary, and at how much it rolls back."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from rollout.contract.records import GateRecord, StepRecord
from rollout.gates.progress import Progress
from rollout.watching.executing import Executing


@dataclass(frozen=True, kw_only=True)
class GateView:
    """One gate. Evidence is `1 in N` that chance alone did it: `evidence` and `rolls_back_at` are N.

    Below 1 the evidence speaks for the canary. `rolls_back_at` is `None` when no rollout runs that asks the gate.
    `filled`: how much of the way to the rollback the evidence has gone, 0 to 1. `proof`, `passes_at` and `proven` say
    the same of the proof that the canary is no worse than tolerated, with which the gate passes the step early.
    """

    name: str
    verdict: str
    sentence: str
    evidence: float
    rolls_back_at: float | None
    filled: float
    proof: float | None
    passes_at: float | None
    proven: float


class _Bounds(NamedTuple):
    """Log-evidence: where a gate rolls back, its proof so far, and where that passes."""

    against: float
    proof: float
    enough: float


def gates_of(executing: Executing | None, step: StepRecord | None) -> list[GateView]:
    """Return what each gate said at the last look of a rollout; nothing before the first."""
    if step is None:
        return []
    bounds = _bounds(executing)
    return [_view(gate, bounds.get(gate["name"])) for gate in step.get("gates", ())]


def _view(gate: GateRecord, bounds: _Bounds | None) -> GateView:
    evidence = float(gate["log_evidence"])
    return GateView(
        name=gate["name"],
        verdict=gate["verdict"],
        sentence=gate["sentence"],
        evidence=_odds(evidence),
        rolls_back_at=None if bounds is None else _odds(bounds.against),
        filled=0.0 if bounds is None else _filled(evidence, bounds.against),
        proof=None if bounds is None else _odds(bounds.proof),
        passes_at=None if bounds is None else _odds(bounds.enough),
        proven=0.0 if bounds is None else _filled(bounds.proof, bounds.enough),
    )


def _bounds(executing: Executing | None) -> dict[str, _Bounds]:
    if executing is None or executing.step.judged is None:
        return {}
    progress = Progress.from_json(executing.plan.gates.judge, executing.step.judged)
    return {
        gate.rule.name: _Bounds(gate.required(state), state.proof.whole.total, gate.required_proof(state))
        for gate, state in progress.gates
    }


def _odds(log_evidence: float) -> float:
    """Return N of `1 in N`, with three significant digits.

    >>> _odds(math.log(560)), _odds(-2.0), _odds(1000.0)
    (560.0, 0.135, 1e+300)
    """
    return float(f"{math.exp(min(log_evidence, math.log(1e300))):.3g}")


def _filled(log_evidence: float, required: float) -> float:
    return round(min(1.0, max(0.0, log_evidence / required)), 3)
