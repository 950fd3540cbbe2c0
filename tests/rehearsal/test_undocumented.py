"""The whole rollout in each position of every switch for what AWS does not document."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from rollout.contract.names import PROMOTED, ROLLED_BACK

from canary_tools.aws_models.undocumented import other_positions
from canary_tools.rehearsal.record.rehearsed import Rehearsed

Rehearse = Callable[..., Rehearsed]
FAILING = {"error_rate": 0.15}


def positions() -> Iterator[Any]:
    """Every position of each switch but the usual one, and then all switches in another position at once."""
    together: dict[str, Any] = {}
    for name, positions in other_positions():
        yield pytest.param(positions, id=f"{name}={positions[name]}")
        together |= positions
    yield pytest.param(together, id="together")


@pytest.mark.parametrize("undocumented", positions())
def test_both_releases_end_right_in_every_position(rehearsing: Rehearse, undocumented: Mapping[str, Any]) -> None:
    world = {"undocumented": undocumented, "metrics": {"delay_s": [30, 90]}}
    healthy, failing = rehearsing(**world).result, rehearsing(**world, canary=FAILING).result
    assert (healthy["outcome"], failing["outcome"]) == (PROMOTED, ROLLED_BACK), (healthy["reason"], failing["reason"])
    assert (healthy["unsafe"], failing["unsafe"]) == ([], [])
