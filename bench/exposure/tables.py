"""The results of the exposure study as Markdown tables."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from pathlib import Path
from statistics import mean, median

from bench.exposure.bounds import bound
from bench.exposure.rules import RULES
from bench.exposure.running import BUDGETS, FIXED, contenders, lines_of, paced
from bench.exposure.simulate import MILESTONES, Ended
from bench.exposure.worlds import WORLDS, World

DEFAULT = paced(BUDGETS[0])
OURS = (*map(paced, sorted(BUDGETS)), FIXED)
OTHERS = tuple(rule.name for rule in RULES)
BEFORE = "ours before (ca2da27)"
BEFORE_FILE = Path(__file__).parent / "before.csv"
FEW_FALSE_ROLLBACKS = 0.01
DETECTS = 0.5
"""A rule that rolls back at least half of the rollouts of a bad release detects it."""
AIM = 1 / 3

Results = Mapping[tuple[str, str], Sequence[Ended]]
Cell = Callable[[Sequence[Ended]], str]


def print_tables(path: Path) -> None:
    """Print every table of the study."""
    results = _read(path)
    bad = [world for world in WORLDS if world.bad]
    good = [world for world in WORLDS if not world.bad]
    _print("Rollouts", "n", WORLDS, lambda ends: str(len(ends)), results)
    _print(
        "Good releases that were rolled back", "%", good, lambda ends: f"{100 * (1 - _promoted(ends)):.1f}", results,
        before={name: f"{100 - float(row['promoted_percent']):.1f}" for name, row in _before().items()},
    )  # fmt: skip
    _print(
        "Bad releases that were promoted", "%", bad, lambda ends: f"{100 * _promoted(ends):.1f}", results,
        before={name: f"{float(row['promoted_percent']):.1f}" for name, row in _before().items()},
    )  # fmt: skip
    _print(
        "Requests harmed by the new release", "mean / 95th percentile", bad, harms, results,
        before={name: row["harm"] for name, row in _before().items()},
    )  # fmt: skip
    _print(
        "When a good release has 50 / 95 / 100 % of the traffic", "minutes, median", good, _milestones, results,
        before={name: f"? / ? / {row['minutes']}" for name, row in _before().items()},
    )  # fmt: skip
    _print("Changes of weights", "mean", WORLDS, lambda ends: f"{mean(end.changes for end in ends):.1f}", results)
    _print_aim(bad, good, results)


def _read(path: Path) -> Results:
    results: dict[tuple[str, str], list[Ended]] = defaultdict(list)
    for line in lines_of(path):
        ends = line["ends"]
        assert isinstance(ends, list)
        results[str(line["world"]), str(line["contender"])] += [Ended(**end) for end in ends]
    return results


def _before() -> dict[str, dict[str, str]]:
    """Return what the study of commit ca2da27 showed of ours: steps of half an hour, metrics always 90 s late."""
    with BEFORE_FILE.open(encoding="utf-8") as lines:
        return {row["world"]: row for row in csv.DictReader(lines)}


def _promoted(ends: Iterable[Ended]) -> float:
    return mean(end.promoted for end in ends)


def _rolled_back(results: Results, world: World, name: str) -> float:
    """Return the part of the rollouts that were rolled back; 0 if there is none yet."""
    ends = results.get((world.name, name), ())
    return 1 - _promoted(ends) if ends else 0.0


def _harm(ends: Iterable[Ended]) -> float:
    return mean(end.caused for end in ends)


def harms(ends: Sequence[Ended]) -> str:
    """Return the mean and the 95th percentile of the harm."""
    largest = sorted(end.caused for end in ends)[ceil(0.95 * len(ends)) - 1]
    return f"{_harm(ends):,.0f} / {largest:,.0f}"


def _milestones(ends: Sequence[Ended]) -> str:
    """Return the median times of the promoted rollouts; those that skip a milestone reach it with the next one."""
    promoted = [end.reached for end in ends if end.promoted]
    if not promoted:
        return "never"
    times = [
        [second / 60 for second in (found[number] for found in promoted) if second is not None]
        for number in range(len(MILESTONES))
    ]
    return " / ".join(f"{median(each):.0f}" for each in times)


def _print(
    title: str, unit: str, worlds: Sequence[World], cell: Cell, results: Results,
    before: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    known = {name for _, name in results}
    columns = [name for name in (*OURS, BEFORE, *OTHERS) if name in known or (name == BEFORE and before is not None)]
    print(f"\n**{title}** ({unit})\n")
    print("| world | " + " | ".join(columns) + " |")
    print("|---" * (1 + len(columns)) + "|")
    for world in worlds:
        cells = {name: cell(ends) for name in contenders() if (ends := results.get((world.name, name)))}
        cells[BEFORE] = (before or {}).get(world.name, "")
        print(f"| {world.name} | " + " | ".join(cells.get(name, "") for name in columns) + " |")


def _print_aim(bad: Sequence[World], good: Sequence[World], results: Results) -> None:
    """Print our harm beside that of the best other rule that detects the release, and what any rule must suffer."""
    honest = [
        name for name in OTHERS if all(_rolled_back(results, world, name) <= FEW_FALSE_ROLLBACKS for world in good)
    ]
    print("\n**Our harm over that of the best other rule that detects the release** (aim: 1/3)\n")
    print(f"Rules with at most 1 % false rollbacks in every good world: {', '.join(honest) or 'none'}\n")
    columns = (
        DEFAULT, "best other rule", "its harm", "ours / it", "our best budget / it", "ours / best such rule",
        "aim", "least harm of any rule", "from",
    )  # fmt: skip
    print("| world | " + " | ".join(columns) + " |")
    print("|---" * (1 + len(columns)) + "|")
    for world in bad:
        if (world.name, DEFAULT) in results:
            print(f"| {world.name} | " + " | ".join(_aim_cells(world, results, honest)) + " |")


def _aim_cells(world: World, results: Results, honest: Sequence[str]) -> list[str]:
    ours, least = _harm(results[world.name, DEFAULT]), bound(world)
    known = [name for name in map(paced, BUDGETS) if (world.name, name) in results]
    best_of_ours = min(_harm(results[world.name, name]) for name in known)
    name, other = _best(world, results, OTHERS)
    _, of_honest = _best(world, results, honest)
    detects = _rolled_back(results, world, DEFAULT) >= DETECTS
    reached = "reached" if detects and (other is None or ours <= AIM * other) else "missed"
    return [
        f"{ours:,.0f}", name, "" if other is None else f"{other:,.0f}",
        _ratio(ours, other), _ratio(best_of_ours, other), _ratio(ours, of_honest),
        reached, f"{least.harm:,.0f}", least.why,
    ]  # fmt: skip


def _best(world: World, results: Results, among: Sequence[str]) -> tuple[str, float | None]:
    """Return the rule with the least harm of those that detect a release, and its harm; `None` if there is none."""
    harms = {name: _harm(results[world.name, name]) for name in among if _rolled_back(results, world, name) >= DETECTS}
    best = min(harms, key=harms.__getitem__, default="none detects")
    return best, harms.get(best)


def _ratio(ours: float, other: float | None) -> str:
    return f"{ours / other:.2f}" if other else ""
