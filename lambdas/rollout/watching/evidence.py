"""What each gate has against the canary, and at how much it rolls back."""

import math
from dataclasses import dataclass

from rollout.contract.records import StepRecord
from rollout.gates.progress import Progress
from rollout.watching.executing import Executing


@dataclass(frozen=True, kw_only=True)
class GateView:
    """One gate. Evidence is `1 in N` that chance alone did it: `evidence` and `rolls_back_at` are N.

    Below 1 the evidence speaks for the canary. `rolls_back_at` is `None` when no rollout runs that asks the gate.
    `filled`: how much of the way to the rollback the evidence has gone, 0 to 1.
    """

    name: str
    verdict: str
    sentence: str
    evidence: float
    rolls_back_at: float | None
    filled: float


def gates_of(executing: Executing | None, step: StepRecord | None) -> list[GateView]:
    """Return what each gate said at the last look of a rollout; nothing before the first."""
    if step is None:
        return []
    required = _required(executing)
    return [
        GateView(
            name=gate["name"],
            verdict=gate["verdict"],
            sentence=gate["sentence"],
            evidence=_odds(float(gate["log_evidence"])),
            rolls_back_at=_odds(required[gate["name"]]) if gate["name"] in required else None,
            filled=_filled(float(gate["log_evidence"]), required.get(gate["name"])),
        )
        for gate in step.get("gates", ())
    ]


def _required(executing: Executing | None) -> dict[str, float]:
    """Return the log-evidence at which each gate alone rolls back."""
    if executing is None or executing.step.judged is None:
        return {}
    progress = Progress.from_json(executing.plan.gates.judge, executing.step.judged)
    return {gate.rule.name: gate.required(state) for gate, state in progress.gates}


def _odds(log_evidence: float) -> float:
    """Return N of `1 in N`, with three significant digits.

    >>> _odds(math.log(560)), _odds(-2.0), _odds(1000.0)
    (560.0, 0.135, 1e+300)
    """
    return float(f"{math.exp(min(log_evidence, math.log(1e300))):.3g}")


def _filled(log_evidence: float, required: float | None) -> float:
    if not required:
        return 0.0
    return round(min(1.0, max(0.0, log_evidence / required)), 3)
