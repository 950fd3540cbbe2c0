"""Everything that can go wrong, as fragments of a scenario. Each begins at a given second of the rollout."""

from collections.abc import Callable, Mapping
from typing import Any

from rollout.contract.names import SLOT_A, SLOT_B

from bench.chaos.calls import INVOKE, LEDGER, SET_FLOOR, SET_WEIGHTS

Fragment = dict[str, Any]
MINUTES = 300.0
MOMENT = 1.0


def _throttled(call: str) -> str:
    return "TooManyRequestsException" if call == INVOKE else "ThrottlingException"


def _fault(call: str, error: str, at_s: float, for_s: float) -> Fragment:
    return {"faults": [{"at_s": at_s, "for_s": for_s, "call": call, "error": error}]}


def _refused(call: str) -> str:
    return "InvalidRequestContentException" if call == INVOKE else "ValidationException"


def _crashed(call: str) -> str:
    return "Unknown" if call == INVOKE else "crash"


OF_CALLS: Mapping[str, Callable[[str, float], Fragment]] = {
    "throttled once": lambda call, at_s: _fault(call, _throttled(call), at_s, MOMENT),
    "throttled for minutes": lambda call, at_s: _fault(call, _throttled(call), at_s, MINUTES),
    "refused": lambda call, at_s: _fault(call, _refused(call), at_s, MOMENT),
    "time-out": lambda call, at_s: _fault(call, "timeout", at_s, 30.0),
    "crash after effect": lambda call, at_s: _fault(call, _crashed(call), at_s, MOMENT),
    "in progress for minutes": lambda call, at_s: _fault(call, "in-progress", at_s, MINUTES),
}
"""What can go wrong with one call."""

_PREVIOUS_WEIGHTS = {SLOT_A: 100, SLOT_B: 0}


def _control(at_s: float, do: str, **more: Any) -> Fragment:
    return {"controls": [{"at_s": at_s, "do": do, **more}]}


OF_WORLD: Mapping[str, Callable[[float], Fragment]] = {
    "capacity never comes": lambda _at_s: {"capacity": {"launch_s": 3 * 3600}},
    "weights fall back": lambda at_s: _control(at_s, "weights-fall-back"),
    "weights set back": lambda at_s: _control(at_s, "set-weights", weights=_PREVIOUS_WEIGHTS),
    "weights changed by somebody else": lambda at_s: _control(at_s, "set-weights", weights={SLOT_A: 50, SLOT_B: 50}),
    "metrics late": lambda _at_s: {"metrics": {"delay_s": 400}},
    "metrics missing": lambda at_s: {"metrics": {"missing": [{"from_s": at_s, "to_s": at_s + MINUTES}]}},
    "everything fails": lambda at_s: {
        "changes": [{"at_s": at_s, "for_s": MINUTES, "who": "both", "set": {"error_rate": 1.0}}]
    },
    "metrics negative": lambda at_s: _control(at_s, "negate-metrics"),
    "more errors than requests": lambda at_s: _control(at_s, "inflate-errors"),
    "metrics beyond all bounds": lambda at_s: _control(at_s, "blow-up-metrics"),
    "alarm deleted": lambda at_s: _control(at_s, "delete-alarm"),
    "alarm stuck in ALARM": lambda at_s: _control(at_s, "hold-alarm-in-alarm"),
    "alarm stuck in OK": lambda at_s: _control(at_s, "hold-alarm-in-ok"),
    "alarm flapping": lambda at_s: _control(at_s, "flap-alarm"),
    "endpoint deleted": lambda at_s: _control(at_s, "delete-endpoint"),
    "ledger unavailable": lambda at_s: {
        "faults": [{"at_s": at_s, "for_s": MINUTES, "call": call, "error": "InternalServerError"} for call in LEDGER]
    },
    "stopped": lambda at_s: _control(at_s, "stop-execution"),
    "aborted": lambda at_s: _control(at_s, "abort"),
    "timed out": lambda at_s: _control(at_s, "time-out-execution"),
    "events again": lambda at_s: _control(at_s, "duplicate-event"),
    "events late and out of order": lambda at_s: _control(at_s, "delay-events"),
    "deploy meanwhile": lambda at_s: _control(at_s, "deploy"),
}
"""What can go wrong outside the calls."""

FROM_THE_BEGINNING = ("capacity never comes", "metrics late")
"""These hold for the whole rollout; they do not begin in a state."""


def fits(kind: str, call: str) -> bool:
    """Tell whether this can happen to a call: SageMaker refuses only changes because another change is in progress."""
    if kind == "in progress for minutes":
        return call in {SET_WEIGHTS, SET_FLOOR}
    return not (kind == "time-out" and call == INVOKE)
