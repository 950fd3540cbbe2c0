"""Releases that must not reach anybody, or nobody for long."""

from dataclasses import replace

from rollout.contract.names import ROLLED_BACK

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A

FAILS_SMOKE_TEST = (("FAILS_SMOKE_TEST", "yes"),)


def test_a_release_that_errs_is_rolled_back_by_its_gate_and_not_tried_again(shop: DeployedShop) -> None:
    shop.requests_per_second = 20.0
    failing = Declaration(version="v2", environment=(("FAILURE_RATE", "0.1"),), steps=(50, 100), alarm_min_requests=60)
    shop.deploy(Declaration(version="v1", steps=(50, 100)))

    shop.deploy(failing)
    rollout = shop.rollout_ends("v2")

    assert rollout.outcome == ROLLED_BACK
    assert rollout.reason.startswith("errors: canary ")
    assert "times worse, evidence 1 in " in rollout.reason
    rolled_back = shop.comes_to_rest(stable=A)

    # When the team deploys something else before it has changed the version, then nothing moves
    shop.deploy(replace(failing, min_instances=3))
    assert shop.comes_to_rest(stable=A, floor=3).config_name == rolled_back.config_name
    assert shop.rollout("v2") == rollout

    # When it goes back to the release that serves, then nothing moves either
    shop.deploy(Declaration(version="v1", steps=(50, 100)))
    assert shop.comes_to_rest(stable=A).config_name == rolled_back.config_name

    # When another release has had its turn and the rejected one comes again, then the team is told how
    shop.deploy(Declaration(version="v3", environment=FAILS_SMOKE_TEST))
    assert shop.rollout_ends("v3").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=A)
    sentence = shop.refused(failing)
    assert "version v2 was rolled back before; choose a new version to try it again" in sentence


def test_a_release_that_fails_its_smoke_test_reaches_no_user(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))

    shop.deploy(Declaration(version="v2", environment=FAILS_SMOKE_TEST))
    rollout = shop.rollout_ends("v2")

    assert rollout.outcome == ROLLED_BACK
    assert rollout.reason.startswith("smoke test 1 of 1 was not answered: ")
    assert "release v2 failed" in rollout.reason
    shop.comes_to_rest(stable=A)
    assert not shop.visitors_of("v2")


def test_a_release_whose_archive_is_broken_fails_the_deploy_and_reaches_no_user(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    before = shop.comes_to_rest(stable=A)

    sentence = shop.refused(Declaration(version="v2", broken_archive=True))

    assert f"SageMaker did not move endpoint {shop.name} to endpoint config" in sentence
    assert "Failed to extract model data archive" in sentence
    assert shop.comes_to_rest(stable=A).config_name == before.config_name
    assert shop.rollout("v2") is None
    assert not shop.visitors_of("v2")
