"""Every sentence of the gates that people read: in the ledger, in events and in the output of the replay."""

import math

from rollout.contract.gate_rules import GateRule
from rollout.gates.counts import Counts

MOST_SAID = 1e9
SMALL_RATE = 0.0005
UNASKED = "not compared in this step: a cohort's callers are chosen, and may be at fault more often than the others"


def comparison(gate: GateRule, seen: Counts, *, bounded: bool = False) -> str:
    """Return both variants' counts. `bounded`: the canary's bad requests are a lower bound, stable's an upper one.

    >>> comparison(GateRule(name="errors"), Counts(9720, 61, 184310, 190))
    'canary 61 of 9,720 requests failed (0.63 %), stable 190 of 184,310 (0.10 %)'
    >>> comparison(GateRule(name="latency", event="took more than 1000 ms"), Counts(97, 2, 900, 1), bounded=True)
    'canary at least 2 of 97 requests took more than 1000 ms (2.06 %), stable at most 1 of 900 (0.11 %)'
    """
    return _of_both(seen, f" requests {gate.event}", bounded=bounded)


def users(spread: float, *, judges: bool) -> str:
    """Return what the users of a cohort explain by themselves, and what such a step cannot do.

    >>> users(10.0, judges=False)
    "the cohort's own users may explain a rate 10 times as high or as low: this step can find what is broken, it \
cannot judge what is better"
    """
    what = f"the cohort's own users may explain a rate {spread:g} times as high or as low"
    return what if judges else f"{what}: this step can find what is broken, it cannot judge what is better"


def minute_by_minute(seen: Counts, expected: float) -> str:
    """Return what stable's rate of the same minutes makes of the canary's requests: it follows stable's counts.

    >>> minute_by_minute(Counts(10_000, 483, 100_000, 3_250), 479.2)
    ", which minute by minute makes 479 of the canary's 10,000 (4.79 %)"
    """
    rate = percent(expected / seen.canary_total)
    return f", which minute by minute makes {expected:,.0f} of the canary's {seen.canary_total:,} ({rate})"


def rising(seen: Counts, *, bounded: bool = False) -> str:
    """Return the counts since the evidence began to rise, for a fault that began late."""
    return f"since the evidence began to rise: {_of_both(seen, '', bounded=bounded)}"


def failing(gate: GateRule, log_evidence: float, log_required: float, discount: float) -> str:
    """Return the claim that rolls back, and its evidence.

    >>> failing(GateRule(name="errors"), math.log(561), math.log(560), 1.3)
    'the canary is at least 1.25 times worse, evidence 1 in 560; that much was required because counts vary 1.3 times \
as much as chance'
    """
    said, required = odds(log_evidence), odds(log_required)
    noise = _noise(discount)
    needed = f"; {'that much' if said == required else required} was required{noise}" if noise else ""
    return f"{_claim(gate)}, evidence {said}{needed}"


def failing_alone(count: int, log_evidence: float, log_required: float) -> str:
    """Return the claim that rolls back because the canary was bad in whole minutes, and its evidence.

    >>> failing_alone(3, math.log(40_000), math.log(33_000))
    'the canary was bad in 3 minutes in which stable was not, evidence 1 in 40,000 (1 in 33,000 was required)'
    """
    required = f"({odds(log_required)} was required)"
    return f"the canary was bad in {count} minutes in which stable was not, evidence {odds(log_evidence)} {required}"


def with_the_rest(log_evidence: float, log_required: float) -> list[str]:
    """Return what to add to a claim that rolls back with less evidence than it requires alone.

    All evidence against the canary is added: of its requests, its bad minutes and the other gates.

    >>> with_the_rest(math.log(31_000), math.log(33_000)), with_the_rest(math.log(100), math.log(100.1))
    (['with the other evidence against the canary that is enough'], [])
    """
    is_less = log_evidence < log_required and odds(log_evidence) != odds(log_required)
    return ["with the other evidence against the canary that is enough"] if is_less else []


def undecided(gate: GateRule, log_evidence: float, log_required: float, discount: float) -> str:
    """Return how far the evidence is from rolling back.

    >>> undecided(GateRule(name="errors"), 0.0, math.log(100), 1.0)
    'no sign that the canary is at least 1.25 times worse (rolls back at evidence 1 in 100)'
    """
    sign = "no sign" if log_evidence < math.log(2.0) else f"evidence {odds(log_evidence)}"
    return f"{sign} that {_claim(gate)} (rolls back at evidence {odds(log_required)}{_noise(discount)})"


def passing(gate: GateRule, log_evidence: float) -> str:
    """Return the claim that lets the step pass early."""
    return f"{_denial(gate)}, evidence {odds(log_evidence)}"


def superior(log_evidence: float) -> str:
    """Return the claim that lets a step pass that asks for superiority."""
    return f"the canary is better than stable, evidence {odds(log_evidence)}"


