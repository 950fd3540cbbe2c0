"""The tables of docs/gates.md."""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from rollout.gates import Counts, Judge, Minute
from rollout.gates.gate import Gate

from bench.gates import peers
from bench.gates.fleet import Fleet, Floats
from bench.gates.measure import (
    Figure,
    MakeRule,
    detection_minutes,
    geometric_mean,
    rolled_back,
    score,
)
from bench.gates.rules import (
    DEFAULT,
    EXACT,
    ROBUST,
    SEQUENTIAL,
    SHIPPED,
    SHIPPED_DIFFERENCE,
    SHIPPED_RATIO,
    UNBOUNDED,
    ours,
    peer,
    share_gate,
    told_both_rates,
)
from bench.gates.scenarios import BURSTS, CORE_8, HEALTHY, NOISY, OTHER_EFFECTS, TROUBLES, Setting, Trouble

Row = list[str]
DAY = 1440
SEED = 20261122
SHARE_RPS = (10, 100)
SHARE_GATES = {
    "slow requests, 1 %, ratio 1.5": (share_gate(ratio=1.5, min_difference=0.005), Setting(10, 0.01)),
    "conversions, 5 %, ratio 0.95, in trouble 0 %": (share_gate(ratio=0.95), Setting(10, 0.05, troubled=0.0)),
    "conversions, 5 %, ratio 0.8, in trouble 0 %": (share_gate(ratio=0.8), Setting(10, 0.05, troubled=0.0)),
}
"""The defaults and a wider margin, by the event that they count and its usual rate."""


def core_8(runs: int) -> Iterator[Row]:
    """Mean canary requests until rollback over the information limit, alpha = 1 %, ratio 1."""
    yield ["method", "score", *map(str, CORE_8)]
    yield _scores("told both rates (impossible)", told_both_rates, runs)
    for name, make in SEQUENTIAL.items():
        yield _scores(name, make, runs)


def other_effects(runs: int) -> Iterator[Row]:
    """The same at settings that were not used for tuning."""
    yield ["method", "score", *map(str, OTHER_EFFECTS)]
    for name in (EXACT, ROBUST, "Turner-Grünwald safe test", "Lindon-Malek (Netflix)"):
        yield _scores(name, SEQUENTIAL[name], runs, OTHER_EFFECTS)


