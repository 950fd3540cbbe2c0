"""What a harm budget leads to at a given traffic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rollout.contract.exposure import EVERYTHING
from rollout.contract.gate_rules import FailedRequests
from rollout.contract.plan import Plan
from rollout.contract.states import Next
from rollout.forecast.counts import USUAL_RATES, Shift
from rollout.forecast.course import Course, expected_courses, is_thin, reaction_seconds

from canary_tools.rehearsal.report.sentences import duration, release_of

ENDS = {
    Next.PROMOTE: "promoted after {after}",
    Next.REJECT: "rolled back by a gate after {after}",
    Next.GIVE_UP: "ended without a decision after {after}",
}
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """How the shares of a rollout are paced.

    `reaction_seconds`: from a bad request until a lower share is in force. `courses`: what is expected of some
    releases, first of one that is as good as stable; none without traffic. `is_thin`: the budget affords every
    checkpoint at once.
    """

    harm_budget: float
    rps: float
    reaction_seconds: float
    courses: Sequence[Course]
    is_thin: bool

    def to_json(self) -> dict[str, Any]:
        """Return the pacing as plain data."""
        return {
            "harm_budget": self.harm_budget,
            "reaction_s": self.reaction_seconds,
            "is_thin": self.is_thin,
            "expected_courses": [*map(_to_json, self.courses)],
        }

    def lines(self) -> Iterator[str]:
        """Yield the pacing as lines of text."""
        rate = USUAL_RATES[FailedRequests] * EVERYTHING
        yield (
            f"  expected course at {self.rps:g} requests a second, {rate:g} % of stable's requests failing, instances "
            "there in time:"
        )
        titles = [release_of(course) for course in self.courses]
        width = max(map(len, titles))
        for title, course in zip(titles, self.courses, strict=True):
            yield f"    {title:<{width}}  {_outcome(course)}"
            yield f"    {'':<{width}}  {', '.join(map(_step, course.shifts))}"
        if self.is_thin:
            yield (
                "    So few requests keep the budget at every checkpoint: the share goes from one to the next, and "
                "their bakes and min_requests decide how long that takes"
            )


def pacing_of(plan: Plan, rps: float) -> Pacing | None:
    """Return what the harm budget of a plan leads to; `None` where the steps have fixed shares."""
    if plan.harm_budget is None:
        return None
    courses = expected_courses(plan, requests_per_second=rps)
    return Pacing(
        harm_budget=plan.harm_budget,
        rps=rps,
        reaction_seconds=reaction_seconds(plan),
        courses=courses,
        is_thin=is_thin(plan, courses),
    )


def _to_json(course: Course) -> dict[str, Any]:
    return {
        "failing_percent": course.failing * EVERYTHING,
        "shares": [{"s": shift.seconds, "percent": round(shift.share * EVERYTHING, 2)} for shift in course.shifts],
        "end": course.end.value,
        "s": course.seconds,
        "bad_requests": round(course.harm),
    }


def _outcome(course: Course) -> str:
    end = ENDS[course.end].format(after=duration(course.seconds))
    return f"{end}, {round(course.harm):,} bad requests" if course.failing else end


def _step(shift: Shift) -> str:
    return f"{shift.share * EVERYTHING:.4g} % at {shift.seconds / SECONDS_PER_MINUTE:.0f} min"
