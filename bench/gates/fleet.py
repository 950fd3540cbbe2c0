"""Many rollouts at once: the shipped gate of the rare form, written again in numpy for speed.

`tests/gates/test_bench_fleet.py` proves that it decides as the shipped code does, minute by minute.
"""

import math

import numpy as np
from numpy.typing import NDArray
from rollout.contract.gate_rules import JudgeRules
from rollout.gates import bad_minutes, dispersion, effects, failing, gate, logs, restarts, stable_alone
from rollout.gates.boosting import MOST_BAD_REQUESTS, OUT_OF_REACH, log_boost, split_at
from rollout.gates.counts import Counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LARGEST_TABLE = 300


class TailTable:
    """P(X < x) of all laws of one boundary share, for up to `LARGEST_TABLE` bad requests, on demand."""

    def __init__(self, boundary: float, multiples: Floats) -> None:
        self.boundary = boundary
        self.laws = multiples * boundary / (1.0 + (multiples - 1.0) * boundary)
        side = LARGEST_TABLE + 1
        self.below = np.zeros((side, side + 1, multiples.size))
        self.tail = np.zeros((side, side + 1))
        self.is_filled = np.zeros(side, dtype=bool)

    def fill(self, bads: Ints) -> None:
        """Compute what is still missing for these numbers of bad requests."""
        for bad in np.unique(bads):
            if not self.is_filled[bad]:
                for x in range(1, bad + 1):
                    self.below[bad, x] = [split_at(x, int(bad), law)[0] for law in self.laws]
                    self.tail[bad, x] = split_at(x, int(bad), self.boundary)[1]
                self.is_filled[bad] = True


