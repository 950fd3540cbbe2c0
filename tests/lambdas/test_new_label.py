"""A new label for the model that serves: its image and its URL are the same text, so CloudFormation keeps the model."""

import pytest
from rollout.contract.names import PROMOTED
from rollout.way_back import former_of

from tests.lambdas.fakes.settings import SCALED, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed, Template


class SameModel(Template):
    """The template of v3, with the content of v2: the model of v2 stays."""

    @property
    def model_name(self) -> str:
        return "model-v2-digest-of-v2"


@pytest.fixture
def promoted(serving: Shop) -> Shop:
    """V2 was promoted over v1."""
    serving.promote("v2")
    serving.see_it_land()
    return serving


def relabelled(shop: Shop, *, fails: bool = False) -> None:
    """Deploy v3, and deliver the stack's event. `fails`: another resource does, after the guard has answered."""
    deploy = shop.stack.deploying(SameModel(version="v3", digest="digest-of-v2", settings=shop.settings))
    for resource in deploy:
        if fails and resource == "VerifiedEndpoint":
            deploy.throw(DeployFailed("another resource failed"))
    shop.settle()


def versions(shop: Shop) -> dict[str, str]:
    """Return the version that each slot holds."""
    held = shop.world.releases_in_slots(shop.view())
    return {slot: "" if release is None else release.version for slot, release in held.items()}


def way_back(shop: Shop) -> list[str]:
    """Return the version that serves, and the one before."""
    return [release.version for release in former_of(shop.ledger, shop.world.releases_in_slots(shop.view()), B)]


def test_it_starts_nothing_and_renews_no_fleet(promoted: Shop) -> None:
    models, config = promoted.models(), promoted.view().config_name
    relabelled(promoted)
    assert (promoted.models(), promoted.view().config_name) == (models, config)
    assert promoted.running() is None
    assert promoted.unsafe() == []


def test_what_serves_has_the_new_label_and_the_way_back_stays(promoted: Shop) -> None:
    relabelled(promoted)
    assert versions(promoted) == {A: "v1", B: "v3"}
    release = promoted.ledger.release("v3")
    assert release is not None
    assert release.outcome == PROMOTED
    assert way_back(promoted) == ["v3", "v1"]


def test_a_release_after_it_is_rolled_out_beside_it(promoted: Shop) -> None:
    relabelled(promoted)
    promoted.promote("v4")
    assert versions(promoted) == {A: "v4", B: "v3"}
    assert promoted.unsafe() == []


def test_undone_it_has_its_label_of_before(promoted: Shop) -> None:
    models = promoted.models()
    with pytest.raises(DeployFailed):
        relabelled(promoted, fails=True)
    promoted.settle()
    assert (promoted.models(), versions(promoted)) == (models, {A: "v1", B: "v2"})
    assert way_back(promoted) == ["v2", "v1"]
    assert promoted.unsafe() == []


def test_a_change_of_scaling_comes_with_it(promoted: Shop) -> None:
    promoted.settings = {**promoted.settings, "scaling": {**SCALED, "min_instances": 3}}
    relabelled(promoted)
    assert promoted.floors() == {A: 1, B: 3}
    assert promoted.unsafe() == []


def test_a_new_label_for_what_was_rolled_back_is_tried_again(serving: Shop) -> None:
    """It waits in the idle slot: the slot that serves has another model."""
    execution = serving.release("v2")
    assert execution is not None
    serving.failure_rates[B] = 0.5
    serving.run(execution)
    serving.see_it_land()
    serving.failure_rates = {}
    relabelled(serving)
    following = serving.running()
    assert following is not None
    serving.run(following)
    assert serving.outcome(following)[0] == PROMOTED
    assert versions(serving) == {A: "v1", B: "v3"}
