"""Handlers suspended at any of their AWS calls while others run: the invariants hold after every turn, and at rest.

`INTERLEAVINGS=2000 python -m pytest tests/lambdas/test_interleavings.py` runs that many examples.
"""

import os
from collections.abc import Mapping
from math import ceil

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.lambdas.interleavings.breaks import Break
from tests.lambdas.interleavings.caught import CAUGHT_BY, machine_for
from tests.lambdas.interleavings.machine import (
    Happenings,
    HeldBackInterleavings,
    Interleavings,
    PacedInterleavings,
)
from tests.lambdas.interleavings.people_machine import PeopleInterleavings
from tests.lambdas.interleavings.record import Violation

EXAMPLES = int(os.environ.get("INTERLEAVINGS", "80"))
MOST_EXAMPLES_TO_CATCH_ONE = 150
SHARE_OF_EXAMPLES: Mapping[type[Happenings], float] = {
    Interleavings: 0.45, PacedInterleavings: 0.3, HeldBackInterleavings: 0.25, PeopleInterleavings: 0.5,
}  # fmt: skip
"""Of the examples asked for. Those of people at the wheel came on top of the others."""


def explored(examples: int, *phases: Phase, of: type[Happenings]) -> None:
    """Run examples, the same ones each time."""
    run_state_machine_as_test(
        of,
        settings=settings(
            max_examples=examples,
            stateful_step_count=2,
            deadline=None,
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, *phases],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("plan", SHARE_OF_EXAMPLES)
def test_no_interleaving_breaks_an_invariant(plan: type[Happenings]) -> None:
    explored(ceil(EXAMPLES * SHARE_OF_EXAMPLES[plan]), Phase.shrink, of=plan)


@pytest.mark.parametrize(
    ("plan", "broken", "rule"),
    [(plan, broken, rule) for plan, found in CAUGHT_BY.items() for broken, rule in found.items()],
)
def test_a_broken_handler_is_caught(plan: type[Happenings], broken: Break, rule: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        broken(patch)
        with pytest.raises(Violation):
            explored(MOST_EXAMPLES_TO_CATCH_ONE, of=machine_for(broken, plan, rule))
