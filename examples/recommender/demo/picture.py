"""Draws ``demo-report.png``: weights and observed traffic, errors, latency and clicks."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, StrMethodFormatter

from examples.recommender.demo.picture_marks import draw_mark_labels, draw_mark_lines, draw_rollouts, rollout_key
from examples.recommender.demo.recording import Recording
from examples.recommender.shop.traffic import Request, Summary, grouped, summarise

BIN_SECONDS = 5
CLICK_BIN_SECONDS = 20
"""Longer than the others: a click rate needs more answers than an error rate, which is mostly zero."""
FEWEST_PER_BIN = 5
"""A release with fewer answers in a bin has no error rate or latency worth a point."""
FEWEST_PER_CLICK_BIN = 20
TICK_SECONDS, MOST_TICKS = 30, 18
INK, FAINT, GRID = "#262626", "#5f5f5f", "#e6e6e6"
RELEASE_COLOURS = ("#767676", "#0072b2", "#d55e00", "#cc79a7", "#009e73")
"""Okabe and Ito's colours: people with any common colour blindness can tell them apart. The markers differ as well."""
RELEASE_MARKERS = ("o", "s", "^", "D", "v")
SLOT_DASHES: tuple[Literal["-", "--"], ...] = ("-", "--")


def draw(recording: Recording, path: Path) -> None:
    """Write the picture as PNG, 150 dots per inch."""
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK}):
        figure = Figure(figsize=(13, 10.5), facecolor="white")
        traffic, errors, latency, clicks = figure.subplots(4, 1, sharex=True, height_ratios=[2.2, 1, 1, 1])
        figure.subplots_adjust(left=0.08, right=0.84, top=0.81, bottom=0.06, hspace=0.14)
        start = recording.requests[0].sent_at
        for axes in (traffic, errors, latency, clicks):
            _style(axes)
            draw_rollouts(axes, recording, start)
            draw_mark_lines(axes, recording, start)
        _draw_traffic(traffic, recording, start)
        _draw_errors(errors, recording, start)
        _draw_latency(latency, recording, start)
        _draw_clicks(clicks, recording, start)
        _set_time_axis(clicks, recording.requests[-1].sent_at - start)
        draw_mark_labels(traffic, recording, start)
        figure.align_ylabels()
        _draw_title(figure, recording)
        figure.savefig(path, dpi=150)


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#9a9a9a")
    axes.tick_params(colors=INK, length=3)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _set_time_axis(axes: Axes, seconds: float) -> None:
    axes.set_xlim(0, seconds)
    axes.set_xlabel("minutes:seconds since the stream of requests began")
    axes.xaxis.set_major_locator(MultipleLocator(TICK_SECONDS * math.ceil(seconds / TICK_SECONDS / MOST_TICKS)))
    axes.xaxis.set_major_formatter(FuncFormatter(_minutes_and_seconds))


def _minutes_and_seconds(seconds: float, _tick: int | None) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _draw_traffic(axes: Axes, recording: Recording, start: float) -> None:
    """Draw the weights as lines and the observed shares as points, which should lie on the lines."""
    for slot, dashes in zip(_slots(recording), SLOT_DASHES, strict=False):
        seen = [o for o in recording.observations if slot in o.slots]
        times = [observation.answered_at - start for observation in seen]
        weights = [observation.slots[slot].weight for observation in seen]
        axes.plot(times, weights, drawstyle="steps-post", color=INK, linewidth=1.4, linestyle=dashes)
    answers = {second: len(requests) for second, requests in _bins(recording.requests, start).items()}
    _draw_releases(axes, recording, start, lambda second, summary: 100 * summary.sent / answers[second], fewest=1)
    axes.set_ylim(-3, 103)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f} %"))
    axes.set_ylabel("share of the traffic")
    axes.legend(
        handles=[*_slot_keys(recording), *_release_keys(recording), rollout_key()],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        handlelength=2.2,
        fontsize=9.5,
        labelspacing=0.7,
    )


