"""The share of a new release over time under each strategy: one that fails 2 % of its requests, and a good one."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.exposure.simulate import Course

mpl.use("Agg")
BAD, GOOD = "#b2182b", "#1b6ca8"
MINUTES = 85


def draw(courses: Mapping[str, tuple[Course, Course]], path: Path) -> None:
    """Draw a small chart for each strategy, in their order."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(9, 1.15 * len(courses)), layout="constrained")
        rows = figure.subplots(len(courses), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, (failing, good)) in zip(rows, courses.items(), strict=True):
            for course, colour in ((good, GOOD), (failing, BAD)):
                seconds, shares = zip(
                    *((0.0, 0.0), *course.shifts, (60.0 * MINUTES, course.shifts[-1][1])), strict=True
                )
                axes.step([second / 60 for second in seconds], shares, where="post", color=colour, linewidth=1.6)
                if colour == BAD:
                    axes.fill_between([second / 60 for second in seconds], shares, step="post", color=BAD, alpha=0.15)
            axes.set_xlim(0, MINUTES)
            axes.set_ylim(0, 105)
            axes.set_yticks([0, 50, 100])
            axes.set_title(f"{name}: {failing.caused:,} requests failed", loc="left", fontsize=9)
        rows[-1].set_xlabel("minutes; blue: a good release, red: one that fails 2 % of its requests")
        figure.supylabel("share of the requests (%)", fontsize=9)
        figure.savefig(path, dpi=100)
