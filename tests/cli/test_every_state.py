"""Every order at every state of the state machine: it acts, or a sentence says why not, and the end is safe."""

import pytest
from rollout.contract import operator
from rollout.contract.order import Order
from rollout.contract.way_back import WayBack

from tests.cli.fake import ANN, Terminal
from tests.lambdas.fakes.execution import TASKS, Execution
from tests.lambdas.fakes.settings import STATE_MACHINE, A, B
from tests.lambdas.fakes.shop import Shop

DONE, NOTHING = 0, 4
ORDERS = ("approve", "reject", "promote", "rollback", "pause", "resume", "abort")
"""The last one ends it."""
ASKING = {"promote", "rollback"}
ACT = {"pause", "resume", "abort"}
"""In every state; a new state of `TASKS` is held to that, too."""


def in_state(shop: Shop, task: str) -> Execution:
    """Return the rollout of v2 with this task next."""
    if task != "RollBack":
        return shop.begin("v2", task)
    execution = shop.begin("v2", "Evaluate")
    execution.fail_with("CapacityUnavailable", "no instances")
    return execution


@pytest.mark.parametrize("task", TASKS)
def test_a_rollout_takes_what_fits_its_state_and_says_why_it_takes_nothing_else(
    shop: Shop, terminal: Terminal, task: str
) -> None:
    execution = in_state(shop, task)
    for order in ORDERS:
        before = shop.lock()
        if order == "abort":
            terminal.operated.later(1, shop.tell_of_order)
        result = terminal.canary(order, *(["--yes"] if order in ASKING else []), "--why", "seen")
        acts = order in ACT or (order, task) == ("promote", "Evaluate")
        assert result.exit_code == (DONE if acts else NOTHING), (order, result.output)
        assert result.stdout if acts else result.stderr.startswith("canary: "), order
        assert acts or shop.lock() == before, f"{order} was refused, and has changed the lock"
    shop.restore(execution.name, "ABORTED")
    assert shop.outcome(execution) == ("NOT_JUDGED", "aborted by ann: seen")
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


@pytest.mark.parametrize("task", [task for task in TASKS if task != "RollBack"])
def test_a_way_back_can_be_aborted_in_every_state_and_nothing_else(shop: Shop, terminal: Terminal, task: str) -> None:
    shop.promote("v2")
    asked = Order(who=ANN, at="2027-01-15T09:00:00Z")
    back = WayBack(leaves="v2", to="v1", order=asked)
    assert shop.ask(operator.roll_back("v1-2", back, state_machine=STATE_MACHINE, stable=B, canary=A))
    shop.look_for_what_was_left()
    execution = shop.running()
    assert execution is not None
    shop.run(execution, task)
    for order in ORDERS[:-1]:
        before = shop.lock()
        result = terminal.canary(order, *(["--yes"] if order in ASKING else []))
        assert (result.exit_code, shop.lock()) == (NOTHING, before), (order, result.output)
    terminal.operated.later(1, shop.tell_of_order)
    assert terminal.canary("abort", "--why", "seen").exit_code == DONE
    shop.restore(execution.name, "ABORTED")
    assert shop.outcome(execution) == ("NOT_JUDGED", "aborted by ann: seen")
    assert shop.weights() == {A: 0, B: 100}
    assert shop.unsafe() == []
