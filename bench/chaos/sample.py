"""The part of the matrix that the test suite rehearses: it meets every row and every pair that a fault can depend on.

A greedy covering design over the full matrix. It is calculated, not listed: a new state, call or disturbance comes in
by itself. `python -m bench.chaos matrix` rehearses the full matrix.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from bench.chaos.calls import METRICS, SECOND_LOOK, SET_FLOOR
from bench.chaos.matrix import WORLDS, Cell, cells

FAILED_ONCE = (
    Cell(state="Prepare", kind="weights changed by somebody else"),
    Cell(state="WaitForQuiet", kind="weights changed by somebody else"),
    Cell(state="Promote", kind="weights changed by somebody else"),
    Cell(state="Promote", kind="crash after effect", call=SET_FLOOR),
    Cell(state="Promote", kind="ledger unavailable"),
    Cell(state="Evaluate", kind="stopped"),
    Cell(state="WaitForInstances", kind="alarm stuck in ALARM"),
    Cell(state="WaitForWeights", kind="alarm stuck in ALARM"),
    Cell(state="WaitForInstances", kind="capacity never comes"),
    Cell(state=SECOND_LOOK, kind="crash after effect", call=METRICS),
    Cell(state=SECOND_LOOK, kind="throttled for minutes", call=METRICS),
)
"""The cells nearest to what failed before it was mended; `docs/chaos.md` tells what happened. They are always in."""

ROLLING_BACK = ("RollBack", "WaitForRollback", SECOND_LOOK)
"""The states that only a release that fails enters."""

Meeting = tuple[str, ...]


def sample(worlds: Mapping[str, Mapping[str, Any]] = WORLDS) -> Sequence[Cell]:
    """Return the cells that once failed, and as few others as a greedy choice needs to meet all that the matrix meets.

    Each next cell brings the most new meetings. Of equals it is the one whose disturbance was chosen least, and then
    the first of the matrix.
    """
    of_cell = {cell: meetings_of(cell) for cell in cells(worlds)}
    chosen = [cell for cell in FAILED_ONCE if cell in of_cell]
    missing = meetings(of_cell) - meetings(chosen)
    while missing:
        used = Counter(cell.kind for cell in chosen)
        best = max(of_cell, key=lambda cell: (len(of_cell[cell] & missing), -used[cell.kind]))
        chosen.append(best)
        missing -= of_cell[best]
    return chosen


def meetings(of: Iterable[Cell]) -> set[Meeting]:
    """Return all that the cells meet."""
    return {meeting for cell in of for meeting in meetings_of(cell)}


def meetings_of(cell: Cell) -> frozenset[Meeting]:
    """Return what meets in a cell.

    For a fault of a call, each pair of state, call and kind. For what goes wrong outside the calls, the state with the
    family of the kind, and the kind with the end that the undisturbed rollout comes to.

    >>> sorted(meetings_of(Cell(state="Bake", kind="alarm flapping")))
    [('Bake', 'alarm'), ('alarm flapping', 'promoted')]
    >>> sorted(meetings_of(Cell(state="Bake", kind="refused", call="events:PutEvents")))
    [('Bake', 'events:PutEvents'), ('Bake', 'refused'), ('events:PutEvents', 'refused')]
    """
    if cell.call:
        return frozenset(tuple(sorted(pair)) for pair in combinations((cell.state, cell.call, cell.kind), 2))
    end = "rolled back" if cell.state in ROLLING_BACK else "promoted"
    return frozenset({(cell.state, family(cell.kind)), (cell.kind, end)})


def family(kind: str) -> str:
    """Return what the disturbance strikes: the first word of its name.

    >>> family("metrics late"), family("aborted")
    ('metrics', 'aborted')
    """
    return kind.split(maxsplit=1)[0]
