"""How other systems answer the same question, each with its source; many rollouts at once.

All are one-sided tests of "the canary's rate is at most stable's" at level ALPHA, looked at every minute.
"""

import math
from abc import ABC, abstractmethod
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.gates.fleet import Bools, Floats, Ints

ALPHA = 0.01
THRESHOLD = -math.log(ALPHA)
MINUTES_OF_A_DAY = 1440


class Rule(ABC):
    """Counts so far, one row a rollout. Subclasses say which rollouts they would roll back now."""

    def __init__(self, runs: int, canary_total: int, stable_total: int) -> None:
        self.totals = (canary_total, stable_total)
        self.minute = 0
        self.canary_bad: Ints = np.zeros(runs, dtype=np.int64)
        self.stable_bad: Ints = np.zeros(runs, dtype=np.int64)

    def keep(self, rows: Bools) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and value.ndim and len(value) == len(rows):
                setattr(self, name, value[rows])

    def update(self, canary_bad: Ints, stable_bad: Ints) -> Bools:
        self.add(canary_bad, stable_bad)
        return self.fails()

    def add(self, canary_bad: Ints, stable_bad: Ints) -> None:
        """Count one minute. Rules that look at a minute before it is counted do so first."""
        self.minute += 1
        self.canary_bad = self.canary_bad + canary_bad
        self.stable_bad = self.stable_bad + stable_bad

    @abstractmethod
    def fails(self) -> Bools:
        """Tell which rollouts the rule rolls back now."""

    def z(self) -> Floats:
        """Return the pooled two-proportion statistic of the counts so far."""
        canary, stable = (self.minute * total for total in self.totals)
        pooled = (self.canary_bad + self.stable_bad) / (canary + stable)
        error = np.sqrt(np.maximum(1e-300, pooled * (1.0 - pooled) * (1.0 / canary + 1.0 / stable)))
        difference: Floats = self.canary_bad / canary - self.stable_bad / stable
        return difference / error


class ZTest(Rule):
    """The two-proportion z-test, repeated each minute as if each look were the only one."""

    def fails(self) -> Bools:
        failing: Bools = self.z() > NormalDist().inv_cdf(1.0 - ALPHA)
        return failing


class FixedThreshold(Rule):
    """An alarm on the canary's error rate: at least 1 % in one period.

    Source: the usual CloudWatch alarm of a SageMaker canary deployment,
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """

    rate = 0.01

    def add(self, canary_bad: Ints, stable_bad: Ints) -> None:
        self.latest = canary_bad
        super().add(canary_bad, stable_bad)

    def fails(self) -> Bools:
        failing: Bools = self.latest >= self.rate * self.totals[0]
        return failing


class MannWhitney(Rule):
    """The Mann-Whitney test on per-minute error rates, normal approximation with tie correction.

    Source: Kayenta's judge, https://github.com/spinnaker/kayenta/blob/master/docs/canary-judge.md
    """

    bins = 700

    def __init__(self, runs: int, canary_total: int, stable_total: int) -> None:
        super().__init__(runs, canary_total, stable_total)
        self.canary_histogram = np.zeros((runs, self.bins), dtype=np.int32)
        self.stable_histogram = np.zeros((runs, self.bins), dtype=np.int32)

    def add(self, canary_bad: Ints, stable_bad: Ints) -> None:
        rows = np.arange(len(canary_bad))
        scale = self.totals[1] // self.totals[0]
        self.canary_histogram[rows, np.minimum(canary_bad * scale, self.bins - 1)] += 1
        self.stable_histogram[rows, np.minimum(stable_bad, self.bins - 1)] += 1
        super().add(canary_bad, stable_bad)

    def fails(self) -> Bools:
        n = self.minute
        below = np.cumsum(self.stable_histogram, axis=1) - 0.5 * self.stable_histogram
        u = (self.canary_histogram * below).sum(axis=1)
        ties = (self.canary_histogram + self.stable_histogram).astype(float)
        spread = n * n / 12.0 * (2 * n + 1 - (ties**3 - ties).sum(axis=1) / (2 * n * max(1, 2 * n - 1)))
        failing: Bools = (u - n * n / 2.0) > NormalDist().inv_cdf(1.0 - ALPHA) * np.sqrt(np.maximum(spread, 1e-12))
        return failing


