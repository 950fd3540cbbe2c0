"""Important moments, as vertical lines through the picture with their names above it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from examples.recommender.demo.recording import Mark, MarkKind, Recording, marks

COLOURS = {
    MarkKind.DEPLOY: "#262626",
    MarkKind.STEP: "#5f5f5f",
    MarkKind.ALARM: "#b00020",
    MarkKind.PROMOTED: "#00694b",
    MarkKind.ROLLED_BACK: "#b00020",
    MarkKind.NOT_JUDGED: "#8a6d00",
}
ROLLOUT_BAND = "#eef3f8"
HIGHEST_LEVEL = 7
LEVEL_HEIGHT = 0.058
"""As a part of the height of the axes."""
CHARACTER_WIDTH = 0.0074
"""As a part of the width of the axes, in the labels' font size: enough to keep labels apart."""


def draw_rollouts(axes: Axes, recording: Recording, start: float) -> None:
    """Shade the time of each rollout."""
    for rollout in recording.rollouts:
        end = recording.requests[-1].sent_at if rollout.ended_at is None else rollout.ended_at
        axes.axvspan(rollout.started_at - start, end - start, color=ROLLOUT_BAND, linewidth=0, zorder=-5)


def rollout_key() -> Patch:
    """Return the legend's entry for the shade."""
    return Patch(facecolor=ROLLOUT_BAND, edgecolor="#d5dde6", label="rollout under way")


def draw_mark_lines(axes: Axes, recording: Recording, start: float) -> None:
    """Draw a vertical line at each mark: dotted for steps, dashed for deploys, solid for what ends a rollout."""
    styles = {MarkKind.STEP: ":", MarkKind.DEPLOY: (0, (5, 3))}
    for mark in marks(recording):
        axes.axvline(
            mark.at - start,
            color=COLOURS[mark.kind],
            linestyle=styles.get(mark.kind, "-"),
            linewidth=1.0,
            alpha=0.75,
            zorder=0,
        )


def draw_mark_labels(axes: Axes, recording: Recording, start: float) -> None:
    """Write the name of each mark above the axes, higher where names would overlap."""
    seconds = axes.get_xlim()[1]
    named = marks(recording)
    for mark, level in zip(named, _levels(named, start, seconds), strict=True):
        top = 1.03 + level * LEVEL_HEIGHT
        x = (mark.at - start) / seconds
        axes.plot([x, x], [1.0, top + 0.02], transform=axes.transAxes, clip_on=False, linewidth=1.0,
                  color=COLOURS[mark.kind], alpha=0.75)  # fmt: skip
        axes.text(x + 0.003, top, _name(mark), transform=axes.transAxes, fontsize=9, color=COLOURS[mark.kind])


def _levels(named: Sequence[Mark], start: float, seconds: float) -> list[int]:
    """Put a name above those that it would overlap, from right to left, so that no line crosses a name."""
    placed: list[tuple[float, int]] = []
    for mark in reversed(named):
        left = (mark.at - start) / seconds
        right = left + CHARACTER_WIDTH * (len(_name(mark)) + 1)
        under = [level for other, level in placed if other < right]
        placed.append((left, min(HIGHEST_LEVEL, max(under, default=-1) + 1)))
    return [level for _, level in reversed(placed)]


def _name(mark: Mark) -> str:
    """Shorten the name: the picture already shows whose step it is, and an alarm's generated name is long."""
    if mark.kind is MarkKind.STEP:
        return mark.text.rpartition("gets ")[2]
    return "alarm" if mark.kind is MarkKind.ALARM else mark.text