def _draw_errors(axes: Axes, recording: Recording, start: float) -> None:
    _draw_releases(axes, recording, start, lambda _, summary: 100 * summary.error_rate)
    axes.set_ylim(bottom=-0.6)
    axes.set_ylim(top=max(5.0, axes.get_ylim()[1] * 1.05))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f} %"))
    axes.set_ylabel("model errors")
    _note(axes, "model errors among the\nanswers of each release")


def _draw_latency(axes: Axes, recording: Recording, start: float) -> None:
    _draw_releases(axes, recording, start, lambda _, summary: summary.p99_ms)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g} ms"))
    axes.set_ylabel("p99 latency")
    _note(axes, "99th percentile of the time\nfrom request to answer,\nas the shoppers saw it")


def _draw_clicks(axes: Axes, recording: Recording, start: float) -> None:
    _draw_releases(
        axes,
        recording,
        start,
        lambda _, summary: 100 * summary.click_rate,
        fewest=FEWEST_PER_CLICK_BIN,
        bin_seconds=CLICK_BIN_SECONDS,
    )
    axes.set_ylim(bottom=-1.5)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f} %"))
    axes.set_ylabel("clicked")
    _note(axes, f"clicks among the answers\nof each release, in {CLICK_BIN_SECONDS} s")


def _draw_releases(
    axes: Axes,
    recording: Recording,
    start: float,
    value: Callable[[int, Summary], float],
    *,
    fewest: int = FEWEST_PER_BIN,
    bin_seconds: int = BIN_SECONDS,
) -> None:
    """Draw one point per release and bin; ``value`` gets the bin's first second and the summary."""
    releases = _releases(recording)
    for version, colour, marker in zip(releases, RELEASE_COLOURS, RELEASE_MARKERS, strict=False):
        own = [request for request in recording.requests if request.version == version]
        binned = _bins(own, start, bin_seconds).items()
        bins = {second: requests for second, requests in binned if len(requests) >= fewest}
        axes.plot(
            [second + bin_seconds / 2 for second in bins],
            [value(second, summarise(requests)) for second, requests in bins.items()],
            linestyle="none",
            marker=marker,
            markersize=4.6,
            markeredgecolor="white",
            markeredgewidth=0.5,
            color=colour,
        )


def _bins(requests: Sequence[Request], start: float, seconds: int = BIN_SECONDS) -> dict[int, list[Request]]:
    return grouped(requests, lambda request: int((request.sent_at - start) // seconds) * seconds)


def _releases(recording: Recording) -> list[str]:
    return sorted({request.version for request in recording.requests if request.version is not None})


def _slots(recording: Recording) -> list[str]:
    return sorted({slot for observation in recording.observations for slot in observation.slots})


def _slot_keys(recording: Recording) -> list[Line2D]:
    return [
        Line2D([], [], color=INK, linewidth=1.4, linestyle=dashes, label=f"weight of {slot}")
        for slot, dashes in zip(_slots(recording), SLOT_DASHES, strict=False)
    ]


def _release_keys(recording: Recording) -> list[Line2D]:
    keys = zip(_releases(recording), RELEASE_COLOURS, RELEASE_MARKERS, strict=False)
    return [
        Line2D([], [], linestyle="none", color=colour, marker=marker, markersize=7, label=f"answered by {name}")
        for name, colour, marker in keys
    ]


def _note(axes: Axes, text: str) -> None:
    axes.text(1.02, 1.0, text, transform=axes.transAxes, va="top", fontsize=9, color=FAINT, linespacing=1.5)


def _draw_title(figure: Figure, recording: Recording) -> None:
    outcomes = [f"{rollout.version} {rollout.outcome.lower().replace('_', ' ')}" for rollout in recording.rollouts]
    total = summarise(recording.requests)
    figure.text(0.08, 0.97, ", ".join(outcomes), fontsize=17, weight="bold", va="center")
    figure.text(
        0.08,
        0.942,
        f"{total.sent:,} requests to one SageMaker endpoint, {total.unanswered} unanswered. "
        f"Points: what the shoppers saw in {BIN_SECONDS} s.",
        fontsize=10.5,
        color=FAINT,
        va="center",
    )