class TurnerGrunwald(Rule):
    """The safe test for two proportions; both rates are learnt from earlier minutes.

    Source: Turner, Ly & Grünwald, "Generic E-variables for exact sequential k-sample tests",
    https://arxiv.org/abs/2106.02693 (beta prior 0.18, their default); bets only on a worse canary.
    """

    prior = 0.18

    def __init__(self, runs: int, canary_total: int, stable_total: int) -> None:
        super().__init__(runs, canary_total, stable_total)
        self.evidence = np.zeros(runs)

    def add(self, canary_bad: Ints, stable_bad: Ints) -> None:
        canary, stable = self.totals
        p = (self.canary_bad + self.prior) / (self.minute * canary + 2 * self.prior)
        q = (self.stable_bad + self.prior) / (self.minute * stable + 2 * self.prior)
        both = (canary * p + stable * q) / (canary + stable)
        growth = _log_ratio(canary_bad, canary, p, both) + _log_ratio(stable_bad, stable, q, both)
        self.evidence = self.evidence + np.where(p > q, growth, 0.0)
        super().add(canary_bad, stable_bad)

    def fails(self) -> Bools:
        failing: Bools = self.evidence >= THRESHOLD
        return failing


class LindonMalek(Rule):
    """The anytime-valid multinomial test on which variant the bad requests hit, with a uniform prior.

    Source: Lindon & Malek, "Anytime-valid inference for multinomial count data",
    https://arxiv.org/abs/2011.03567.
    """

    def fails(self) -> Bools:
        canary, stable = self.totals
        share = canary / (canary + stable)
        x, m = self.canary_bad, self.canary_bad + self.stable_bad
        table = _log_factorials(int(m.max()) + 1)
        log_mixture = table[x] + table[m - x] - table[m + 1]
        evidence = log_mixture - x * math.log(share) - (m - x) * math.log1p(-share)
        failing: Bools = (evidence >= THRESHOLD) & (x > m * share)
        return failing


class AsymptoticMixture(Rule):
    """The normal-mixture confidence sequence on the difference of rates, one-sided.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic
    confidence sequences", https://arxiv.org/abs/2103.06476 (Proposition B.1's one-sided form); tuned to be
    tightest after 1,000 bad requests.
    """

    tuned_to = 1000.0

    def fails(self) -> Bools:
        bad = np.maximum(1.0, self.canary_bad + self.stable_bad)
        scale = 2.0 * THRESHOLD / self.tuned_to
        known = 1.0 + bad * scale
        bound = np.sqrt((1.0 + 1.0 / (bad * scale)) * 2.0 * np.log1p(np.sqrt(known) / (2.0 * ALPHA)))
        failing: Bools = self.z() >= bound
        return failing


class OBrienFleming(Rule):
    """The O'Brien-Fleming spending boundary for looks spread over one day.

    Source: Lan & DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983).
    """

    def fails(self) -> Bools:
        elapsed = min(1.0, self.minute / MINUTES_OF_A_DAY)
        failing: Bools = self.z() >= NormalDist().inv_cdf(1.0 - ALPHA / 2.0) / math.sqrt(elapsed)
        return failing


class ToldBothRates(Rule):
    """Wald's test, told both true rates. No real rule can know them: it is the lower limit for looks once a minute."""

    def __init__(
        self, runs: int, canary_total: int, stable_total: int, *, stable_rate: float, canary_rate: float
    ) -> None:
        super().__init__(runs, canary_total, stable_total)
        self.rates = (canary_rate, stable_rate)

    def fails(self) -> Bools:
        evidence = _log_ratio(self.canary_bad, self.minute * self.totals[0], *self.rates)
        failing: Bools = evidence >= THRESHOLD
        return failing


def _log_ratio(bad: Ints, total: int, rate: Any, other: Any) -> Floats:
    ratio: Floats = bad * np.log(rate / other) + (total - bad) * (np.log1p(-rate) - np.log1p(-other))
    return ratio


_TABLE: dict[str, NDArray[np.float64]] = {"log factorials": np.zeros(1)}


def _log_factorials(largest: int) -> Floats:
    """Return ln(n!) for n from 0 to `largest`, grown on demand."""
    if largest >= len(_TABLE["log factorials"]):
        _TABLE["log factorials"] = np.cumsum(np.log(np.maximum(1, np.arange(2 * largest + 2))))
    return _TABLE["log factorials"]
