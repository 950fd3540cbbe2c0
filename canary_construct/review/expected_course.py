"""The course that releases are expected to take through a paced plan, for the template's metadata."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from rollout.contract.exposure import EVERYTHING
from rollout.contract.plan import Plan
from rollout.forecast.course import expected_courses, is_thin, reaction_seconds

if TYPE_CHECKING:
    from rollout.forecast.course import Course

    from canary_construct.review.expected_traffic import ExpectedTraffic

SECONDS_PER_MINUTE = 60


def pacing_summary(plan: Plan, traffic: ExpectedTraffic | None) -> dict[str, Any]:
    """Return the harm budget and how soon a share is lowered; at an expected traffic, what it leads to."""
    summary: dict[str, Any] = {"HarmBudget": plan.harm_budget, "ReactionSeconds": round(reaction_seconds(plan))}
    courses = () if traffic is None else courses_of(plan, traffic)
    if courses:
        summary |= {"PacesShares": not is_thin(plan, courses), "ExpectedCourses": [*map(_in_metadata, courses)]}
    return summary


def courses_of(plan: Plan, traffic: ExpectedTraffic) -> tuple[Course, ...]:
    """Return the expected courses, that of a release as good as stable first; none where no share is paced."""
    return _courses(_without_names(plan), traffic.rps)


def _without_names(plan: Plan) -> str:
    """Return what a course depends on, as JSON: endpoints of one plan and one traffic share their courses."""
    named: dict[str, object] = {
        "endpoint": "",
        "state_machine_arn": "",
        "alarms": {},
        "api_stages": [],
        "smoke_test": None,
    }
    return json.dumps({**plan.to_json(), **named})


@cache
def _courses(plan: str, rps: float) -> tuple[Course, ...]:
    """Walk the courses once: the template's metadata are resolved several times."""
    return expected_courses(Plan.parse(json.loads(plan)), requests_per_second=rps)


def _in_metadata(course: Course) -> dict[str, Any]:
    return {
        "FailingPercent": course.failing * EVERYTHING,
        "Shares": [
            {"Minutes": round(shift.seconds / SECONDS_PER_MINUTE, 1), "Percent": round(shift.share * EVERYTHING, 2)}
            for shift in course.shifts
        ],
        "End": course.end.value,
        "Minutes": round(course.seconds / SECONDS_PER_MINUTE, 1),
        "BadRequests": round(course.harm),
    }
