"""The settings and the counts of every study, from seeded generators."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.gates.fleet import Floats, Ints

CANARY_SHARE = 0.05
SECONDS = 60
BURST, COMMON_BURSTS, ACCIDENTS = 0.2, 0.05, 0.002


@dataclass(frozen=True)
class Setting:
    """Requests a second, stable's error rate, and how many times worse the canary is.

    `troubled` is the rate in an outage and in a bad minute, where that is not 50 times the usual one and 0.5.
    """

    rps: int
    rate: float
    effect: float = 1.0
    troubled: float | None = None

    @property
    def totals(self) -> tuple[int, int]:
        """Requests a minute of the canary and of stable."""
        requests = self.rps * SECONDS
        canary = round(requests * CANARY_SHARE)
        return canary, requests - canary

    def __str__(self) -> str:
        effect = f" x {self.effect:g}" if self.effect != 1.0 else ""
        return f"{self.rps} rps, {100 * self.rate:g} %{effect}"


CORE_8 = (
    Setting(10, 0.001, 2),
    Setting(10, 0.001, 5),
    Setting(10, 0.001, 10),
    Setting(10, 0.01, 2),
    Setting(10, 0.01, 5),
    Setting(100, 0.001, 2),
    Setting(100, 0.001, 5),
    Setting(100, 0.01, 2),
)
OTHER_EFFECTS = (
    Setting(10, 0.01, 1.75),
    Setting(10, 0.01, 3),
    Setting(10, 0.001, 7),
    Setting(10, 0.001, 20),
    Setting(100, 0.01, 1.6),
    Setting(100, 0.001, 3),
)
HEALTHY = (
    Setting(10, 0.001),
    Setting(10, 0.01),
    Setting(10, 0.05),
    Setting(100, 0.0001),
    Setting(100, 0.001),
    Setting(100, 0.01),
)
NOISY = (Setting(10, 0.01), Setting(100, 0.001), Setting(100, 0.01))

Minute = tuple[Ints, Ints]
Trouble = Callable[[np.random.Generator, Setting, int, int, dict[str, Floats]], Minute]


def independent(generator: np.random.Generator, setting: Setting, runs: int) -> Minute:
    """Every request fails on its own."""
    canary, stable = setting.totals
    canary_rate = min(1.0, setting.effect * setting.rate)
    return generator.binomial(canary, canary_rate, runs), generator.binomial(stable, setting.rate, runs)


def common_outage(
    generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]
) -> Minute:
    """Fifty times the errors on both variants, for two minutes."""
    outage = min(1.0, 50 * setting.rate) if setting.troubled is None else setting.troubled
    rate = outage if minute in {60, 61} else setting.rate
    canary, stable = setting.totals
    return generator.binomial(canary, rate, runs), generator.binomial(stable, rate, runs)


def bad_minute(
    generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]
) -> Minute:
    """Half of the canary's requests fail, for one minute."""
    canary, stable = setting.totals
    bad = 0.5 if setting.troubled is None else setting.troubled
    rate = bad if minute == 60 else setting.rate
    return generator.binomial(canary, rate, runs), generator.binomial(stable, setting.rate, runs)


def clusters(generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]) -> Minute:
    """Errors come in clusters of geometric size, three on average, each on one variant."""
    del minute
    canary, stable = setting.totals
    return (
        np.minimum(canary, _clustered(generator, canary * setting.rate, runs)),
        np.minimum(stable, _clustered(generator, stable * setting.rate, runs)),
    )


def minute_noise(
    generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]
) -> Minute:
    """The canary's rate is drawn afresh each minute, squared coefficient of variation 0.25."""
    del minute
    canary, stable = setting.totals
    rate = np.minimum(1.0, setting.rate * generator.gamma(4.0, 0.25, runs))
    return generator.binomial(canary, rate), generator.binomial(stable, setting.rate, runs)


def drift(
    generator: np.random.Generator, setting: Setting, runs: int, minute: int, memory: dict[str, Floats]
) -> Minute:
    """The log of the canary's rate drifts as AR(0.8) with standard deviation 0.3, mean rate unchanged."""
    spread = 0.3
    if minute == 0:
        memory["log"] = generator.normal(0.0, spread, runs)
    else:
        memory["log"] = 0.8 * memory["log"] + generator.normal(0.0, 0.6 * spread, runs)
    rate = np.minimum(1.0, setting.rate * np.exp(memory["log"] - spread**2 / 2))
    canary, stable = setting.totals
    return generator.binomial(canary, rate), generator.binomial(stable, setting.rate, runs)


def common_bursts(
    generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]
) -> Minute:
    """A fifth of the requests of both variants fails in one minute of twenty."""
    del minute
    rate = np.where(generator.random(runs) < COMMON_BURSTS, BURST, setting.rate)
    canary, stable = setting.totals
    return generator.binomial(canary, rate), generator.binomial(stable, rate)


def accidents(generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]) -> Minute:
    """A fifth of the requests fails in one minute of 500, of each variant in minutes of its own."""
    del minute
    canary, stable = (np.where(generator.random(runs) < ACCIDENTS, BURST, setting.rate) for _ in range(2))
    canary_total, stable_total = setting.totals
    return generator.binomial(canary_total, canary), generator.binomial(stable_total, stable)


def crash_loop(every: int, rate: float) -> Trouble:
    """Return a canary that fails at a rate in one minute of so many."""

    def counts(
        generator: np.random.Generator, setting: Setting, runs: int, minute: int, _: dict[str, Floats]
    ) -> Minute:
        canary, stable = setting.totals
        canary_rate = rate if minute % every == every // 2 else setting.rate
        return generator.binomial(canary, canary_rate, runs), generator.binomial(stable, setting.rate, runs)

    return counts


BURSTS: dict[str, Trouble] = {
    "20 % of both in one minute of 20 (healthy)": common_bursts,
    "20 % of either alone in one minute of 500 (healthy)": accidents,
    "canary: 2 % in one minute of 5": crash_loop(5, 0.02),
    "canary: 20 % in one minute of 5": crash_loop(5, BURST),
    "canary: 20 % in one minute of 10": crash_loop(10, BURST),
    "canary: 20 % in one minute of 20": crash_loop(20, BURST),
    "canary: 20 % in one minute of 30": crash_loop(30, BURST),
}

TROUBLES: dict[str, Trouble] = {
    "common outage x 50, two minutes": common_outage,
    "one bad minute of the canary (50 %)": bad_minute,
    "errors in clusters of mean 3": clusters,
    "canary-only minute noise, CV² 0.25": minute_noise,
    "canary-only drift AR(0.8), log-sd 0.3": drift,
}


def _clustered(generator: np.random.Generator, mean: float, runs: int) -> Ints:
    clusters_seen = generator.poisson(mean / 3.0, runs)
    extra = generator.negative_binomial(np.maximum(1, clusters_seen), 1.0 / 3.0)
    sizes: Ints = clusters_seen + np.where(clusters_seen > 0, extra, 0)
    return sizes
