"""Pictures of a rehearsal, for people who decide on releases."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from rollout.contract.gate_rules import SlowRequests
from rollout.contract.names import SLOTS
from rollout.forecast.course import Course, expected_courses

from canary_tools.rehearsal.record.observation import Happening, Minute
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.report.expected_courses import draw_courses
from canary_tools.rehearsal.report.sentences import changed
from canary_tools.rehearsal.scenario import Change
from canary_tools.rehearsal.traffic.latency import percentile

mpl.use("Agg")

CANARY, STABLE, ENDED, GREY = "#d95f02", "#1b6ca8", "#b2182b", "#8a8f98"
CHANGED = "#f2c230"
_GATES = ("#6a3d9a", "#2a9d5c", "#b8860b", "#c2185b")
_WIDTH, _HEIGHT, _DPI = 10.0, 2.6, 110
_MARKED = ("control", "alarm", "halt", "cohort")
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "svg.hashsalt": "rehearsal",
    "legend.frameon": False,
}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture: its title, what it shows in a sentence, and its bytes."""

    name: str
    title: str
    caption: str
    png: bytes


def pictures(rehearsed: Rehearsed) -> list[Picture]:
    """Draw everything."""
    draw = _Drawing(rehearsed)
    return [
        draw.picture(
            "traffic", "Share of the requests", draw.share,
            "Which share of the requests each release gets. Vertical lines: what people, alarms, cohorts or an "
            "order to halt did. Yellow, here and below: a release behaves in another way, as the scenario says.",
        ),
        *draw.expected(),
        draw.picture(
            "evidence", "Evidence against the new release", draw.evidence,
            "How strongly each gate holds that the new release is worse than tolerated, in percent of what it needs "
            "to roll back. At 100 % it does.",
        ),
        draw.picture(
            "errors", "Failed requests", draw.errors,
            "Failed requests of each release in percent, minute by minute.",
        ),
        draw.picture(
            "latency", "Latency", draw.latency,
            "The latency that half of the requests (thin) and 99 % of them (thick) stay under.",
        ),
        draw.picture(
            "instances", "Instances", draw.instances,
            "Instances in service. The new release gets its instances before it gets its share.",
        ),
    ]  # fmt: skip


