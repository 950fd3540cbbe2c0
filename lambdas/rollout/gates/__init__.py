"""Gates: sequential tests of the canary against stable that may be looked at every minute."""

from rollout.contract.gate_rules import InvalidGatesError
from rollout.gates.counts import Counts, InvalidCountsError
from rollout.gates.judge import Judge
from rollout.gates.minutes import InvalidMinutesError, Minute
from rollout.gates.report import Assessment, GateAssessment, Verdict
from rollout.gates.view import GateView

__all__ = [
    "Assessment",
    "Counts",
    "GateAssessment",
    "GateView",
    "InvalidCountsError",
    "InvalidGatesError",
    "InvalidMinutesError",
    "Judge",
    "Minute",
    "Verdict",
]
