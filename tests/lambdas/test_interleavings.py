"""Handlers suspended at any of their AWS calls while others run: the invariants hold after every turn, and at rest.

`INTERLEAVINGS=2000 python -m pytest tests/lambdas/test_interleavings.py` runs that many examples.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.lambdas.interleavings import breaks
from tests.lambdas.interleavings.machine import Interleavings
from tests.lambdas.interleavings.record import Violation

EXAMPLES = int(os.environ.get("INTERLEAVINGS", "60"))
MOST_EXAMPLES_TO_CATCH_ONE = 600


def explored(examples: int, *phases: Phase) -> None:
    """Run examples, the same ones each time."""
    run_state_machine_as_test(
        Interleavings,
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


def test_no_interleaving_breaks_an_invariant() -> None:
    explored(EXAMPLES, Phase.shrink)


@pytest.mark.parametrize("broken", breaks.BREAKS)
def test_a_broken_handler_is_caught(broken: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        broken(patch)
        with pytest.raises(Violation):
            explored(MOST_EXAMPLES_TO_CATCH_ONE)
