"""The matrix: every state of the state machine, combined with everything that can go wrong in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.chaos.calls import SECOND_LOOK, STATES, calls_of
from bench.chaos.disturbances import FROM_THE_BEGINNING, OF_CALLS, OF_WORLD, fits
from bench.chaos.worlds import BUSY_AT_FIRST, FAILING, FAILING_AND_REFUSED, FAILING_AT_ALL, QUIET, merged
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


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the matrix; `call` is empty for what goes wrong outside the calls."""

    state: str
    kind: str
    call: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.call} {self.kind}" if self.call else f"{self.state}: {self.kind}"

    def scenario(self, entered: Mapping[str, float]) -> dict[str, Any]:
        """Return the state's world with the disturbance, which begins when the rollout enters the state."""
        at_s = entered[self.state]
        disturbance = OF_CALLS[self.kind](self.call, at_s) if self.call else OF_WORLD[self.kind](at_s)
        return merged(WORLDS[self.state], disturbance)


def cells() -> Iterator[Cell]:
    """Yield the full matrix."""
    for state in WORLDS:
        for kind in OF_CALLS:
            yield from (Cell(state=state, kind=kind, call=call) for call in calls_of(state) if fits(kind, call))
        yield from (Cell(state=state, kind=kind) for kind in OF_WORLD if kind not in FROM_THE_BEGINNING)
    yield from _from_the_beginning()


def _from_the_beginning() -> Iterator[Cell]:
    """Yield what holds for a whole rollout twice: for a promotion and for a rollback."""
    for state in ("WaitForInstances", "WaitForRollback"):
        yield from (Cell(state=state, kind=kind) for kind in FROM_THE_BEGINNING)


def moments(declared: DeclaredEndpoint) -> dict[str, float]:
    """Return the second at which each state is first entered when nothing goes wrong."""
    entered: dict[str, float] = {}
    for world in (QUIET, BUSY_AT_FIRST, FAILING, FAILING_AND_REFUSED):
        seen = entries(declared, world)
        entered |= {state: seen[state] for state in STATES if WORLDS[state] is world}
    return {**entered, SECOND_LOOK: entries(declared, FAILING_AT_ALL)["RollBack"]}


def entries(declared: DeclaredEndpoint, world: Mapping[str, Any]) -> dict[str, float]:
    """Return the second at which each state is first entered in this world."""
    aws = rehearse(declared, parse_scenario(world)).aws
    found: dict[str, float] = {}
    for event in aws.executions.all()[0]["events"]:
        name = event.get("stateEnteredEventDetails", {}).get("name")
        if name is not None:
            found.setdefault(name, round(seconds_of(event["timestamp"]) - aws.zero, 3))
    return found
