"""`canary abort` ends a rollout at once, and says who did it and why."""

import pytest

from tests.cli.fake import Terminal
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop

NOTHING = 4


@pytest.mark.parametrize("task", ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "Evaluate"])
def test_in_every_state_the_traffic_goes_back_and_the_reason_stays(shop: Shop, terminal: Terminal, task: str) -> None:
    execution = shop.begin("v2", task) if task != "Prepare" else shop.release("v2")
    assert execution is not None
    if task == "Prepare":
        execution.advance()
    terminal.operated.aws.interrupt("DescribeEndpoint", shop.tell_of_order)

    result = terminal.canary("abort", "--reason", "wrong model")
    shop.restore(execution.name)

    assert result.exit_code == 0, result.output
    assert execution.status == "ABORTED"
    outcome, reason = shop.outcome(execution)
    assert (outcome, reason) == ("NOT_JUDGED", "aborted by ann: wrong model")
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


def test_without_a_rollout_it_says_that_there_is_nothing_to_abort(terminal: Terminal) -> None:
    result = terminal.canary("abort")
    assert result.exit_code == NOTHING
    assert result.stderr == "canary: there is nothing to abort: no rollout runs\n"
    assert terminal.operated.asked[-1][1] == "GetItem", "nothing was written"


def test_a_deploy_is_not_aborted(shop: Shop, terminal: Terminal) -> None:
    shop.deploy("v2")
    before = shop.lock()
    result = terminal.canary("abort")
    assert result.exit_code == NOTHING
    assert "a deploy runs, and no rollout yet" in result.stderr
    assert shop.lock() == before


def test_a_decided_promotion_is_not_aborted(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Promote")
    assert shop.ledger.seal(execution.name)
    result = terminal.canary("abort")
    assert result.exit_code == NOTHING
    assert "the promotion of rollout v2-1 is decided" in result.stderr
    assert execution.status == "RUNNING"


def test_a_second_abort_changes_nothing(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    assert shop.ledger.halt(execution.name, "enough", 0)
    before = shop.lock()
    result = terminal.canary("abort")
    assert (result.exit_code, result.stderr) == (NOTHING, "canary: rollout v2-1 is ending already: enough\n")
    assert shop.lock() == before


def test_too_long_a_reason_is_refused_before_anything_is_written(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    before = shop.lock()
    result = terminal.canary("abort", "--reason", "x" * 401)
    assert (result.exit_code, result.stderr) == (2, "canary: --reason must have at most 400 characters, got 401\n")
    assert shop.lock() == before
