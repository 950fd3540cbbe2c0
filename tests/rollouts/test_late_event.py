"""Events that come late, after the next deploy has begun or ended, or never."""

from rollout.contract.names import NOT_JUDGED

from tests.rollouts.declaring import UNTIL_ENDED_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.late_event import (
    SETTLED,
    comes_late,
    disable,
    hand_over,
    hold_back,
    let_pass,
    payload_of,
    the_clock_calls,
)
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually


def test_a_terminal_event_that_comes_after_the_next_deploy_began_changes_nothing(shop: DeployedShop) -> None:
    # Given a deploy whose terminal event is on its way, so that its release still waits
    shop.deploy(Declaration(version="v1"))
    shop.comes_to_rest(stable=A)
    hold_back(shop)
    shop.deploy(Declaration(version="v2"))
    waiting = shop.lock()
    assert waiting is not None

    # When the event comes in the middle of the next deploy, then that deploy keeps the lock
    shop.begin_to_deploy(Declaration(version="v3", held_after="ReleaseSlots", first_bake_seconds=UNTIL_ENDED_SECONDS))
    taken_over = eventually(lambda: (lock := shop.lock()) != waiting and lock, what="the lock of the next deploy")
    comes_late(shop, "UPDATE_COMPLETE")
    assert shop.lock() == taken_over
    let_pass(shop)
    shop.let_go()

    # And when it comes again while the next release is on trial, then that rollout is left alone
    running = shop.rollout_reaches("v3", 100)
    before = shop.look()
    comes_late(shop, "UPDATE_COMPLETE")
    assert shop.look() == before
    assert shop.rollout("v3") == running

    # And when it comes once more after the end, then nothing starts again
    shop.halt("Ada saw wrong prices")
    assert shop.rollout_ends("v3").outcome == NOT_JUDGED
    at_rest = shop.comes_to_rest(stable=A)
    comes_late(shop, "UPDATE_COMPLETE")
    assert shop.look() == at_rest
    assert shop.lock() is None
    assert shop.rollout("v2") is None
    assert shop.models()[B] != shop.models()[A]


def test_a_release_whose_terminal_event_comes_late_is_rolled_out_then(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.comes_to_rest(stable=A)
    hold_back(shop)
    shop.deploy(Declaration(version="v2"))
    assert shop.rollout("v2") is None
    assert shop.look().suspended == {A, B}, "scaling waits for the end of the deploy"

    comes_late(shop, "UPDATE_COMPLETE")

    shop.rollout_reaches("v2", 100)


def test_a_release_whose_event_a_refused_deploy_overtook_is_rolled_out(shop: DeployedShop) -> None:
    # Given a release that waits for an event that never comes
    shop.deploy(Declaration(version="v1"))
    shop.comes_to_rest(stable=A)
    hold_back(shop)
    shop.deploy(Declaration(version="v2"))
    let_pass(shop)

    # When the next deploy is refused
    sentence = shop.refused(Declaration(version="v1", environment=(("OTHER", "content"),)))

    # Then its event starts the rollout
    assert "version v1 already names another content" in sentence
    shop.rollout_reaches("v2", 100)


def test_an_event_that_comes_after_the_next_deploy_brings_no_old_floors_back(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.comes_to_rest(stable=A)
    of_then = payload_of(shop, "UPDATE_COMPLETE")
    shop.deploy(Declaration(version="v1", min_instances=3))
    shop.comes_to_rest(stable=A, floor=3)

    hand_over(shop, SETTLED, of_then)

    shop.comes_to_rest(stable=A, floor=3)


def test_what_a_rollout_that_nobody_restored_left_is_restored_by_the_clock(shop: DeployedShop) -> None:
    # Given a rollout that was stopped, whose restore path never runs
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2", first_bake_seconds=UNTIL_ENDED_SECONDS))
    shop.rollout_reaches("v2", 100)
    disable(shop, "ExecutionEnded")
    shop.stop(shop.execution_in("Bake"))

    # When a quarter of an hour has passed
    the_clock_calls(shop)

    # Then the rollout ends
    rollout = shop.rollout_ends("v2")
    assert (rollout.outcome, rollout.reason) == (NOT_JUDGED, "the execution was stopped")
    shop.comes_to_rest(stable=A)
