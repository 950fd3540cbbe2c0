"""What the judge says: a verdict, the reason, and every gate's numbers."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`CONTINUE`: not enough evidence yet."""

    FAIL = "FAIL"
    PASS = "PASS"  # noqa: S105  # a verdict, no password
    CONTINUE = "CONTINUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAssessment:
    """One gate: its verdict on the current step, the rollout's counts so far, and a sentence.

    `log_evidence` is ln of the capital that bet on "worse than tolerated"; it rolls back at
    `dispersion · ln(1/alpha) - ln(weight)`. `step_requests` are the canary's requests in this step.
    """

    name: str
    verdict: Verdict
    log_evidence: float
    dispersion: float
    canary_total: int
    canary_bad: int
    stable_total: int
    stable_bad: int
    step_minutes: int
    step_requests: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The verdict on the rollout's current step.

    `minute` is the minute that decided, or the last one used (None before the first); `gate` is the gate
    that rolls back. `starved` says that the canary gets too little traffic: hold, then roll back.
    `skipped` names minutes whose counts could not be used.
    """

    verdict: Verdict
    reason: str
    minute: int | None
    gate: str | None
    gates: tuple[GateAssessment, ...]
    starved: bool = False
    skipped: tuple[str, ...] = ()
