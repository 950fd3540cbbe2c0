"""Many rehearsals of one scenario, summarised."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from canary_tools.rehearsal.record.rehearsed import Result

NUMBERS = (
    "seconds",
    "bad_requests_caused",
    "bad_requests_caused_at_stable",
    "canary_requests",
    "stable_requests",
    "seconds_to_detect",
    "seconds_to_weight_zero",
    "history_events",
    "state_transitions",
    "metrics_read",
    "cost_usd",
)
OF_THE_END = ("weights", "scaling_floors", "lock", "cohort")
PERCENTS = (5, 50, 95)


def distribution(results: Sequence[Result]) -> dict[str, Any]:
    """Return how often each outcome, reason and end came, and the spread of each number over the runs that have it.

    Of `api_calls` it is that of each call over all runs: a run that never makes a call has 0 of them.
    """
    return {
        "runs": len(results),
        "outcomes": dict(sorted(Counter(result["outcome"] for result in results).items())),
        "safe_ends": sum(result["safe_end"] for result in results),
        "last_step_percent": _counted(result["steps"][-1]["expected_percent"] for result in results if result["steps"]),
        "reasons": _counted(result["reason"] for result in results),
        "unsafe": _counted(problem for result in results for problem in result["unsafe"]),
        "final": {name: _counted(_in_words(result["final"][name]) for result in results) for name in OF_THE_END},
        "api_calls": {
            call: _spread([result["api_calls"].get(call, 0) for result in results])
            for call in sorted({call for result in results for call in result["api_calls"]})
        },
        **{name: _spread([result[name] for result in results if result[name] is not None]) for name in NUMBERS},
    }


def table(summary: Mapping[str, Any]) -> str:
    """Return a summary as lines of text."""
    outcomes = ", ".join(f"{outcome} {count}" for outcome, count in summary["outcomes"].items())
    lines = [f"{summary['runs']} runs: {outcomes}; safe ends {summary['safe_ends']}"]
    lines += [f"  UNSAFE in {count}: {problem}" for problem, count in summary["unsafe"].items()]
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


def _in_words(value: Any) -> str:
    """Write a part of the end as the key of a count.

    >>> _in_words({"variant-a": 0.0, "variant-b": 1.0}), _in_words(None)
    ('variant-a 0, variant-b 1', 'none')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_in_words(item)}" for name, item in sorted(value.items())) or "none"
    return f"{value:g}" if isinstance(value, int | float) else str(value or "none")
