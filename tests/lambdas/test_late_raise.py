"""A raise that is on its way when its handler dies: whoever ends the rollout waits for it, and lowers it."""

import pytest
from rollout import clock
from rollout.contract.errors import EndpointBusy, Halted
from rollout.contract.states import Failure
from rollout.ending import end_rollout

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop

RAISE = "UpdateEndpointWeightsAndCapacities"
LONGEST_CALL_SECONDS = 13


class Died(BaseException):
    """The Lambda environment is gone."""


@pytest.fixture
def shifting(serving: Shop) -> Execution:
    """The rollout of v2, about to raise to 10 %."""
    return serving.begin("v2", "ShiftTraffic")


def send_and_die(aws: Aws, shop: Shop, execution: Execution, *, arrives_after: float) -> None:
    def die() -> None:
        aws.clock.call_at(aws.clock.now() + arrives_after, lambda: shop.set_weights(a=90, b=10))
        raise Died

    aws.interrupt(RAISE, die)
    with pytest.raises(Died):
        execution.repeat()
    aws.before_call = None


@pytest.mark.parametrize("seconds", [0.01, 1, 5, LONGEST_CALL_SECONDS])
def test_a_restore_waits_for_a_raise_whose_sender_is_dead(
    aws: Aws, serving: Shop, shifting: Execution, seconds: float
) -> None:
    send_and_die(aws, serving, shifting, arrives_after=seconds)
    serving.stop(shifting)
    serving.restore(shifting.name)
    assert serving.weights() == {A: 100, B: 0}
    aws.wait(LONGEST_CALL_SECONDS)
    assert serving.unsafe() == []


@pytest.mark.parametrize("seconds", [0.01, 1, 5, LONGEST_CALL_SECONDS])
def test_a_rollback_waits_for_a_raise_whose_sender_is_dead(
    aws: Aws, serving: Shop, shifting: Execution, seconds: float
) -> None:
    send_and_die(aws, serving, shifting, arrives_after=seconds)
    shifting.fail_with("Lambda.Unknown")
    serving.run(shifting)
    assert serving.weights() == {A: 100, B: 0}
    aws.wait(LONGEST_CALL_SECONDS)
    assert serving.unsafe() == []


def test_the_lock_stays_until_the_raise_must_have_arrived(aws: Aws, serving: Shop, shifting: Execution) -> None:
    send_and_die(aws, serving, shifting, arrives_after=LONGEST_CALL_SECONDS)
    serving.stop(shifting)
    died_at = aws.clock.now()
    serving.restore(shifting.name)
    assert aws.clock.now() >= died_at + LONGEST_CALL_SECONDS


@pytest.mark.parametrize("left", [0, 0.01])
def test_an_announcement_is_over_with_its_last_moment(
    monkeypatch: pytest.MonkeyPatch, serving: Shop, left: float
) -> None:
    execution, failure = serving.begin("v2", "ScaleCanary"), Failure(error=Halted.__name__, cause="an operator said so")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    assert serving.ledger.announce_raise(execution.name, now + left, share=0)
    if left:
        with pytest.raises(EndpointBusy):
            end_rollout(serving.world, execution.name, failure)
    else:
        end_rollout(serving.world, execution.name, failure)
    assert (serving.lock() is None) is (left == 0)


def test_without_a_recent_raise_a_restore_does_not_wait(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "ScaleCanary")
    serving.stop(execution)
    stopped_at = aws.clock.now()
    serving.restore(execution.name)
    assert aws.clock.now() - stopped_at < 5


def test_an_order_to_halt_and_a_raise_cannot_both_win(aws: Aws, serving: Shop, shifting: Execution) -> None:
    assert serving.ledger.halt(shifting.name, "an operator said so", aws.clock.now())
    assert not serving.ledger.announce_raise(shifting.name, aws.clock.now() + 30, share=0)


@pytest.mark.usefixtures("shifting")
def test_nobody_but_the_holder_announces_a_raise(aws: Aws, serving: Shop) -> None:
    assert not serving.ledger.announce_raise("another", aws.clock.now() + 30, share=0)


def test_a_halt_between_the_look_and_the_announcement_keeps_the_weights(
    aws: Aws, serving: Shop, shifting: Execution
) -> None:
    aws.interrupt("UpdateItem", lambda: serving.ledger.halt(shifting.name, "an operator said so", aws.clock.now()))
    with pytest.raises(Exception, match="an operator said so"):
        shifting.repeat()
    assert aws.asked(RAISE) == []
