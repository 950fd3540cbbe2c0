"""`promote`: it says what is skipped and what is not, asks, and writes who wanted it."""

import pytest
from rollout.contract.states import Awaits

from tests.cli.fake import ANN, Operated, Terminal
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import PACED, step
from tests.lambdas.fakes.shop import Shop

NOTHING = 4
STEPS = (step(10, bake_seconds=36_000, max_bake_seconds=72_000), step(50, approval_seconds=7200), step(100))


def baking(aws: Aws) -> tuple[Shop, Terminal, Execution]:
    shop = Shop(aws, steps=STEPS)
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=0)
    for _ in range(4):
        shop.serve()
        execution.advance()
    return shop, Terminal(Operated(shop)), execution


def test_it_says_what_is_skipped_and_the_ledger_keeps_who_did_it() -> None:
    with connected() as aws:
        shop, terminal, execution = baking(aws)
        result = terminal.canary("promote", "--why", "a hot fix", answer="y\n")
        assert result.exit_code == 0, result.output
        assert "Step 1 of 3 (10 %) of rollout v2-1: what is left of its bake, 9 h 5" in result.stderr
        assert "Not skipped: the requests that the step needs" in result.stderr
        assert "the rest of the bake of step 1 is skipped within 60 s" in result.stdout
        lock = shop.lock()
        assert lock is not None
        assert lock.cut_short is not None
        assert (lock.cut_short.who, lock.cut_short.why, lock.cut_short_step) == (ANN, "a hot fix", 0)
        shop.run(execution, "Evaluate", index=1)
        assert execution.step["index"] == 1


@pytest.mark.parametrize(("answer", "sentence"), [("n\n", "nothing was changed"), ("", "--yes answers beforehand")])
def test_without_a_yes_nothing_is_changed(answer: str, sentence: str) -> None:
    with connected() as aws:
        shop, terminal, _ = baking(aws)
        before = shop.lock()
        result = terminal.canary("promote", answer=answer)
        assert (result.exit_code, sentence in result.stderr) == (2, True), result.output
        assert shop.lock() == before


def test_evidence_against_the_canary_is_a_warning() -> None:
    with connected() as aws:
        shop, terminal, execution = baking(aws)
        shop.failure_rates = {"variant-b": 0.005}
        for _ in range(4):
            shop.serve()
            execution.advance()
        assert execution.task == "Evaluate", execution.failure
        result = terminal.canary("promote", answer="n\n")
        assert "Warning: evidence against the canary, not enough to roll it back: errors: canary" in result.stderr


def test_the_second_person_is_told_who_was_first() -> None:
    with connected() as aws:
        _, terminal, _ = baking(aws)
        assert terminal.canary("promote", "--yes").exit_code == 0
        again = terminal.canary("promote", "--yes")
        assert (again.exit_code, "skipped already, by ann" in again.stderr) == (NOTHING, True)


def test_in_a_paced_step_the_harm_budget_is_named() -> None:
    with connected() as aws:
        shop = Shop(aws, steps=PACED, harm_budget=20)
        shop.serve_first()
        shop.begin("v2", "Evaluate", index=0)
        result = Terminal(Operated(shop)).canary("promote", answer="n\n")
        assert "its share goes from 0.47 % to 10 % at once, whatever the harm budget says" in result.stderr


def test_a_step_that_waits_for_approval_is_approved_and_not_promoted(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    shop.ledger.await_approval(execution.name, 1, 0, what=Awaits.APPROVAL)
    result = terminal.canary("promote", "--yes")
    assert (result.exit_code, "waits for approval: `canary approve`" in result.stderr) == (NOTHING, True)


def test_a_paused_rollout_is_resumed_first(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    assert terminal.canary("pause", "--why", "lunch").exit_code == 0
    result = terminal.canary("promote", "--yes")
    assert (result.exit_code, result.stderr) == (
        NOTHING, "canary: the rollout is paused by ann: lunch: `canary resume` first\n",
    )  # fmt: skip


@pytest.mark.parametrize("task", ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic"])
def test_before_the_first_share_there_is_nothing_to_skip(shop: Shop, terminal: Terminal, task: str) -> None:
    shop.begin("v2", task)
    result = terminal.canary("promote", "--yes")
    assert (result.exit_code, "has no bake to skip: it is in " in result.stderr) == (NOTHING, True), result.output


def test_a_step_that_has_passed_meanwhile_is_said(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    terminal.operated.aws.interrupt("UpdateItem", lambda: shop.ledger.halt(execution.name, "an alarm", 0))
    result = terminal.canary("promote", "--yes")
    assert (result.exit_code, result.stderr) == (NOTHING, "canary: rollout v2-1 is ending: an alarm\n")
