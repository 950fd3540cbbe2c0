"""What a gate saw, in words and numbers."""

import math

from rollout.contract.gate_rules import GateRule
from rollout.gates.counts import Counts

MOST_SAID = 1e9
SMALL_RATE = 0.0005


def comparison(gate: GateRule, seen: Counts) -> str:
    """Return both variants' counts.

    >>> comparison(GateRule(name="errors"), Counts(9720, 61, 184310, 190))
    'canary 61 of 9,720 requests failed (0.63 %), stable 190 of 184,310 (0.10 %)'
    """
    canary = f"canary {_part(seen.canary_bad, seen.canary_total, f' requests {gate.event}')}"
    return f"{canary}, stable {_part(seen.stable_bad, seen.stable_total, '')}"


def rising(seen: Counts) -> str:
    """Return the counts since the evidence began to rise, for a fault that began late."""
    return (
        f"since the evidence began to rise canary {_part(seen.canary_bad, seen.canary_total, '')}, "
        f"stable {_part(seen.stable_bad, seen.stable_total, '')}"
    )


def failing(gate: GateRule, log_evidence: float, log_required: float, discount: float) -> str:
    """Return the claim that rolled back, and how sure it is."""
    return f"{_claim(gate)}, evidence {odds(log_evidence)}{_asked(log_required, discount)}"


def undecided(gate: GateRule, log_evidence: float, log_required: float, discount: float) -> str:
    """Return how far the evidence is from rolling back."""
    asked = f"{odds(log_required)} rolls back{_noise(discount)}"
    if log_evidence < math.log(2.0):
        return f"no evidence of {_claim(gate)}, {asked}"
    return f"evidence of {_claim(gate)} {odds(log_evidence)}, {asked}"


def passing(gate: GateRule, log_evidence: float) -> str:
    """Return the claim that let the step pass early."""
    return f"not {_claim(gate)}, evidence {odds(log_evidence)}"


def superior(log_evidence: float) -> str:
    """Return the claim that let the step pass where superiority is asked."""
    return f"better than stable, evidence {odds(log_evidence)}"


def not_superior(log_evidence: float, log_required: float) -> str:
    """Return how far the evidence is from that claim."""
    return f"not proven better than stable, evidence {odds(log_evidence)} of {odds(log_required)} asked"


def odds(log_evidence: float) -> str:
    """Return `1 in N`, N to two significant digits and never more than the evidence.

    >>> odds(math.log(2345))
    '1 in 2,300'
    >>> odds(50.0)
    'beyond 1 in 1,000,000,000'
    """
    if log_evidence >= math.log(MOST_SAID):
        return f"beyond 1 in {MOST_SAID:,.0f}"
    chances = math.exp(max(0.0, log_evidence)) * (1.0 + 1e-9)
    unit = 10 ** max(0, math.floor(math.log10(chances)) - 1)
    return f"1 in {math.floor(chances / unit) * unit:,}"


def percent(rate: float) -> str:
    """Return a rate in percent, small ones with two significant digits.

    >>> percent(0.00628), percent(0.0000123), percent(0.0)
    ('0.63 %', '0.0012 %', '0.00 %')
    """
    return f"{100 * rate:.2g} %" if 0.0 < rate < SMALL_RATE else f"{100 * rate:.2f} %"


def _claim(gate: GateRule) -> str:
    if gate.is_lower_worse:
        return f"below {gate.ratio:g} times stable's rate"
    return f"at least {gate.ratio:g} times worse" if gate.ratio > 1.0 else "worse than stable"


def _asked(log_required: float, discount: float) -> str:
    return f" of {odds(log_required)} asked{_noise(discount)}" if discount > 1.0 else ""


def _noise(discount: float) -> str:
    return f" (minutes taken to vary {discount:.1f} times as much as chance)" if discount > 1.0 else ""


def _part(bad: int, total: int, what: str) -> str:
    rate = f" ({percent(bad / total)})" if total else ""
    return f"{bad:,} of {total:,}{what}{rate}"
