"""Many rehearsals of one scenario, summarised."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from canary_tools.rehearsal.outcome import Result

NUMBERS = (
    "seconds",
    "bad_requests_caused",
    "canary_requests",
    "stable_requests",
    "seconds_to_detect",
    "seconds_to_weight_zero",
    "history_events",
    "state_transitions",
    "cost_usd",
)
PERCENTS = (5, 50, 95)


def distribution(results: Sequence[Result]) -> dict[str, Any]:
    """Return how often each outcome came, and mean and percentiles of each number over the runs that have it."""
    return {
        "runs": len(results),
        "outcomes": dict(sorted(Counter(result["outcome"] for result in results).items())),
        "safe_ends": sum(result["safe_end"] for result in results),
        "last_step_percent": _counted(result["steps"][-1]["expected_percent"] for result in results if result["steps"]),
        **{name: _spread([result[name] for result in results if result[name] is not None]) for name in NUMBERS},
    }


def table(summary: Mapping[str, Any]) -> str:
    """Return a summary as lines of text."""
    outcomes = ", ".join(f"{outcome} {count}" for outcome, count in summary["outcomes"].items())
    lines = [f"{summary['runs']} runs: {outcomes}; safe ends {summary['safe_ends']}"]
    for name in NUMBERS:
        spread = summary[name]
        if spread is not None:
            values = ", ".join(f"p{percent} {spread[f'p{percent}']:,.6g}" for percent in PERCENTS)
            lines.append(f"  {name}: mean {spread['mean']:,.6g}, {values}")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    spread = {"mean": round(sum(ordered) / len(ordered), 4)}
    for percent in PERCENTS:
        spread[f"p{percent}"] = ordered[round(percent / 100 * (len(ordered) - 1))]
    return {"runs": len(ordered), **spread}


def _counted(values: Any) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}
