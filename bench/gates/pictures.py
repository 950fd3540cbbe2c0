"""The plots of docs/gates.md."""

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
from rollout.gates import Counts, Judge, Minute

from bench.gates import peers
from bench.gates.measure import detection_minutes, information_limit
from bench.gates.rules import EXACT, ROBUST, SEQUENTIAL, SHIPPED_DIFFERENCE, SHIPPED_RATIO
from bench.gates.scenarios import Setting

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the backend is chosen

EFFECTS = (1.5, 2.0, 3.0, 4.0, 6.0, 10.0)
SEED = 20261122
FAULT_AT = 60


def draw(folder: Path, runs: int) -> None:
    """Write all pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _evidence_over_time(folder / "gate-evidence.png")
    _detection_by_effect(folder / "gate-detection.png", max(100, runs // 4))


def _evidence_over_time(path: Path) -> None:
    figure, axes = plt.subplots(figsize=(9, 4.5))
    for run in range(8):
        faulty = run < 3
        evidence, required = _trace(run, effect=6.0 if faulty else 1.0)
        color = "#c0392b" if faulty else "#2c7fb8"
        label = {0: "six times the errors from minute 60", 3: "healthy"}.get(run)
        axes.plot(evidence, color=color, linewidth=1.6 if faulty else 1.0, label=label)
        if faulty:
            axes.plot(len(evidence) - 1, evidence[-1], "o", color=color)
            axes.plot(required, color=color, linewidth=0.8, linestyle=":")
    axes.axhline(-math.log(0.01), color="black", linewidth=1, linestyle="--", label="ln(1/alpha): rolls back")
    axes.plot([], [], color="#c0392b", linestyle=":", label="the same, raised by the dispersion discount")
    axes.set(xlabel="minute", ylabel="ln(evidence)", ylim=(-4, 9))
    axes.set_title("Evidence of the shipped gate, 100 requests/s, 0.1 % errors, canary at 5 %")
    axes.legend(loc="upper left", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _trace(run: int, effect: float, length: int = 150) -> tuple[list[float], list[float]]:
    gate = {"name": "errors", "ratio": SHIPPED_RATIO, "min_difference": SHIPPED_DIFFERENCE}
    judge = Judge.from_config({"gates": [gate]})
    generator = np.random.default_rng([SEED, 7, run])
    state, evidence, required = judge.new_state(), [], []
    for minute in range(length):
        rate = 0.001 * (effect if minute >= FAULT_AT else 1.0)
        counts = Counts(300, int(generator.binomial(300, rate)), 5700, int(generator.binomial(5700, 0.001)))
        state, assessment = judge.update(state, [Minute(minute, 0, {"errors": counts})])
        evidence.append(assessment.gates[0].log_evidence)
        required.append(assessment.gates[0].dispersion * -math.log(0.01))
        if assessment.verdict == "FAIL":
            break
    return evidence, required


def _detection_by_effect(path: Path, runs: int) -> None:
    names = [EXACT, ROBUST, *list(SEQUENTIAL)[2:6]]
    figure, axes = plt.subplots(figsize=(9, 4.5))
    settings = [Setting(10, 0.01, effect) for effect in EFFECTS]
    for name in names:
        means = [
            detection_minutes(SEQUENTIAL[name], setting, runs, [SEED, 8, i]).mean()
            for i, setting in enumerate(settings)
        ]
        axes.plot(EFFECTS, means, marker="o", linewidth=2.4 if name in {EXACT, ROBUST} else 1.2, label=name)
    limit = [information_limit(setting, peers.ALPHA) / setting.totals[0] for setting in settings]
    axes.plot(EFFECTS, limit, color="black", linestyle="--", label="information limit, told both rates")
    axes.set(xscale="log", yscale="log", xlabel="times stable's error rate", ylabel="mean minutes to the rollback")
    axes.set_xticks(EFFECTS, [f"{effect:g}" for effect in EFFECTS])
    axes.set_title("Detection time, 10 requests/s, 1 % errors, canary at 5 %")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3, which="both")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