def not_superior(log_evidence: float, newer: float, log_required: float) -> str:
    """Return how far the evidence is from that claim, on all of the step and on its newer half."""
    return (
        f"not proven better than stable: evidence {odds(log_evidence)}, on the newer half of the step {odds(newer)}, "
        f"{odds(log_required)} is required of both"
    )


def in_this_step(counts: str) -> str:
    """Say that counts are those of the current step alone."""
    return f"in this step {counts}"


def shortage(
    gate: str, of_canary: int, of_stable: int | None, minutes: int, *, min_requests: int, min_minutes: int
) -> str:
    """Return what a gate lacks at the end of a bake. `of_stable`: `None` at 100 %, where stable is not asked.

    >>> shortage("errors", 4000, 0, 0, min_requests=100, min_minutes=5)
    'errors: too little to judge: 4,000 requests to the canary and 0 to stable in 0 minutes, at least 100 each and \
5 minutes are required'
    """
    both = "" if of_stable is None else f" and {of_stable:,} to stable"
    required = f"{min_requests:,}{'' if of_stable is None else ' each'} and {min_minutes} minutes"
    return (
        f"{gate}: too little to judge: {of_canary:,} requests to the canary{both} in {minutes} minutes, "
        f"at least {required} are required"
    )


def counted_apart(counted: tuple[int, int], requested: tuple[int, int]) -> str:
    """Return why a gate compares nothing: what it counted and what was requested, (canary, stable) each.

    >>> print(counted_apart((480, 5400), (600, 5400)))  # doctest: +NORMALIZE_WHITESPACE
    canary 480 of 5,880 that this gate counted (8.16 %), but 600 of 6,000 requests (10.00 %): the two variants are not
    counted alike, so they are not compared; look for events that one variant loses or sends twice
    """
    of_counts = _part(counted[0], sum(counted), " that this gate counted")
    of_requests = _part(requested[0], sum(requested), " requests")
    return (
        f"canary {of_counts}, but {of_requests}: the two variants are not counted alike, so they are not compared; "
        "look for events that one variant loses or sends twice"
    )


def suspected(lately: float, before: float) -> str:
    """Return why a step waits though the canary is no worse than stable; stable's rates, 0 to 1.

    >>> print(suspected(0.08, 0.001))  # doctest: +NORMALIZE_WHITESPACE
    stable itself is at 8.00 % lately, and was at 0.10 % before the canary's share moved: the release may harm both, so
    the step waits while this lasts; look at what both variants share
    """
    return (
        f"stable itself is at {percent(lately)} lately, and was at {percent(before)} before the canary's share moved: "
        "the release may harm both, so the step waits while this lasts; look at what both variants share"
    )


OUTAGE = "stable alone is in trouble now: nothing is concluded about the canary from that"
"""Why a gate proves nothing though the canary looks better than stable."""


def starved(canary: int, stable: int, share: float) -> str:
    """Return who received the requests of the last minute; `share` (0 to 1) is the canary's configured share.

    >>> starved(0, 600, 0.1)
    'canary received 0 of 600 requests of the last minute (0.00 %), but its share is 10.00 %'
    """
    received = _part(canary, canary + stable, " requests of the last minute")
    return f"canary received {received}, but its share is {percent(share)}"


def bake_ended(gates: str) -> str:
    """Return why a step passes at the end of its bake."""
    return f"the bake ended without a failure: {gates}"


def skipped(minute: int, gate: str, error: Exception) -> str:
    """Return why a minute is not used."""
    return f"minute {minute} of gate {gate} skipped: {error}"


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
        return f"the canary is below {gate.ratio:g} times stable's rate"
    return f"the canary is {f'at least {gate.ratio:g} times worse' if gate.ratio > 1.0 else 'worse than stable'}"


def _denial(gate: GateRule) -> str:
    if gate.is_lower_worse:
        return f"the canary is not below {gate.ratio:g} times stable's rate"
    return f"the canary is not {f'{gate.ratio:g} times worse' if gate.ratio > 1.0 else 'worse than stable'}"


def _noise(discount: float) -> str:
    return f" because counts vary {discount:.1f} times as much as chance" if discount > 1.0 else ""


def _of_both(seen: Counts, what: str, *, bounded: bool) -> str:
    of_canary, of_stable = ("at least ", "at most ") if bounded else ("", "")
    canary = f"canary {of_canary}{_part(seen.canary_bad, seen.canary_total, what)}"
    return f"{canary}, stable {of_stable}{_part(seen.stable_bad, seen.stable_total, '')}"


def _part(bad: int, total: int, what: str) -> str:
    rate = f" ({percent(bad / total)})" if total else ""
    return f"{bad:,} of {total:,}{what}{rate}"
