"""`approve`, `reject`, `pause` and `resume`: each acts on the rollout that runs, or says in a sentence why not."""

import pytest

from tests.cli.fake import ANN, Operated, Terminal
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import A, B, step
from tests.lambdas.fakes.shop import Shop

NOTHING = 4
ORDERS = ("approve", "reject", "pause", "resume", "promote")
STEPS = (step(10), step(50, approval_seconds=7200), step(100))


def until_it_awaits(shop: Shop, execution: Execution) -> None:
    """Let a rollout go on until it waits for a person."""
    for _ in range(60):
        shop.serve()
        execution.advance()
        lock = shop.lock()
        assert lock is not None
        if lock.awaits is not None:
            return
    pytest.fail("it never waited for approval")


def waiting(aws: Aws) -> tuple[Shop, Terminal, Execution]:
    shop = Shop(aws, steps=STEPS)
    shop.plan |= {"hold_seconds": 86_400, "hold_interval_seconds": 300}
    shop.serve_first()
    execution = shop.release("v2")
    assert execution is not None
    until_it_awaits(shop, execution)
    return shop, Terminal(Operated(shop)), execution


def test_an_approval_lets_the_step_begin_and_the_ledger_says_whose_it_was() -> None:
    with connected() as aws:
        shop, terminal, execution = waiting(aws)
        seen = terminal.json("status")
        assert "waits for approval of step 2, until " in seen["summary"]

        result = terminal.canary("approve", "--reason", "numbers are fine")

        assert result.exit_code == 0, result.output
        assert "step 2 is approved; it goes on within 300 s" in result.stdout
        lock = shop.lock()
        assert lock is not None
        assert lock.approved is not None
        assert (lock.approved.who, lock.approved.why) == (ANN, "numbers are fine")
        shop.run(execution)
        assert shop.outcome(execution)[0] == "PROMOTED"


def test_after_an_approval_nobody_is_asked_any_more_though_the_next_look_is_minutes_away() -> None:
    with connected() as aws:
        _, terminal, _ = waiting(aws)
        assert terminal.canary("approve", "--why", "numbers are fine").exit_code == 0

        seen = terminal.json("status")
        assert seen["summary"] == "v2 goes on at its next look: approved is step 2, by ann: numbers are fine"
        assert (seen["rollout"]["awaits"], seen["rollout"]["approved"]) == ("", "step 2, by ann: numbers are fine")
        again, hurried = terminal.canary("approve"), terminal.canary("promote", "--yes")
        approved = "approved already, by ann: numbers are fine; it goes on within 300 s"
        assert (again.exit_code, again.stderr) == (NOTHING, f"canary: step 2 is {approved}\n")
        assert (hurried.exit_code, "is approved by ann: numbers are fine, and goes on" in hurried.stderr) == (
            NOTHING, True,
        )  # fmt: skip


def test_a_person_may_still_refuse_a_step_that_another_approved() -> None:
    with connected() as aws:
        shop, terminal, execution = waiting(aws)
        assert terminal.canary("approve").exit_code == 0
        assert terminal.canary("reject", "--reason", "wait for legal").exit_code == 0
        shop.tell_of_order()
        shop.restore(execution.name)
        assert shop.outcome(execution) == ("NOT_JUDGED", "approval refused by ann: wait for legal")


def test_a_refusal_takes_the_traffic_back() -> None:
    with connected() as aws:
        shop, terminal, execution = waiting(aws)
        result = terminal.canary("reject", "--reason", "not on a Friday")
        assert result.exit_code == 0, result.output
        shop.tell_of_order()
        shop.restore(execution.name)
        assert shop.outcome(execution) == ("NOT_JUDGED", "approval refused by ann: not on a Friday")
        assert shop.weights() == {A: 100, B: 0}
        assert shop.unsafe() == []


def test_a_pause_is_shown_and_a_resume_ends_it(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate", index=1)
    assert terminal.canary("pause", "--reason", "lunch").exit_code == 0
    assert terminal.json("status")["summary"] == "v2 is paused by ann: lunch; `canary resume` lets it go on"
    again = terminal.canary("pause")
    assert (again.exit_code, again.stderr) == (
        NOTHING, "canary: rollout v2-1 is paused already, by ann: lunch\n",
    )  # fmt: skip

    assert terminal.canary("resume").exit_code == 0
    lock = shop.lock()
    assert lock is not None
    assert lock.paused is None
    assert terminal.canary("resume").stderr == "canary: rollout v2-1 is not paused\n"


@pytest.mark.parametrize("order", ORDERS)
def test_without_a_rollout_there_is_nothing_to_do(terminal: Terminal, order: str) -> None:
    result = terminal.canary(order)
    assert (result.exit_code, result.stderr) == (NOTHING, f"canary: there is nothing to {order}: no rollout runs\n")


@pytest.mark.parametrize("order", ["approve", "reject"])
def test_a_rollout_that_waits_for_nobody_takes_no_answer(shop: Shop, terminal: Terminal, order: str) -> None:
    shop.begin("v2", "Evaluate")
    before = shop.lock()
    result = terminal.canary(order)
    assert (result.exit_code, result.stderr) == (
        NOTHING, "canary: rollout v2-1 waits for no approval now; see `canary status`\n",
    )  # fmt: skip
    assert shop.lock() == before


def test_an_order_that_comes_too_late_changes_nothing(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    terminal.operated.aws.interrupt("UpdateItem", lambda: shop.ledger.halt(execution.name, "an alarm", 0))
    result = terminal.canary("pause")
    assert (result.exit_code, result.stderr) == (NOTHING, "canary: rollout v2-1 is ending: an alarm\n")
    lock = shop.lock()
    assert lock is not None
    assert lock.paused is None


@pytest.mark.parametrize(("order", "said"), [("pause", "it is held from the next look on"), ("abort", "is aborted")])
def test_an_order_whose_answer_was_lost_is_not_refused(shop: Shop, terminal: Terminal, order: str, said: str) -> None:
    """The client sends it again, and the condition of the repetition fails at its own first write."""
    shop.begin("v2", "Evaluate", index=1)
    terminal.operated.aws.send_twice("UpdateItem")
    result = terminal.canary(order, "--why", "lunch")
    assert (result.exit_code, said in result.stdout) == (0, True), result.output
