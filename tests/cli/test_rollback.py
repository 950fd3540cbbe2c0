"""`rollback`: it says what it does, asks, and sees the traffic go back, or says why there is no way back."""

from collections.abc import Callable

import pytest

from tests.cli.fake import ANN, Operated, Terminal
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.settings import SCALED, A, B
from tests.lambdas.fakes.shop import Shop

NOTHING = 4
HOLD_BACK = {"percent": 2, "duration_seconds": 3600, "interval_seconds": 300}


@pytest.fixture
def promoted(shop: Shop) -> Shop:
    """V2 was promoted over v1."""
    shop.promote("v2")
    return shop


def goes_back(shop: Shop) -> Callable[[], None]:
    """Let handlers run what was started."""

    def act() -> None:
        execution = shop.running()
        if execution is not None:
            shop.run(execution)

    return act


def test_the_traffic_goes_back_and_the_ledger_says_who_wanted_it(promoted: Shop, terminal: Terminal) -> None:
    assert terminal.json("status")["summary"].endswith("; `canary rollback` goes back to v1")
    terminal.operated.later(1, goes_back(promoted))
    result = terminal.canary("rollback", "--why", "it is slow", answer="y\n")
    assert result.exit_code == 0, result.output
    assert "All the traffic goes from v2 back to v1 (variant-a, " in result.stderr
    assert "v2 is rejected: it needs a new version to be tried again." in result.stderr
    assert "rollout v1-2: v2 is left for v1: weight 0 after " in result.stdout
    assert promoted.weights() == {A: 100, B: 0}
    assert promoted.rollouts()["v1-2"]["way_back"]["who"] == ANN
    assert promoted.unsafe() == []
    seen = terminal.json("status")["summary"]
    assert seen == "v1 serves all the traffic, and no rollout runs; the last rollout ended PROMOTED"
    assert terminal.canary("wait", "v2").exit_code == 1
    assert "v2 was promoted, and then rolled back: v1 serves again instead of v2: rolled back by ann: it is slow" in (
        terminal.canary("wait", "v2").stdout.replace("\n", "")
    )


def test_without_a_yes_nothing_is_changed(promoted: Shop, terminal: Terminal) -> None:
    assert terminal.canary("rollback", answer="n\n").exit_code == 2
    assert (promoted.lock(), promoted.running()) == (None, None)


def test_it_is_shown_while_it_goes_on_and_the_second_person_is_told_whose_it_is(
    promoted: Shop, terminal: Terminal
) -> None:
    promoted.see_it_land()
    terminal.canary("rollback", "--yes", "--why", "slow")
    execution = promoted.running()
    assert execution is not None
    promoted.run(execution, "ScaleCanary")
    assert terminal.json("status")["summary"] == "v1 gets the traffic of v2 back, as ann: slow ordered: ScaleCanary"
    again = terminal.canary("rollback", "--yes")
    assert (again.exit_code, "is under way, ordered by ann: slow" in again.stderr) == (NOTHING, True), again.output


def test_an_order_that_broke_off_before_the_start_is_started_by_the_next(promoted: Shop, terminal: Terminal) -> None:
    terminal.operated.denied.add("StartExecution")
    assert terminal.canary("rollback", "--yes").exit_code == 2
    assert promoted.running() is None
    terminal.operated.denied.clear()
    terminal.operated.later(1, goes_back(promoted))
    assert terminal.canary("rollback", "--yes").exit_code == 0
    assert promoted.weights() == {A: 100, B: 0}


def test_before_any_promotion_there_is_nothing_to_go_back_to(terminal: Terminal) -> None:
    refused(terminal, "there is nothing to go back to: no rollout has promoted v1 over another release")


def test_during_a_rollout_abort_is_the_word(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    refused(terminal, "its release is not promoted yet: `canary abort` takes its traffic")


def test_during_a_deploy_it_is_refused(promoted: Shop, terminal: Terminal) -> None:
    promoted.deploy("v3")
    refused(terminal, "a deploy is in progress")


def test_a_promotion_that_is_being_completed_is_waited_for(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Promote")
    shop.ledger.seal(execution.name)
    refused(terminal, "is completing its promotion; roll back in a minute")


def test_when_the_idle_slot_holds_another_release_it_says_which(promoted: Shop, terminal: Terminal) -> None:
    third = promoted.begin("v3", "Evaluate")
    third.fail_with("CapacityUnavailable", "no instances")
    promoted.run(third)
    refused(terminal, "cannot go back to v1, which served before v2: variant-a holds v3 by now; deploy v1 again")


def test_a_deploy_that_begins_in_the_same_second_is_said(promoted: Shop, terminal: Terminal) -> None:
    terminal.operated.aws.interrupt("UpdateItem", lambda: promoted.deploy("v3"))
    refused(terminal, "a deploy is in progress")
    assert promoted.weights() == {A: 0, B: 100}


def refused(terminal: Terminal, sentence: str) -> None:
    result = terminal.canary("rollback", "--yes")
    assert (result.exit_code, sentence in result.stderr) == (NOTHING, True), result.output


def held_back(aws: Aws) -> tuple[Shop, Terminal]:
    shop = Shop(aws, scaling={**SCALED, "invocations_per_instance": 3000})
    shop.requests_per_period = 6000
    shop.plan["hold_back"] = HOLD_BACK
    shop.serve_first()
    shop.begin("v2", "Evaluate", index=len(shop.plan["steps"]))
    return shop, Terminal(Operated(shop))


def test_in_a_hold_back_the_traffic_goes_back_as_a_gate_would_take_it() -> None:
    with connected() as aws:
        shop, terminal = held_back(aws)
        execution = shop.running()
        assert execution is not None
        terminal.operated.later(1, shop.tell_of_order)
        result = terminal.canary("rollback", "--why", "it is slow", answer="y\n")
        assert result.exit_code == 0, result.output
        assert "The hold-back of v2 ends, and all the traffic goes back to v1" in result.stderr
        assert shop.weights() == {A: 100, B: 0}
        shop.restore(execution.name, "ABORTED")
        assert shop.outcome(execution) == ("ROLLED_BACK", "rolled back by ann: it is slow")
        left = shop.ledger.release("v2")
        assert left is not None
        assert left.outcome == "ROLLED_BACK"
        assert shop.unsafe() == []


def test_a_look_that_comes_before_the_stream_does_the_same() -> None:
    with connected() as aws:
        shop, terminal = held_back(aws)
        execution = shop.running()
        assert execution is not None
        terminal.operated.later(1, goes_back(shop))
        assert terminal.canary("rollback", "--yes").exit_code == 0
        assert (shop.outcome(execution)[0], shop.weights()) == ("ROLLED_BACK", {A: 100, B: 0})
        assert shop.unsafe() == []


def test_it_overrules_an_abort_that_only_ends_the_hold_back() -> None:
    with connected() as aws:
        shop, terminal = held_back(aws)
        assert terminal.canary("abort").exit_code == 0
        terminal.operated.later(1, goes_back(shop))
        assert terminal.canary("rollback", "--yes").exit_code == 0
        assert shop.weights() == {A: 100, B: 0}
        assert shop.unsafe() == []
