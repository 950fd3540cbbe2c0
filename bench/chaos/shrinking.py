"""Make a failing scenario as small as possible: drop faults and controls, calm the world, shorten windows."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench.chaos.worlds import QUIET

Scenario = Mapping[str, Any]
SHORTEST_SECONDS = 1.0
LISTS = ("faults", "controls", "changes")


def shrink(scenario: Scenario, is_unsafe: Callable[[Scenario], bool]) -> Scenario:
    """Return a scenario that is still unsafe, while every version that is one step smaller is safe.

    >>> smallest = shrink(
    ...     {"faults": [{"for_s": 64.0, "call": call} for call in "abc"]},
    ...     lambda tried: any(fault["call"] == "b" and fault["for_s"] > 10 for fault in tried["faults"]),
    ... )
    >>> smallest
    {'faults': [{'for_s': 16.0, 'call': 'b'}]}
    """
    while True:
        smaller = next((tried for tried in smaller_versions(scenario) if is_unsafe(tried)), None)
        if smaller is None:
            return scenario
        scenario = smaller


def smaller_versions(scenario: Scenario) -> Iterator[Scenario]:
    """Yield each scenario that is one step smaller, the largest steps first."""
    for name in LISTS:
        items = scenario.get(name, [])
        if len(items) > 3:
            yield {**scenario, name: items[: len(items) // 2]}
            yield {**scenario, name: items[len(items) // 2 :]}
        for number in range(len(items)):
            yield {**scenario, name: [*items[:number], *items[number + 1 :]]}
    for name, usual in QUIET.items():
        if name not in (*LISTS, "seed") and scenario.get(name, usual) != usual:
            yield {**scenario, name: usual}
    for name, key in (("faults", "for_s"), ("changes", "for_s")):
        for number, item in enumerate(scenario.get(name, [])):
            if item.get(key, 0) / 2 >= SHORTEST_SECONDS:
                shorter = {**item, key: item[key] / 2}
                yield {**scenario, name: [*scenario[name][:number], shorter, *scenario[name][number + 1 :]]}
