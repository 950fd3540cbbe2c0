"""Minutes in which stable alone is in trouble: they say nothing about how canary and stable compare at other times.

Beside an outage of stable almost every canary is better. Taken for evidence, such minutes would prove that a bad
release is good, and use up the bets that it is bad. Taken for noise, they would hide for hours that it fails.
"""

from rollout.contract.gate_rules import GateRule
from rollout.gates.counts import Counts
from rollout.gates.exact_test import chance_of_as_many

TIMES = 3.0
"""So many times as often bad as the canary and as lately, or as seldom converted. Where a release fails less than the
one before it, that one is in no outage.
"""
BEGINS, LASTS = 1e-5, 0.01
"""The chance that stable only looks so, at which its trouble begins, and at which it is not over."""
LONGEST_OUTAGE_MINUTES = 60
"""What lasts longer, or for more metric periods, is how stable is now: the release may be what ends it."""


def minutes_alone(gate: GateRule, counts: Counts, usual: float | None, before: int) -> int:
    """Return for how many minutes stable alone has been in trouble; 0 where it is not.

    `usual` is stable's rate of late, 0 to 1, None where nobody knows. `before` is the result of the minute before.

    >>> errors = GateRule(name="errors")
    >>> outage, thin = Counts(12, 1, 108, 97), Counts(5, 0, 99, 70)
    >>> [minutes_alone(errors, outage, usual, 0) for usual in (0.01, 0.5, None)]
    [1, 0, 0]
    >>> [minutes_alone(errors, thin, 0.01, before) for before in (0, 1)]
    [0, 2]
    """
    if not before and not _is_unusual(gate, counts, usual):
        return 0
    return before + 1 if chance_of_trouble(gate, counts) < (LASTS if before else BEGINS) else 0


def chance_of_trouble(gate: GateRule, counts: Counts) -> float:
    """Return the chance that stable looks so much worse though both fail alike; 1 where it is not `TIMES` as bad."""
    one, other = (counts.stable_bad, counts.stable_total), (counts.canary_bad, counts.canary_total)
    more, less = (other, one) if gate.is_lower_worse else (one, other)
    if not (one[1] and other[1]) or more[0] * less[1] <= TIMES * less[0] * more[1]:
        return 1.0
    return chance_of_as_many(*more, *less)


def _is_unusual(gate: GateRule, counts: Counts, usual: float | None) -> bool:
    if usual is None or not counts.stable_total:
        return False
    rate = counts.stable_bad / counts.stable_total
    return TIMES * rate < usual if gate.is_lower_worse else rate > TIMES * usual


def is_outage(minutes: int) -> bool:
    """Tell whether that is an outage.

    >>> [is_outage(minutes) for minutes in (0, 1, 60, 61)]
    [False, True, True, False]
    """
    return 0 < minutes <= LONGEST_OUTAGE_MINUTES
