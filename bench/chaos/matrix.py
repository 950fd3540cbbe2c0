"""The matrix: every state of the state machine, combined with everything that can go wrong in it.

The rollout of a paced plan has more rows: a share that is raised, lowered or taken to 100 % is a change of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.chaos.calls import LAST, LOWERED, RAISED, SECOND_LOOK, STATES, calls_of
from bench.chaos.disturbances import FROM_THE_BEGINNING, OF_CALLS, OF_WORLD, fits
from bench.chaos.worlds import (
    BUSY_AT_FIRST,
    FAILING,
    FAILING_AND_REFUSED,
    FAILING_AND_REFUSED_LONGER,
    FAILING_AT_ALL,
    FAILING_AT_ALL_OF_PACED,
    FAILING_LATER,
    QUIET,
    merged,
)
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.services.executions import seconds_of
from canary_tools.rehearsal.template import DeclaredEndpoint

WORLDS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(STATES, QUIET),
    "WaitForQuiet": BUSY_AT_FIRST,
    "RollBack": FAILING,
    "WaitForRollback": FAILING_AND_REFUSED,
    SECOND_LOOK: FAILING_AT_ALL,
}
"""The world in which a rollout enters the state although nothing goes wrong."""
OF_CHANGE = ("ScaleCanary", "ShiftTraffic", "WaitForWeights", "Bake", "Evaluate")
"""The states of one change of a share, in their order. A lower share needs no instances: it begins with the second."""
PACED_WORLDS: Mapping[str, Mapping[str, Any]] = {
    **{state: world for state, world in WORLDS.items() if state != "WaitForInstances"},
    "WaitForRollback": FAILING_AND_REFUSED_LONGER,
    SECOND_LOOK: FAILING_AT_ALL_OF_PACED,
    **{f"{state}, {RAISED}": FAILING_LATER for state in OF_CHANGE},
    **{f"{state}, {LOWERED}": FAILING_LATER for state in OF_CHANGE[1:]},
    **{f"{state}, {LAST}": QUIET for state in OF_CHANGE},
}
"""The same for a paced plan, which orders the instances of its next share beforehand: it waits for none of them."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the matrix; `call` is empty for what goes wrong outside the calls."""

    state: str
    kind: str
    call: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.call} {self.kind}" if self.call else f"{self.state}: {self.kind}"

    def scenario(
        self, entered: Mapping[str, float], worlds: Mapping[str, Mapping[str, Any]] = WORLDS
    ) -> dict[str, Any]:
        """Return the state's world with the disturbance, which begins when the rollout enters the state."""
        at_s = entered[self.state]
        disturbance = OF_CALLS[self.kind](self.call, at_s) if self.call else OF_WORLD[self.kind](at_s)
        return merged(worlds[self.state], disturbance)


def cells(worlds: Mapping[str, Mapping[str, Any]] = WORLDS) -> Iterator[Cell]:
    """Yield the full matrix."""
    for state in worlds:
        for kind in OF_CALLS:
            yield from (Cell(state=state, kind=kind, call=call) for call in calls_of(state) if fits(kind, call))
        yield from (Cell(state=state, kind=kind) for kind in OF_WORLD if kind not in FROM_THE_BEGINNING)
    # What holds for a whole rollout comes twice: for a promotion and for a rollback.
    for state in ("WaitForInstances" if "WaitForInstances" in worlds else "Bake", "WaitForRollback"):
        yield from (Cell(state=state, kind=kind) for kind in FROM_THE_BEGINNING)


def moments(declared: DeclaredEndpoint, worlds: Mapping[str, Mapping[str, Any]] = WORLDS) -> dict[str, float]:
    """Return the second at which each state is first entered when nothing goes wrong.

    Raises:
        ValueError: a world does not lead into its states. The matrix would lack their rows.
    """
    entered: dict[str, float] = {}
    for world in {id(world): world for world in worlds.values()}.values():
        seen = entries(declared, world)
        states = [state for state in worlds if worlds[state] is world]
        if missing := [state for state in states if state not in seen]:
            came = ", ".join(seen)
            raise ValueError(f"a rollout in the world of {', '.join(missing)} never comes there, but to {came}")
        entered |= {state: seen[state] for state in states}
    return entered


def entries(declared: DeclaredEndpoint, world: Mapping[str, Any]) -> dict[str, float]:
    """Return the second at which each state is first entered in this world, and is after each kind of a change."""
    aws = rehearse(declared, parse_scenario(world)).aws
    states = [
        (event["stateEnteredEventDetails"]["name"], round(seconds_of(event["timestamp"]) - aws.zero, 3))
        for event in aws.executions.all()[0]["events"]
        if "stateEnteredEventDetails" in event
    ]
    found = _first(states)
    if "RollBack" in found:
        found[SECOND_LOOK] = found["RollBack"]
    for change, at_s in _changes(states).items():
        after = _first([(state, entered_at) for state, entered_at in states if entered_at >= at_s])
        found |= {f"{state}, {change}": after[state] for state in OF_CHANGE if state in after}
    return found


def _first(states: Sequence[tuple[str, float]]) -> dict[str, float]:
    return dict(reversed(states))


def _changes(states: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return when each kind of a change first begins; of the last share, when its step begins."""
    began = {
        ("HasPassed", "ScaleCanary"): RAISED,
        ("HasPassed", "ShiftTraffic"): LOWERED,
        ("NextStep", "ScaleCanary"): LAST,
    }
    found: dict[str, float] = {}
    for (before, _), (state, at_s) in pairwise(states):
        change = began.get((before, state))
        if change == LAST:
            found[LAST] = at_s
        elif change is not None:
            found.setdefault(change, at_s)
    return found
