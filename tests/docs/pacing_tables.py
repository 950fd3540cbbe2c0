"""The tables of docs/pacing.md: `python -m tests.docs.pacing_tables` prints them."""

import sys
from collections.abc import Iterator

from rollout.contract.plan import Plan, Scaling, Settings
from rollout.forecast.course import Course, expected_courses

from canary_construct import TrafficRouting
from canary_construct.props.gate import default_gates
from canary_construct.rollout.gates import RolloutGates

BUDGETS = (20, 50, 100, 200)
RATES = (1, 10, 100, 1000)
HEAD = (
    "| {} | first share | 10 % after | 50 % after | 95 % after | 100 % after | bad requests: 1 % | 2 % | 5 % | 20 % |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def plan_of(routing: TrafficRouting) -> Plan:
    """Return the plan of an endpoint that says nothing but its routing, at a metric period of 60 s."""
    gates = RolloutGates(default_gates(), routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=60)
    return Plan(
        settings=Settings(endpoint="recommender", scaling=Scaling(min_instances=1, max_instances=4, idle_instances=1)),
        steps=tuple(step.for_handlers() for step in routing.traffic_steps),
        gates=gates.rules(),
        harm_budget=routing.harm_budget,
        evaluation_interval_seconds=60,
        poll_seconds=15,
        capacity_timeout_seconds=1200,
        weights_timeout_seconds=1500,
    )


def tables() -> Iterator[str]:
    """Yield the two tables: harm budgets at 100 requests a second, and traffic with a budget of 100."""
    yield table("budget", {f"{budget}": _courses(budget, 100) for budget in BUDGETS})
    yield table("requests a second", {f"{rps:,}": _courses(100, rps) for rps in RATES})


def table(first: str, by_row: dict[str, tuple[Course, ...]]) -> str:
    """Return a table with a row for each set of courses."""
    return "\n".join([HEAD.format(first), *(f"| {row} | {_cells(courses)} |" for row, courses in by_row.items())])


def _courses(budget: float, rps: float) -> tuple[Course, ...]:
    return expected_courses(plan_of(TrafficRouting.paced(harm_budget=budget)), requests_per_second=rps)


def _cells(courses: tuple[Course, ...]) -> str:
    good, *bad = courses
    times = [_minutes(good, percent) for percent in (10, 50, 95, 100)]
    return " | ".join([f"{100 * good.shifts[0].share:g} %", *times, *(f"{course.harm:.0f}" for course in bad)])


def _minutes(course: Course, percent: int) -> str:
    seconds = next(shift.seconds for shift in course.shifts if shift.share >= percent / 100)
    return f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(tables()) + "\n")
