"""A rehearsal in a few sentences that a release manager reads."""

from datetime import UTC, datetime

from rollout.contract.exposure import EVERYTHING
from rollout.forecast.course import Course

from canary_tools.rehearsal.record.observation import ORDERED
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.scenario import Change


def in_words(rehearsed: Rehearsed) -> str:
    """Return how the rollout went, in two lines."""
    result = rehearsed.result
    verbs = {"PROMOTED": "promoted", "ROLLED_BACK": "rolled back", "NOT_JUDGED": "not judged"}
    verb = verbs.get(result["outcome"], result["outcome"])
    ratio = rehearsed.virtual_seconds / rehearsed.real_seconds
    harm = f"{result['bad_requests_caused']:,} requests went wrong because of it"
    safe = "" if result["safe_end"] else f"; THE END IS NOT SAFE: {'; '.join(result['unsafe'])}"
    told = "".join(f"  {line}\n" for line in waits_of(rehearsed))
    return (
        f"seed {rehearsed.scenario.seed}: {verb} after {duration(result['seconds'])}; {harm}{safe}\n"
        f"  {result['reason']}\n{told}"
        f"  {duration(rehearsed.virtual_seconds)} in {rehearsed.real_seconds:.1f} s, {ratio:,.0f} times as fast"
    )


def changed(change: Change) -> str:
    """Say what a change of a scenario is, without its time."""
    values = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in change.values.items())
    who = {"canary": "the new release", "stable": "stable", "both": "both releases"}[change.who]
    return f"{who}: {values}"


def waits_of(rehearsed: Rehearsed) -> list[str]:
    """Return what held the rollout, what let it go on, and what people ordered, each with its time in UTC."""
    observation = rehearsed.observation
    told = [
        *(each for each in observation.bus_happenings() if each.text.startswith(WAITS)),
        *(each for each in observation.happenings if each.kind == "control" and ORDERED in each.text),
    ]
    return [
        f"{datetime.fromtimestamp(rehearsed.aws.zero + each.at_s, UTC):%a %H:%M} UTC  {each.text}"
        for each in sorted(told, key=lambda each: each.at_s)
    ]


WAITS = ("Rollout Held", "Rollout Resumed", "Rollout Needs Approval")


def release_of(course: Course) -> str:
    """Say which release takes an expected course."""
    return f"fails {course.failing * EVERYTHING:g} % more" if course.failing else "as good as stable"


def duration(seconds: float) -> str:
    """Write a time as people say it.

    >>> duration(45), duration(600), duration(5400), duration(90000)
    ('45 s', '10 min', '1 h 30 min', '1 d 1 h')
    """
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    if hours < 24:  # noqa: PLR2004 - a day
        return f"{minutes // 60} h {minutes % 60} min".removesuffix(" 0 min")
    return f"{int(hours // 24)} d {int(hours % 24)} h".removesuffix(" 0 h")
