"""The summary of a plan as people read it."""

from collections.abc import Iterator

from canary_tools.rehearsal.plan.fleet import Fleet
from canary_tools.rehearsal.plan.pacing import Pacing
from canary_tools.rehearsal.plan.summary import Assumptions, Summary
from canary_tools.rehearsal.report.sentences import duration

_RPS_FROM = {
    "--rps": "as --rps says",
    "expected_rps": "the expected_rps of the template",
    "default": "assumed: the template has no expected_rps, and --rps is not given",
}


def in_lines(summary: Summary) -> str:
    """Return the summary as lines of text."""
    metadata, events = summary.metadata, f"{summary.metadata.history_events:,}"
    lines = [
        f"{summary.endpoint}: {' → '.join(summary.step_titles)} of the requests",
        f"  traffic           {_traffic(summary.assumptions)}",
        f"  duration          {_duration(summary)}",
        *_harm_budget(summary.pacing),
        f"  instances         {_instances(summary.fleet)}",
        f"  history events    {events} on the longest path, {metadata.history_events_allowed:,} allowed",
        f"  cost              {_cost(summary)}",
        *([] if summary.hold_back is None else [f"  hold-back         {summary.hold_back.in_words()}"]),
        *(f"  cohort            {limit}" for limit in metadata.cohorts),
    ]
    return "\n".join(lines if summary.fleet.refused else [*lines, *_exposures(summary), *_courses(summary.pacing)])


def _traffic(assumed: Assumptions) -> str:
    return f"{assumed.rps:g} requests a second ({_RPS_FROM[assumed.rps_from]})"


def _duration(summary: Summary) -> str:
    shortest, longest = duration(summary.metadata.shortest_seconds), duration(summary.metadata.longest_seconds)
    usual = duration(summary.usual_seconds)
    return f"{shortest} at the shortest, {usual} when every step uses its bake, {longest} at the longest"


def _harm_budget(pacing: Pacing | None) -> Iterator[str]:
    if pacing is not None:
        yield (
            f"  harm budget       {pacing.harm_budget:g} requests may go wrong in the {pacing.reaction_seconds:g} s "
            "until a lower share is in force"
        )


def _courses(pacing: Pacing | None) -> Iterator[str]:
    return pacing.lines() if pacing is not None and pacing.courses else iter(())


def _instances(fleet: Fleet) -> str:
    if fleet.refused:
        return f"REFUSED: {fleet.refused}"
    hourly = fleet.peak_usd_per_hour
    price = f"no list price of {_type(fleet)} is known here" if hourly is None else f"${hourly:,.2f} an hour"
    more = f", and more if {' or '.join(fleet.follows)} asks for it" if fleet.follows else ""
    return f"{fleet.before:,} before, {fleet.peak:,} at the peak{more}: {price} ({_most(fleet)})"


def _most(fleet: Fleet) -> str:
    if fleet.own_most == fleet.most:
        return f"max_instances {fleet.most} a variant"
    return f"max_instances {fleet.most}, of the release {fleet.own_most}"


def _cost(summary: Summary) -> str:
    if summary.fleet.refused:
        return "none: the rollout would not begin"
    if summary.cost_usd is None:
        orchestration = summary.orchestration_cost_usd
        return f"unknown for the instances ({_type(summary.fleet)}); ${orchestration:,.2f} a rollout for all else"
    return f"${summary.cost_usd:,.2f} a rollout, more than without one, at list prices of us-east-1"


def _type(fleet: Fleet) -> str:
    return fleet.instance_type or "an instance type that the template does not name"


def _exposures(summary: Summary) -> Iterator[str]:
    exposures = list(summary.exposures())
    yield (
        f"  requests to a bad release before a gate or alarm can act, at {summary.assumptions.rps:g} a second and "
        f"metrics {summary.metadata.metric_delay_seconds} s late:"
    )
    width = max((len(exposure.guard.name) for exposure in exposures), default=0)
    for exposure in exposures:
        requests = ", ".join(f"{count:,} at {step}" for step, count in exposure.requests.items())
        guard = exposure.guard
        yield f"    {guard.name:<{width}}  {guard.earliest_seconds:>5,} s at the earliest: {requests}"
