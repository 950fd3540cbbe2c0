"""When cash is bet again, so that a late fault need not win back what healthy hours lost.

The evidence stays valid: capital may move from cash to bets, some may be given up, and the moment depends on earlier
minutes only. The reserve costs ln(1/0.92) of evidence: 2 % of the requests at alpha = 1 %.
"""

import math
from collections.abc import Sequence

from rollout.gates.capital import Capital
from rollout.gates.logs import log_sum

PART_AT_STEP = 0.5
SPARING = 1.0
DRAINED = 0.01
ALLOWANCE = 1.3


def at_step(capital: Capital, weights: Sequence[float], discount: float) -> Capital:
    """Bet half of the cash at the start of a step, when load and faults change."""
    if capital.cash is None:
        return capital
    return capital.invest(weights, PART_AT_STEP, log_stake(capital.cash, PART_AT_STEP, discount))


def when_drained(capital: Capital, weights: Sequence[float], discount: float) -> Capital:
    """Bet part of the cash when all bets together are worth less than a hundredth of that part.

    The part shrinks with the cash. After k restarts about 1/k of the cash is left, so some is left after weeks.
    """
    if capital.cash is None:
        return capital
    cash = math.exp(capital.cash)
    part = cash / (SPARING + cash)
    stake = log_stake(capital.cash, part, discount)
    if log_sum(capital.logs) >= stake + discount * math.log(DRAINED):
        return capital
    return capital.invest(weights, part, stake)


def log_stake(cash: float, part: float, discount: float) -> float:
    """Return the log of the stake. In noisy minutes it is less than the cash loses.

    Noise multiplies logs and the required evidence by the discount. An undiscounted stake would make each restart too
    cheap. The allowance is for slow drifts of one variant, which successive minutes do not show.
    """
    taken = cash + math.log(part)
    return min(taken, ALLOWANCE * discount * taken)
