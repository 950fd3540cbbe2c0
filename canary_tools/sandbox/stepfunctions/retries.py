"""Retry with MaxDelaySeconds and JitterStrategy.

Gap it fills: ministack ignores both. (Its own limit of 60 seconds between attempts stays.)
Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

import importlib
import random
from collections.abc import Callable
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

Retrier = dict[str, Any]
Found = tuple[Retrier | None, int]


def install(*, patches: Patches, seed: int, states: Any = None) -> None:
    """Make ministack, or the copy of its module in `states`, wait before a retry as the retrier says."""
    states = importlib.import_module("ministack.services.stepfunctions") if states is None else states
    draw = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    patches.attribute(
        states,
        "_find_matching_retrier",
        _with_delay(states._find_matching_retrier, draw),  # noqa: SLF001
    )


def delay_seconds(retrier: Retrier, attempts: int, draw: random.Random) -> float:
    """Return the seconds to wait before the next retry, after `attempts` earlier ones.

    >>> delay_seconds({"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10}, 2, random.Random(0))
    10.0
    """
    wanted = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** attempts
    longest = min(wanted, float(retrier.get("MaxDelaySeconds", wanted)))
    return draw.uniform(0, longest) if retrier.get("JitterStrategy") == "FULL" else longest


def _with_delay(find: Callable[..., Found], draw: random.Random) -> Callable[..., Found]:
    """Return the matching retrier, with the delay before this retry as its interval."""

    def find_with_delay(retriers: list[Retrier], error: str, counts: dict[int, int]) -> Found:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = delay_seconds(retrier, counts.get(index, 0), draw)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    return find_with_delay