class _Drawing:
    def __init__(self, rehearsed: Rehearsed) -> None:
        self._rehearsed = rehearsed
        self._observation = rehearsed.observation
        self._minutes = rehearsed.observation.minutes
        self._plan = rehearsed.declared.plan
        self._canary = rehearsed.observation.slot
        self._end = rehearsed.result["seconds"]
        self._colours = {slot: CANARY if slot == self._canary else STABLE for slot in SLOTS}
        last = self._minutes[-1].start_s if self._minutes else 0.0
        self._longest = last + 60
        self._unit, self._unit_name = (60.0, "minutes") if last < 4 * 3600 else (3600.0, "hours")
        moments = [*rehearsed.observation.happenings, *rehearsed.observation.bus_happenings()]
        self._marks = [moment for moment in moments if _is_marked(moment, self._end)]

    def picture(self, name: str, title: str, draw: Callable[[Axes], None], caption: str) -> Picture:
        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI)
            axes = figure.subplots()
            figure.subplots_adjust(left=0.075, right=0.985, top=0.86, bottom=0.2)
            draw(axes)
            self._finish(axes)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", metadata={"Software": None})
        return Picture(name=name, title=title, caption=caption, png=buffer.getvalue())

    def expected(self) -> Iterator[Picture]:
        """Draw the plan's expected courses, where a harm budget paces the share."""
        traffic = self._rehearsed.scenario.traffic
        courses = expected_courses(self._plan, requests_per_second=traffic.rps)
        if courses:
            yield self.picture(
                "expected", "What the harm budget is expected to do",
                partial(self._courses, courses=courses),
                f"The expected share of some releases at {traffic.rps:,g} requests a second: one that is as good as "
                "stable, and some that fail more. Grey: this rehearsal. Dot: promoted. Cross: rolled back, or ended "
                "without a decision.",
            )  # fmt: skip

    def _courses(self, axes: Axes, courses: Sequence[Course]) -> None:
        draw_courses(axes, courses, unit_seconds=self._unit)
        rehearsed = [self._share(minute, self._canary) or float("nan") for minute in self._minutes]
        axes.step(self._times(), rehearsed, where="post", color=GREY, lw=4, alpha=0.35, zorder=1, label="rehearsed")

    def share(self, axes: Axes) -> None:
        def of(slot: str) -> list[float]:
            return [self._share(minute, slot) for minute in self._minutes]

        for slot, colour in self._colours.items():
            axes.step(self._times(), of(slot), where="post", color=colour, lw=2, label=self._label(slot))
        axes.fill_between(self._times(), of(self._canary), step="post", color=CANARY, alpha=0.15)
        axes.set_ylabel("% of requests")
        axes.set_ylim(-3, 108)
        self._mark(axes)
        for index, change in enumerate(self._changes()):
            at, height = change.at_s / self._unit, 30 - 11 * (index % 3)
            axes.text(at, height, f" {changed(change)}", color="#7a5c00", fontsize=8, clip_on=True)

    def _share(self, minute: Minute, slot: str) -> float:
        """Return the percentage of the requests that a slot gets: a cohort goes to the canary, the rest by weight."""
        by_weight = minute.weights.get(slot, 0) / max(sum(minute.weights.values()), 1)
        cohort = minute.cohort_percent if slot == self._canary else 0.0
        return cohort + by_weight * (100 - minute.cohort_percent)

    def evidence(self, axes: Axes) -> None:
        judge = self._plan.gates.judge
        for (name, share), colour in zip(judge.alpha_shares.items(), _GATES * 8, strict=False):
            times, values = [], []
            for look in self._observation.looks:
                if name in look.gates:
                    evidence, dispersion = look.gates[name]
                    needed = dispersion * log(1 / judge.alpha) - log(share)
                    times.append(look.at_s / self._unit)
                    values.append(min(max(100 * evidence / needed, -50), 140))
            axes.plot(times, values, color=colour, lw=2, marker="o", ms=2.5, label=f"gate {name}")
        axes.axhline(100, color=ENDED, lw=1.2, ls="--")
        axes.text(0.995, 0.93, "rolls back", transform=axes.transAxes, ha="right", va="top", color=ENDED)
        axes.axhline(0, color=GREY, lw=0.8)
        axes.set_ylim(-60, 145)
        axes.set_ylabel("% of what it needs")

    def errors(self, axes: Axes) -> None:
        self._rates(axes, lambda served: 100 * served.failed / served.requests if served.requests else None)
        axes.set_ylabel("% of requests failed")
        axes.set_ylim(bottom=0)

    def latency(self, axes: Axes) -> None:
        self._rates(axes, lambda served: percentile(served.latency, 99))
        for slot, colour in self._colours.items():
            times, values = self._series(slot, lambda served: percentile(served.latency, 50))
            axes.plot(times, values, color=colour, lw=0.8)
        for source in self._plan.gates.sources.values():
            if isinstance(source, SlowRequests):
                axes.axhline(source.slow_us / 1000, color=ENDED, lw=1.2, ls="--")
                axes.text(0.995, source.slow_us / 1000, "slow ", transform=axes.get_yaxis_transform(),
                          ha="right", va="bottom", color=ENDED)  # fmt: skip
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _position: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("milliseconds")

    def instances(self, axes: Axes) -> None:
        for slot, colour in self._colours.items():
            counts = [minute.instances.get(slot, 0) for minute in self._minutes]
            axes.step(self._times(), counts, where="post", color=colour, lw=2, label=self._label(slot))
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("in service")

    def _rates(self, axes: Axes, rate: Callable[[Any], float | None]) -> None:
        for slot, colour in self._colours.items():
            times, values = self._series(slot, rate)
            axes.plot(times, values, color=colour, lw=1.8, label=self._label(slot))

    def _series(self, slot: str, rate: Callable[[Any], float | None]) -> tuple[list[float], list[float]]:
        """Return a rate over the minutes; a gap where the slot had no requests."""
        values = [_of_minute(minute, slot, rate) for minute in self._minutes]
        return self._times(), [float("nan") if value is None else value for value in values]

    def _mark(self, axes: Axes) -> None:
        for index, mark in enumerate(self._marks):
            at = mark.at_s / self._unit
            axes.axvline(at, color=GREY, lw=0.9, ls=":")
            axes.text(at, 52 - 11 * (index % 3), f" {_short(mark)}", color="#444", fontsize=8, clip_on=True)

    def _changes(self) -> list[Change]:
        """Return what the scenario changes while the pictures last."""
        return [change for change in self._rehearsed.scenario.changes if change.at_s < self._longest]

    def _finish(self, axes: Axes) -> None:
        for change in self._changes():
            until = self._longest if change.for_s is None else min(change.at_s + change.for_s, self._longest)
            axes.axvspan(change.at_s / self._unit, until / self._unit, color=CHANGED, alpha=0.18, lw=0, zorder=0)
        axes.axvline(self._end / self._unit, color=GREY, lw=1)
        axes.text(
            self._end / self._unit,
            0.94,
            " end of the rollout ",
            transform=axes.get_xaxis_transform(),
            ha="right" if self._end > self._longest / 2 else "left",
            color=GREY,
        )
        axes.set_xlabel(f"{self._unit_name} since the rollout began")
        axes.set_xlim(-self._longest / self._unit * 0.005, self._longest / self._unit)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=6, borderaxespad=0.2, handlelength=1.4)

    def _times(self) -> list[float]:
        return [minute.start_s / self._unit for minute in self._minutes]

    def _label(self, slot: str) -> str:
        return f"new release ({slot})" if slot == self._canary else f"stable ({slot})"


def _of_minute(minute: Minute, slot: str, rate: Callable[[Any], float | None]) -> float | None:
    served = minute.served.get(slot)
    return rate(served) if served is not None and served.requests else None


def _is_marked(happening: Happening, end: float) -> bool:
    is_alarm_over = happening.kind == "alarm" and not happening.text.endswith("→ ALARM")
    is_what_came_of_it = happening.kind == "control" and not happening.text.startswith("control: ")
    return happening.kind in _MARKED and not is_alarm_over and not is_what_came_of_it and 0 <= happening.at_s <= end + 1


def _short(happening: Happening) -> str:
    if happening.kind == "halt":
        return "ordered to zero"
    if happening.kind == "alarm":
        return "alarm"
    if happening.kind == "cohort":
        return "cohort withdrawn" if "withdrawn" in happening.text else "cohort published"
    return happening.text.removeprefix("control: ")


def in_order(happenings: Sequence[Happening]) -> list[Happening]:
    """Return happenings by time."""
    return sorted(happenings, key=lambda happening: happening.at_s)
