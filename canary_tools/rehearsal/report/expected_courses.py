"""The courses that a harm budget is expected to lead to, beside the one that the rehearsal took."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from rollout.contract.exposure import EVERYTHING
from rollout.contract.states import Next
from rollout.forecast.course import Course

from canary_tools.rehearsal.report.sentences import release_of

_SHADES = ("#1a7f4b", "#f2b134", "#e8842a", "#d9541e", "#a01c1c")
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def draw_courses(axes: Axes, courses: Sequence[Course], *, unit_seconds: float) -> None:
    """Draw the share of each expected release over time, to a dot where it is promoted and a cross where it ends else.

    Shares are in percent, on a logarithmic scale: a budget begins with a small one.
    """
    for course, colour in zip(courses, _SHADES, strict=True):
        times = [shift.seconds / unit_seconds for shift in course.shifts]
        shares = [shift.share * EVERYTHING for shift in course.shifts]
        end = course.seconds / unit_seconds
        axes.step([*times, end], [*shares, shares[-1]], where="post", color=colour, lw=1.6, label=release_of(course))
        axes.plot([end], shares[-1:], color=colour, marker="o" if course.end is Next.PROMOTE else "X", ms=7)
    axes.set_yscale("log")
    axes.set_yticks(_TICKS, labels=[f"{tick:g}" for tick in _TICKS])
    axes.minorticks_off()
    axes.set_ylabel("% of requests")
