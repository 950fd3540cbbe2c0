"""The button that goes back after a promotion: it does what `canary rollback` does, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from rollout.contract.names import ROLLED_BACK
from rollout.watching.orders import BUTTONS, fitting

from tests.cli.fake import Terminal
from tests.lambdas.fakes.aws import UNAVAILABLE
from tests.lambdas.fakes.settings import ENDPOINT, STATE_MACHINE, A, B
from tests.lambdas.fakes.shop import Shop
from tests.watching.looks import REQUEST_ID, Dashboard, dashboard, orders_in
from tests.watching.test_widget import Elements, view

DASHBOARD = f"dashboard shop-us-east-1 (Lambda request {REQUEST_ID})"
BUTTON = {"endpoint": ENDPOINT, "order": "go_back", "leaves": "v2", "to": "v1", "state_machine": STATE_MACHINE}


@pytest.fixture
def board() -> Iterator[Dashboard]:
    """V2 was promoted over v1, and no rollout runs."""
    with dashboard() as found:
        found.promoted("v2")
        yield found


def test_at_rest_there_is_one_button_and_it_says_what_it_does(board: Dashboard) -> None:
    shown = board.show()
    assert orders_in(shown) == {"go_back": BUTTON}
    (asked,) = [attributes["confirmation"] for tag, attributes in Elements(shown).found if tag == "cwdb-action"]
    assert asked == (
        "Roll back v2? All the traffic goes back to v1; instances that are missing for it come first. v2 is rejected: "
        "it needs a new version to be tried again."
    )


def test_all_the_traffic_goes_back_and_the_ledger_says_who_wanted_it(board: Dashboard) -> None:
    said = board.press(orders_in(board.show())["go_back"], "Ann: it is slow")
    assert "Ordered. All the traffic goes back" in said
    shown = board.show()
    assert f"v1 gets the traffic of v2 back, as {DASHBOARD}: Ann: it is slow ordered" in Elements(shown).text
    execution = board.shop.running()
    assert execution is not None
    board.shop.run(execution)
    assert board.shop.weights() == {A: 100, B: 0}
    assert board.shop.rollouts()["v1-2"]["way_back"]["who"] == DASHBOARD
    left = board.shop.ledger.release("v2")
    assert left is not None
    assert left.outcome == ROLLED_BACK
    assert orders_in(board.show()) == {}, "there is no second way back"
    assert board.shop.unsafe() == []


@pytest.mark.parametrize("of", ["cart", "shop-rollout-x"])
def test_a_page_that_names_the_state_machine_of_another_endpoint_changes_nothing(board: Dashboard, of: str) -> None:
    another = STATE_MACHINE.replace("shop-rollout", f"{of}-rollout")
    said = board.press({**orders_in(board.show())["go_back"], "state_machine": another})
    assert f"Nothing was changed: {another} is not the state machine of endpoint shop." in said
    assert board.shop.lock() is None
    assert board.shop.running() is None


@pytest.mark.parametrize("operation", ["UpdateItem", "StartExecution"])
def test_the_button_twice_at_once_starts_one_way_back(board: Dashboard, operation: str) -> None:
    """The second person is between the look and the order of the first, or between the order and the start."""
    button, said = orders_in(board.show())["go_back"], []
    board.shop.aws.interrupt(operation, lambda: said.append(board.press(button, "Ben")))
    said.append(board.press(button, "Ann"))
    assert [name for name in board.shop.aws.states.executions if name.startswith("v1-")] == ["v1-2"]
    execution = board.shop.running()
    assert execution is not None
    board.shop.run(execution)
    assert board.shop.weights() == {A: 100, B: 0}
    assert [row for row in board.shop.rollouts().values() if "way_back" in row] == [board.shop.rollouts()["v1-2"]]
    assert sum("Ordered." in one for one in said) == (1 if operation == "UpdateItem" else 2)
    assert board.shop.unsafe() == []


def test_a_way_back_that_was_ordered_and_not_started_can_be_started(board: Dashboard) -> None:
    """Step Functions did not answer whoever ordered it. The clock would start it within a quarter of an hour."""
    button = orders_in(board.show())["go_back"]
    board.shop.aws.fail("StartExecution", UNAVAILABLE, times=100)
    assert "It is not known whether that was written" in board.press(button, "Ann")
    board.shop.aws.heal()
    assert board.shop.running() is None
    shown = orders_in(board.show())
    assert shown == {"go_back": BUTTON}
    assert "Ordered." in board.press(shown["go_back"], "Ben")
    assert orders_in(board.show()) == {}, "it is started"
    execution = board.shop.running()
    assert execution is not None
    board.shop.run(execution)
    assert board.shop.weights() == {A: 100, B: 0}
    assert board.shop.rollouts()["v1-2"]["way_back"]["why"] == "Ann"
    assert board.shop.unsafe() == []


def test_the_second_person_is_told_whose_way_back_it_is(board: Dashboard) -> None:
    button = orders_in(board.show())["go_back"]
    board.press(button, "Ann")
    assert f"is under way, ordered by {DASHBOARD}: Ann" in Elements(board.press(button, "Ben")).text


def test_a_button_of_an_old_page_moves_nothing(board: Dashboard) -> None:
    """Since the page was shown, v3 was promoted over v2: nobody has asked to leave v3."""
    button = orders_in(board.show())["go_back"]
    board.promoted("v3")
    before = board.shop.weights()
    assert "does not fit the rollout any more" in board.press(button, "Ann")
    assert (board.shop.lock(), board.shop.running(), board.shop.weights()) == (None, None, before)


def rejected(shop: Shop) -> None:
    shop.ledger.decide_release("v1", ROLLED_BACK)


def another_in_the_idle_slot(shop: Shop) -> None:
    third = shop.begin("v3", "Evaluate", index=0)
    third.fail_with("CapacityUnavailable", "no instances")
    shop.run(third)


def deploying(shop: Shop) -> None:
    shop.deploy("v3")


def rolling_out(shop: Shop) -> None:
    shop.begin("v3", "Evaluate", index=0)


@pytest.mark.parametrize("happens", [rejected, another_in_the_idle_slot, deploying, rolling_out])
def test_it_is_refused_with_the_sentence_of_the_command(board: Dashboard, happens: Callable[[Shop], None]) -> None:
    button = orders_in(board.show())["go_back"]
    happens(board.shop)
    lock, weights = board.shop.lock(), board.shop.weights()
    refused = Terminal(board.operated).canary("rollback", "--yes")
    assert refused.exit_code == 4, refused.output
    sentence = " ".join(refused.stderr.split()).removeprefix("canary: ")
    said = Elements(board.press(button, "Ann")).text
    assert said.endswith(f"Nothing was changed: {sentence}.")
    assert (board.shop.lock(), board.shop.weights()) == (lock, weights)


def test_before_any_promotion_there_is_no_button_and_nothing_to_go_back_to() -> None:
    with dashboard() as board:
        assert orders_in(board.show()) == {}
        said = board.press({**BUTTON, "leaves": "v1", "to": "v0"})
        assert "no rollout has promoted v1 over another release" in said
        assert board.shop.lock() is None


def test_an_order_whose_start_was_lost_is_started_by_the_next_who_presses(board: Dashboard) -> None:
    button = orders_in(board.show())["go_back"]
    board.shop.aws.fail("StartExecution", UNAVAILABLE)
    assert "It is not known whether that was written" in board.press(button, "Ann")
    assert board.shop.running() is None
    assert "Ordered." in board.press(button, "Ben")
    assert board.shop.running() is not None
    lock = board.shop.ledger.lock()
    assert lock is not None
    assert lock.way_back is not None
    assert lock.way_back.order.why == "Ann", "who ordered first is kept"


def test_an_order_whose_start_was_lost_is_started_by_the_clock(board: Dashboard) -> None:
    board.shop.aws.fail("StartExecution", UNAVAILABLE)
    board.press(orders_in(board.show())["go_back"], "Ann")
    assert board.shop.running() is None
    board.shop.look_for_what_was_left()
    execution = board.shop.running()
    assert execution is not None
    board.shop.run(execution)
    assert board.shop.weights() == {A: 100, B: 0}
    assert board.shop.unsafe() == []


def test_only_a_way_back_at_rest_has_that_button() -> None:
    look = view("x")
    assert look.rollout is not None
    at_rest = replace(look, rollout=replace(look.rollout, outcome="PROMOTED"))
    assert fitting(at_rest) == []
    assert fitting(replace(at_rest, way_back="v1")) == ["go_back"]
    assert [name for name, button in BUTTONS.items() if button.request is None] == ["go_back"]