def false_rollbacks(runs: int) -> Iterator[Row]:
    """Healthy canaries rolled back within 24 hours, looked at every minute."""
    yield ["method", *map(str, HEALTHY)]
    for name, make in {**SEQUENTIAL, SHIPPED: DEFAULT, **UNBOUNDED}.items():
        sample = runs if name in {EXACT, ROBUST, SHIPPED} else max(200, runs // 10)
        yield [name, *(_healthy(make, setting, sample, i) for i, setting in enumerate(HEALTHY))]
    just_tolerated = [replace(setting, effect=SHIPPED_RATIO) for setting in HEALTHY]
    name = f"{SHIPPED}, canary 1.25 times as bad"
    yield [name, *(_healthy(DEFAULT, setting, runs, i) for i, setting in enumerate(just_tolerated))]


def _healthy(make: MakeRule, setting: Setting, runs: int, position: int) -> str:
    return rolled_back(make, setting, runs, DAY, [SEED, 2, position]).percent()


def violated_independence(runs: int) -> Iterator[Row]:
    """Canaries that are no worse on average, rolled back within 180 minutes."""
    methods = {
        SHIPPED: DEFAULT,
        ROBUST: ours("robust"),
        EXACT: ours("exact"),
        "Turner-Grünwald safe test": peer(peers.TurnerGrunwald),
    }
    yield ["trouble", "method", *map(str, NOISY)]
    for position, (trouble, happens) in enumerate(TROUBLES.items()):
        for name, make in methods.items():
            parts = [
                rolled_back(make, setting, runs, 180, [SEED, 3, position, i], happens)
                for i, setting in enumerate(NOISY)
            ]
            yield [trouble, name, *(part.percent() for part in parts)]


def violated_independence_share(runs: int) -> Iterator[Row]:
    """The same for the share form at its defaults, by the shipped code, a tenth of the runs."""
    yield ["trouble", "gate", *(f"{rps} rps" for rps in SHARE_RPS)]
    runs = max(1, runs // 10)
    for position, (trouble, happens) in enumerate(TROUBLES.items()):
        for name, (rules, usual) in SHARE_GATES.items():
            parts = []
            for rps in SHARE_RPS:
                generator = np.random.default_rng([SEED, 7, position, rps])
                setting = replace(usual, rps=rps)
                failed = sum(_is_rolled_back(rules, setting, happens, generator) for _ in range(runs))
                parts.append(Figure.of_part(failed, runs))
            yield [trouble, name, *(part.percent() for part in parts)]


def bursts(runs: int) -> Iterator[Row]:
    """Canaries that the defaults roll back within an hour and within three; of the bad ones a tenth of the runs."""
    yield ["bursts", *(f"{setting}, {hours} h" for setting in NOISY for hours in (1, 3))]
    for position, (name, happens) in enumerate(BURSTS.items()):
        sample = runs if "healthy" in name else max(200, runs // 10)
        yield [
            name,
            *(
                rolled_back(DEFAULT, setting, sample, 60 * hours, [SEED, 8, position, i], happens).percent()
                for i, setting in enumerate(NOISY)
                for hours in (1, 3)
            ),
        ]


def _is_rolled_back(rules: Gate, setting: Setting, happens: Trouble, generator: np.random.Generator) -> bool:
    canary, stable = setting.totals
    state = rules.new_state()
    memory: dict[str, Floats] = {}
    for minute in range(180):
        canary_counted, stable_counted = (int(counted[0]) for counted in happens(generator, setting, 1, minute, memory))
        state = rules.update(state, Counts(canary, canary_counted, stable, stable_counted))
        if rules.score(state) >= rules.threshold:
            return True
    return False


def late_onset(runs: int) -> Iterator[Row]:
    """Mean minutes from the start of a fault to the rollback, at most 600 are counted."""
    settings = (Setting(10, 0.01, 5), Setting(100, 0.001, 5), Setting(100, 0.01, 3))
    yield ["fault begins", "method", *map(str, settings)]
    methods = {
        "robust": ours("robust", SHIPPED_RATIO, SHIPPED_DIFFERENCE),
        "exact (no restarts)": ours("exact", SHIPPED_RATIO, SHIPPED_DIFFERENCE),
    }
    for minutes in (0, 15, 60, 240, DAY):
        for name, make in methods.items():
            delays = [_delay(make, setting, runs, minutes) for setting in settings]
            yield [f"after {minutes} healthy minutes at 5 %", name, *map(str, delays)]
    for name, make in methods.items():
        delays = [_delay(make, setting, runs, 120, step_share=0.5) for setting in settings]
        yield ["with the step to 50 %, after 120 minutes at 5 %", name, *map(str, delays)]


def _delay(
    make: MakeRule, setting: Setting, runs: int, onset: int, step_share: float | None = None, most: int = 600
) -> Figure:
    generator = np.random.default_rng([SEED, 4, onset])
    fleet = make(setting, runs)
    assert isinstance(fleet, Fleet)
    canary, stable = setting.totals
    delays: list[int] = []
    left = runs
    for minute in range(onset + most):
        if minute == onset and step_share is not None:
            requests = canary + stable
            canary = round(step_share * requests)
            stable = requests - canary
            fleet.begin_step(canary, stable)
        rate = setting.rate * (setting.effect if minute >= onset else 1.0)
        failed = fleet.update(generator.binomial(canary, rate, left), generator.binomial(stable, setting.rate, left))
        if minute >= onset:
            delays += [minute - onset + 1] * int(failed.sum())
        fleet.keep(~failed)
        left -= int(failed.sum())
        if not left:
            break
    delays += [most] * left
    return Figure(statistics.fmean(delays), statistics.pstdev(delays) / math.sqrt(len(delays)))


def early_pass(runs: int) -> Iterator[Row]:
    """Minutes until a step passes early, a canary as good as stable, at the shipped defaults."""
    yield ["traffic", "share of the canary", "median minutes", "passed within a day"]
    for rps, rate in ((10, 0.001), (100, 0.001), (10, 0.01), (100, 0.01)):
        for share in (0.05, 0.1, 0.5):
            times = [_pass_time(rps, rate, share, run) for run in range(max(20, runs // 100))]
            passed = [time for time in times if time is not None]
            median = statistics.median([DAY if time is None else time for time in times])
            yield [f"{rps} rps, {100 * rate:g} %", f"{100 * share:g} %", f"{median:g}", f"{len(passed)}/{len(times)}"]


def _pass_time(rps: int, rate: float, share: float, run: int) -> int | None:
    judge = Judge.from_config(
        {"gates": [{"name": "errors", "ratio": SHIPPED_RATIO, "min_difference": SHIPPED_DIFFERENCE}]}
    )
    generator = np.random.default_rng([SEED, 5, run, rps])
    canary = round(60 * rps * share)
    stable = 60 * rps - canary
    state = judge.new_state()
    for minute in range(DAY):
        counts = Counts(canary, int(generator.binomial(canary, rate)), stable, int(generator.binomial(stable, rate)))
        state, assessment = judge.update(state, [Minute(minute, 0, {"errors": counts})])
        if assessment.verdict != "CONTINUE":
            return minute + 1 if assessment.verdict == "PASS" else None
    return None


def cost(runs: int) -> Iterator[Row]:
    """Size of the state and processor time of one evaluation of one new minute, shipped code on this machine."""
    import json  # noqa: PLC0415  # this study only

    yield ["gates", "requests a minute", "state of a gate, bytes", "whole state, bytes", "ms an evaluation"]
    for gates in (1, 3):
        for requests in (600, 60_000, 6_000_000):
            names = [f"gate-{i}" for i in range(gates)]
            judge = Judge.from_config({"gates": [{"name": name, "min_difference": 0.0005} for name in names]})
            generator = np.random.default_rng([SEED, 6, requests])
            state = judge.new_state()
            spent = 0.0
            looks = min(runs, DAY)
            for minute in range(looks):
                share = requests // 20
                bad = [int(generator.binomial(n, 0.001)) for n in (share, requests - share)]
                counts = Counts(share, bad[0], requests - share, bad[1])
                began = time.process_time()
                state, _ = judge.update(state, [Minute(minute, 0, dict.fromkeys(names, counts))])
                spent += time.process_time() - began
            size = len(json.dumps(state["gates"]["gate-0"], separators=(",", ":")))
            whole = len(json.dumps(state, separators=(",", ":")))
            yield [str(gates), f"{requests:,}", str(size), str(whole), f"{1000 * spent / looks:.2f}"]


def _scores(name: str, make: MakeRule, runs: int, settings: tuple[Setting, ...] = CORE_8) -> Row:
    figures = [
        score(detection_minutes(make, setting, runs, [SEED, 1, i]), setting, peers.ALPHA)
        for i, setting in enumerate(settings)
    ]
    return [name, str(geometric_mean(figures)), *(f"{figure.value:.2f}" for figure in figures)]


STUDIES: dict[str, Callable[[int], Iterator[Row]]] = {
    "core-8": core_8,
    "other-effects": other_effects,
    "false-rollbacks": false_rollbacks,
    "violated-independence": violated_independence,
    "violated-independence-share": violated_independence_share,
    "bursts": bursts,
    "late-onset": late_onset,
    "early-pass": early_pass,
    "cost": cost,
}
