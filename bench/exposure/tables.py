"""The results of the exposure study as Markdown tables."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from bench.exposure.rules import RULES
from bench.exposure.running import CAREFUL, OURS, lines_of
from bench.exposure.simulate import Ended
from bench.exposure.worlds import WORLDS, World

OTHERS = tuple(rule.name for rule in RULES)
CONTENDERS = (OURS, CAREFUL, *OTHERS)
FEW_FALSE_ROLLBACKS = 0.01
DETECTS = 0.5
"""A rule that rolls back at least half of the rollouts of a bad release detects it."""

Results = dict[tuple[str, str], list[Ended]]


def print_tables(path: Path) -> None:
    """Print every table of the study."""
    results = _read(path)
    bad = [world for world in WORLDS if world.bad]
    good = [world for world in WORLDS if not world.bad]
    _print("Rollouts", "n", WORLDS, lambda ends: str(len(ends)), results)
    _print("Good releases that were rolled back", "%", good, lambda ends: f"{100 * (1 - _promoted(ends)):.1f}", results)
    _print("Bad releases that were promoted", "%", bad, lambda ends: f"{100 * _promoted(ends):.1f}", results)
    _print("Requests harmed by the new release", "mean", bad, lambda ends: f"{_harm(ends):,.0f}", results)
    _print(
        "Time until a good release has all the traffic", "minutes", good,
        lambda ends: f"{mean(end.seconds for end in ends if end.promoted) / 60:.0f}" if _promoted(ends) else "never",
        results,
    )  # fmt: skip
    _print_aim(bad, good, results)


def _read(path: Path) -> Results:
    results: Results = defaultdict(list)
    for line in lines_of(path):
        ends = line["ends"]
        assert isinstance(ends, list)
        results[str(line["world"]), str(line["contender"])] += [Ended(**end) for end in ends]
    return results


def _promoted(ends: Sequence[Ended]) -> float:
    return mean(end.promoted for end in ends)


def _harm(ends: Sequence[Ended]) -> float:
    return mean(end.caused for end in ends)


def _print(
    title: str, unit: str, worlds: Sequence[World], cell: Callable[[list[Ended]], str], results: Results
) -> None:
    print(f"\n**{title}** ({unit})\n")
    print("| world | " + " | ".join(CONTENDERS) + " |")
    print("|---" * (1 + len(CONTENDERS)) + "|")
    for world in worlds:
        cells = [cell(results[world.name, name]) if results[world.name, name] else "" for name in CONTENDERS]
        print(f"| {world.name} | " + " | ".join(cells) + " |")


def _print_aim(bad: Sequence[World], good: Sequence[World], results: Results) -> None:
    """Print our harm divided by the least harm of the other rules that detect the release."""
    honest = {
        name
        for name in OTHERS
        if all(1 - _promoted(results[world.name, name]) <= FEW_FALSE_ROLLBACKS for world in good)
    }
    print("\n**Our harm over that of the best other rule that detects the release** (aim: 1/3)\n")
    print(f"Rules with at most 1 % false rollbacks in every good world: {', '.join(sorted(honest)) or 'none'}\n")
    print("| world | ours / any rule | 1 % first / any rule | ours / such a rule | 1 % first / such a rule |")
    print("|---|---|---|---|---|")
    for world in bad:
        cells = [
            _ratio(results, world, ours, among)
            for among in (set(OTHERS), honest)
            for ours in (OURS, CAREFUL)
        ]  # fmt: skip
        print(f"| {world.name} | " + " | ".join(cells) + " |")


def _ratio(results: Results, world: World, ours: str, among: set[str]) -> str:
    detecting = [name for name in among if 1 - _promoted(results[world.name, name]) >= DETECTS]
    if not detecting:
        return "none detects"
    least = min(_harm(results[world.name, name]) for name in detecting)
    return f"{_harm(results[world.name, ours]) / least:.2f}" if least else "no harm"
