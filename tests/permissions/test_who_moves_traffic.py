"""Who asks for weights, and who may raise the canary's (invariant 2)."""

import ast
from pathlib import Path

import pytest

from tests.permissions.policy_enforcer import WEIGHTS, Order
from tests.permissions.scenarios import SCENARIOS
from tests.permissions.usage import run, usage

pytestmark = pytest.mark.xdist_group("permissions")

LAMBDAS = Path(__file__).parents[2] / "lambdas" / "rollout"


def orders() -> list[Order]:
    return [order for scenario in SCENARIOS for order in run(scenario).orders]


LOWERING = {"RollBack", "Panic", "Abort", "Restore", "ReleaseSlots", "Settle", "Prepare"}
"""The last three when they bring a rollout to its end that died."""


def test_eight_handlers_set_weights() -> None:
    assert {order.handler for order in orders()} == {"ShiftTraffic", *LOWERING}


def test_whoever_else_may_set_weights_may_because_scaling_asks_for_it() -> None:
    action = f"sagemaker:{WEIGHTS}"
    needing = {handler for handler, found in usage().items() if action in found.needed_by_aws}
    assert needing == {"ScaleCanary", "Evaluate", "Promote"}


def test_only_the_shift_handler_raises_the_weight_of_a_canary_on_trial() -> None:
    raises = [order for order in orders() if order.asked > order.before and not order.decided]
    assert {order.handler for order in raises} == {"ShiftTraffic"}


@pytest.mark.parametrize("handler", sorted(LOWERING))
def test_the_others_ask_for_zero_and_nothing_else_for_a_canary_on_trial(handler: str) -> None:
    on_trial = [order for order in orders() if not order.decided]
    assert {order.asked for order in on_trial if order.handler == handler} == {0}


def test_what_ends_a_hold_back_asks_for_all_the_traffic_of_a_promoted_release() -> None:
    decided = [order for order in orders() if order.decided]
    assert {order.handler for order in decided} == {"ReleaseSlots", "Restore"}
    assert {order.asked for order in decided} == {100}
    assert min(order.before for order in decided) == 98


def test_the_shift_handler_also_lowers_what_it_raised() -> None:
    assert any(order.handler == "ShiftTraffic" and order.asked == 0 < order.before for order in orders())


def test_the_code_has_two_places_that_set_weights() -> None:
    calling = {
        str(source.relative_to(LAMBDAS))
        for source in LAMBDAS.rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "set_weights"
    }
    assert calling == {"exposure.py", "handlers/shift_traffic.py"}