class Fleet:
    """One gate, in as many independent rollouts as there are rows."""

    def __init__(self, settings: JudgeRules, runs: int, canary_total: int, stable_total: int) -> None:
        (self.gate,) = settings.gates
        self.settings = settings
        self.threshold = -math.log(settings.alpha)
        self.weights = np.array(effects.harmful_weights(self.gate))
        self.multiples = np.array((*effects.harmful(self.gate), 1.0))
        start = gate.Gate(self.gate, settings).new_state().capital
        cash = -math.inf if start.cash is None else start.cash
        self.bets: Floats = np.tile(np.array((*start.logs, cash)), (runs, 1))
        self.part = 1.0 - bad_minutes.PART if settings.is_robust else 1.0
        of_minutes = bad_minutes.BadMinutes.start().capital
        self.alone: Floats = np.tile(np.array((*of_minutes.logs, of_minutes.cash), dtype=float), (runs, 1))
        self.excess = np.zeros(runs)
        self.pairs = np.zeros(runs)
        self.units = np.zeros((runs, 6), dtype=np.int64)  # previous, current, seen; (canary, both) each
        self.rising = np.zeros((runs, 4), dtype=np.int64)
        self.rising_expected = np.zeros(runs)
        self.lowest = np.zeros(runs)
        self.outage = np.zeros(runs, dtype=np.int64)
        self.recent = np.zeros((runs, 2))
        self.split(canary_total, stable_total)

    def split(self, canary_total: int, stable_total: int) -> None:
        """Set how many requests each variant gets in a minute."""
        self.totals = (canary_total, stable_total)
        canary = self.gate.ratio * canary_total
        self.boundary = canary / (canary + stable_total)
        self.table = TailTable(self.boundary, self.multiples)

    def begin_step(self, canary_total: int, stable_total: int) -> None:
        """Enter the next step: begin to bet anew and forget the unit to compare with."""
        self.split(canary_total, stable_total)
        self.units[:] = 0
        if self.settings.is_robust:
            everyone = np.ones(len(self.bets), dtype=bool)
            self._invest(everyone, np.full(len(self.bets), restarts.PART_AT_STEP))

    def keep(self, rows: Bools) -> None:
        """Keep some of the rollouts and drop the others."""
        for name in (
            "bets",
            "alone",
            "excess",
            "pairs",
            "units",
            "rising",
            "rising_expected",
            "lowest",
            "outage",
            "recent",
        ):
            setattr(self, name, getattr(self, name)[rows])

    @property
    def discount(self) -> Floats:
        """The factor on the evidence asked for."""
        if not self.settings.is_robust:
            return np.ones(len(self.bets))
        return discount(self.excess, self.pairs)

    @property
    def totals_log(self) -> Floats:
        """The log of each rollout's capital."""
        return log_sum(self.bets)

    def update(self, canary_bad: Ints, stable_bad: Ints) -> Bools:
        """Add one minute to every rollout and tell which of them roll back."""
        before, of_outage = self.bets.copy(), self.outage > 0
        self._restart()
        self._bet(canary_bad, canary_bad + stable_bad)
        self.bets = np.where(of_outage[:, None], before, self.bets)
        self.outage = self._minutes_of_outage(canary_bad, stable_bad)
        self._observe(canary_bad, canary_bad + stable_bad)
        total = self.totals_log
        low = (total <= self.lowest) & ~of_outage
        minute = np.stack(np.broadcast_arrays(self.totals[0], canary_bad, self.totals[1], stable_bad), axis=1)
        self.rising = np.where(low[:, None], 0, self.rising + minute * ~of_outage[:, None])
        expected = self.totals[0] * stable_bad / self.totals[1] * ~of_outage
        self.rising_expected = np.where(low, 0.0, self.rising_expected + expected)
        self.lowest = np.where(low, floored(total), self.lowest)
        of_requests = total - (self.discount - 1.0) * self.threshold + math.log(self.part)
        of_requests = np.where(self._is_practical(), of_requests, -math.inf)
        failed: Bools = np.logaddexp(of_requests, self._of_minutes(canary_bad, stable_bad)) >= self.threshold
        return failed

    def _minutes_of_outage(self, canary_bad: Ints, stable_bad: Ints) -> Ints:
        """Tell for how long stable alone has been in trouble in each rollout, by the shipped code where it may be."""
        canary_total, stable_total = self.totals
        minutes = np.zeros(len(stable_bad), dtype=np.int64)
        for row in np.flatnonzero(stable_bad * canary_total > stable_alone.TIMES * canary_bad * stable_total):
            bad, total = self.recent[row]
            usual = (bad + 0.5) / (total + 1.0) if total else None
            counts = Counts(canary_total, int(canary_bad[row]), stable_total, int(stable_bad[row]))
            minutes[row] = stable_alone.minutes_alone(self.gate, counts, usual, int(self.outage[row]))
        minute = np.stack(np.broadcast_arrays(stable_bad, stable_total), axis=1)
        self.recent = self._faded(minute)
        return minutes

    def _faded(self, minute: Ints) -> Floats:
        faded: Floats = self.recent * gate.MEMORY + minute
        return np.stack([faded[:, 0].round(2), faded[:, 1].round(1)], axis=1)

    def _of_minutes(self, canary_bad: Ints, stable_bad: Ints) -> Floats:
        """Return the score of minutes that were bad for the canary alone."""
        if not self.settings.is_robust:
            return np.full(len(canary_bad), -math.inf)
        cash = self.alone[:, -1]
        part = np.exp(cash) / (restarts.SPARING + np.exp(cash))
        stake = self._stakes(cash, part, np.ones_like(cash))
        drained = self.alone[:, 0] < stake + math.log(restarts.DRAINED)
        bet = np.where(drained, floored(np.logaddexp(self.alone[:, 0], stake)), self.alone[:, 0])
        kept = np.where(drained, floored(cash + np.log1p(-part)), cash)
        growth = np.full(len(bet), bad_minutes.LOSS)
        growth[self._is_bad(stable_bad, canary_bad, stable=True)] = -bad_minutes.GAIN
        growth[self._is_bad(canary_bad, stable_bad, stable=False)] = bad_minutes.GAIN
        self.alone = np.stack([floored(bet + growth), floored(kept)], axis=1)
        scores: Floats = log_sum(self.alone) + math.log(bad_minutes.PART)
        return scores

    def _is_bad(self, one: Ints, other: Ints, *, stable: bool) -> Bools:
        """Tell in which rollouts the minute was bad for one variant alone, by the shipped code where it may be."""
        total, of_other = reversed(self.totals) if stable else self.totals
        worse = self.gate.ratio * bad_minutes.WORSE * total
        bad: Bools = one > (one + other) * worse / (worse + of_other)
        for row in np.flatnonzero(bad):
            counts = Counts(total, int(one[row]), of_other, int(other[row]))
            bad[row] = bad_minutes.is_bad(self.gate, counts)
        return bad

    def _is_practical(self) -> Bools:
        canary_total, canary_bad, stable_total, _ = self.rising.T
        worse = (canary_bad - self.rising_expected) / np.maximum(1, canary_total)
        if self.gate.is_lower_worse:
            worse = -worse
        practical: Bools = (canary_total > 0) & (stable_total > 0) & (worse >= self.gate.min_difference)
        return practical

    def _restart(self) -> None:
        if not self.settings.is_robust:
            return
        cash = np.exp(self.bets[:, -1])
        part = cash / (restarts.SPARING + cash)
        stake = self._stakes(self.bets[:, -1], part, self.discount)
        limit = stake + self.discount * math.log(restarts.DRAINED)
        drained = log_sum(self.bets[:, :-1]) < limit
        if drained.any():
            self._invest(drained, part[drained])

    def _invest(self, rows: Bools, part: Floats) -> None:
        cash = self.bets[rows, -1]
        stakes = self._stakes(cash, part, self.discount[rows])[:, None] + np.log(self.weights)
        self.bets[rows, :-1] = floored(np.logaddexp(self.bets[rows, :-1], stakes))
        self.bets[rows, -1] = floored(cash + np.log1p(-part))

    @staticmethod
    def _stakes(cash: Floats, part: Floats, discount: Floats) -> Floats:
        taken: Floats = cash + np.log(part)
        return np.minimum(taken, restarts.ALLOWANCE * discount * taken)

    def _bet(self, canary_bad: Ints, bad: Ints) -> None:
        discount, total = self.discount, self.totals_log
        step_end = np.full(len(total), math.inf)
        if self.settings.is_robust:
            step_end = np.maximum(total, 0.0) + failing.LARGEST_STEP * self.threshold * discount
        may_boost = bad <= failing.HIGHEST_BOOSTED_RATE * sum(self.totals)
        ceiling = np.maximum(discount * self.threshold - math.log(self.part) + failing.ROUNDING_ROOM, total)
        ceiling = np.where(may_boost, np.minimum(step_end, ceiling), step_end)
        boost = np.zeros(len(total))
        headroom = ceiling - total
        able = may_boost & (headroom > 0) & (headroom < OUT_OF_REACH) & (bad > 0)
        if able.any():
            boost[able] = self._boosts(np.exp(self.bets[able] - total[able, None]), headroom[able], bad[able])
        grown = self.bets + canary_bad[:, None] * np.log(self.multiples)
        grown = grown - bad[:, None] * np.log1p((self.multiples - 1.0) * self.boundary)
        grown_bets = grown[:, :-1]
        cash = grown[:, -1]
        left = ceiling + np.log1p(-np.exp(np.minimum(0.0, cash - ceiling)))
        centred = grown_bets - grown_bets.max(axis=1, keepdims=True)
        truncated = np.hstack([centred + (left - log_sum(centred))[:, None], cash[:, None]])
        is_over = log_sum(grown) + boost > ceiling
        self.bets = floored(np.where(is_over[:, None], truncated, grown + boost[:, None]))

    def _boosts(self, shares: Floats, headroom: Floats, bad: Ints) -> Floats:
        """Return ln b per row, by table for few bad requests and by the shipped code for many."""
        boosts = np.zeros(len(bad))
        few = bad <= LARGEST_TABLE
        if few.any():
            boosts[few] = self._tabled_boosts(shares[few], headroom[few], bad[few])
        for row in np.flatnonzero(~few & (bad <= MOST_BAD_REQUESTS)):
            boosts[row] = log_boost(
                shares[row].tolist(),
                self.multiples.tolist(),
                float(headroom[row]),
                int(bad[row]),
                self.boundary,
            )
        return boosts

    def _tabled_boosts(self, shares: Floats, headroom: Floats, bad: Ints) -> Floats:
        self.table.fill(bad)
        ceiling = np.exp(headroom)
        with np.errstate(divide="ignore"):
            starts = np.log(shares) - bad[:, None] * np.log1p((self.multiples - 1.0) * self.boundary)
        slopes = np.log(self.multiples)

        def is_truncated_from(x: Ints) -> Bools:
            value = log_sum(starts + x[:, None] * slopes)
            kept = (shares * self.table.below[bad, x]).sum(axis=1)
            cost = kept * np.exp(np.minimum(-value, OUT_OF_REACH)) + self.table.tail[bad, x]
            affordable: Bools = cost <= 1.0 / ceiling
            return affordable

        low, high = np.ones_like(bad), bad + 1
        while (low < high).any():
            middle = (low + high) // 2
            truncated = is_truncated_from(np.minimum(middle, bad)) & (middle <= bad)
            open_ = low < high
            high = np.where(open_ & truncated, middle, high)
            low = np.where(open_ & ~truncated, middle + 1, low)
        at = np.minimum(low, bad)
        kept = (shares * self.table.below[bad, at]).sum(axis=1)
        boost = np.log(np.maximum(1e-300, 1.0 - ceiling * self.table.tail[bad, at]) / kept)
        return np.where(low > bad, 0.0, np.maximum(0.0, boost))

    def _observe(self, canary_bad: Ints, bad: Ints) -> None:
        if not self.settings.is_robust:
            return
        usual = self.outage == 0
        unit_x, unit_m = self.units[:, 2] + canary_bad * usual, self.units[:, 3] + bad * usual
        full = usual & (unit_m >= dispersion.UNIT)
        seen_x = self.units[:, 4] + unit_x * full
        seen_m = self.units[:, 5] + unit_m * full
        before_x, before_m = self.units[:, 0], self.units[:, 1]
        pairable = full & (before_m > 0) & (seen_x > 0) & (seen_x < seen_m)
        share = seen_x / np.maximum(1, seen_m)
        total = sum(self.totals)
        finite = np.maximum(1.0 - bad / total, dispersion.UNIT / (dispersion.UNIT + total))
        inverse = 1.0 / np.maximum(1, before_m) + 1.0 / np.maximum(1, unit_m)
        variance = np.where(pairable, share * (1.0 - share) * inverse * finite, 1.0)
        difference = unit_x / np.maximum(1, unit_m) - before_x / np.maximum(1, before_m)
        excess = floored(self.excess + difference**2 / variance)
        self.excess = np.where(pairable, excess, self.excess)
        self.pairs = self.pairs + pairable
        pieces = (
            np.where(full, unit_x, before_x),
            np.where(full, unit_m, before_m),
            np.where(full, 0, unit_x),
            np.where(full, 0, unit_m),
            seen_x,
            seen_m,
        )
        self.units = np.stack(pieces, axis=1)


def log_sum(values: Floats) -> Floats:
    """Return ln Σ exp over the last axis."""
    highest = values.max(axis=-1, keepdims=True)
    total: Floats = highest[..., 0] + np.log(np.exp(values - highest).sum(axis=-1))
    return total


def discount(excess: Floats, pairs: Floats) -> Floats:
    """Return the factor on the evidence asked for, as the shipped code does."""
    mean = (dispersion.PRIOR + excess) / (dispersion.PRIOR + pairs)
    error = np.sqrt(3.0 * pairs) / (dispersion.PRIOR + pairs)
    raised: Floats = np.maximum(1.0, mean - dispersion.STANDARD_ERRORS * error)
    return np.minimum(raised, dispersion.LARGEST_DISCOUNT)


def floored(values: Floats) -> Floats:
    """Cut logs downwards as the shipped code does."""
    resolution = np.where(values > logs.DRAINED, logs.RESOLUTION, logs.DRAINED_RESOLUTION)
    resolution = np.where(values > logs.LOST, resolution, 1.0)
    cut: Floats = np.floor(values * resolution) / resolution
    return cut
