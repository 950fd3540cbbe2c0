"""What the questions about the endpoint make of what was seen."""

from types import SimpleNamespace

import pytest

from canary_tools.acceptance.experiments import BoundsChange, WeightChange, change_of_bounds, change_of_weights
from canary_tools.acceptance.probes import deploying, endpoint, scaling
from canary_tools.acceptance.scene import NotAsked
from canary_tools.acceptance.traffic import Outcome, Visit
from tests.acceptance.scenes import look, scene

HALVES = {"variant-a": 50.0, "variant-b": 50.0}


def visit(at: float, variant: str = "variant-a", outcome: Outcome = Outcome.ANSWERED) -> Visit:
    return Visit(sent_at=at, outcome=outcome, variant=variant)


def after_weights(**seen: object) -> object:
    usual = {"status": "Updating", "seconds": 30.0, "refusal": 'Cannot update in-progress endpoint "arn".'}
    return scene(_results={change_of_weights: WeightChange(**{**usual, **seen})})


def test_a_weight_change_that_stays_in_service_is_otherwise() -> None:
    assert endpoint.weight_change_status(after_weights()).value is True
    assert endpoint.weight_change_status(after_weights(status="InService")).value is False
    assert endpoint.weight_change_seconds(after_weights(seconds=41.26)).value == 41.3


def test_a_collision_in_other_words_or_none_is_otherwise() -> None:
    assert endpoint.in_progress_refusal(after_weights()).value is True
    assert endpoint.in_progress_refusal(after_weights(refusal="ValidationException: busy")).value is False
    assert endpoint.in_progress_refusal(after_weights(refusal="")).value is False


def test_an_experiment_that_failed_is_not_made_again_and_answers_nothing() -> None:
    here, tries = scene(), []

    def fails(_scene: object) -> None:
        tries.append(1)
        raise TimeoutError("no rest")

    for _ in range(2):
        with pytest.raises(NotAsked, match="no rest"):
            here.once(fails)
    assert len(tries) == 1


def test_a_share_far_from_the_weights_is_otherwise() -> None:
    def said(to_canary: int) -> object:
        visits = [visit(1, "variant-b")] * to_canary + [visit(1)] * (400 - to_canary)
        return endpoint.share_follows_weights(
            scene(visits=visits, looks=[look(0, weights=HALVES)], moments={"second deploy": 0.0})
        ).value

    assert said(200) is True
    assert said(160) is True
    assert said(140) is False


def test_only_requests_under_equal_weights_count_for_the_share() -> None:
    visits = [*[visit(1)] * 200, *[visit(1, "variant-b")] * 200, *[visit(11, "variant-b")] * 400]
    looks = [look(0, weights=HALVES), look(10)]
    here = scene(visits=visits, looks=looks, moments={"second deploy": 0.0})
    assert endpoint.share_follows_weights(here).value is True


def test_a_request_to_a_variant_without_weight_is_a_stray() -> None:
    here = scene(visits=[visit(1), visit(2, "variant-b"), visit(11, "variant-b")], moments={"second deploy": 10.0})
    assert endpoint.nothing_at_weight_zero(here).value is False
    assert endpoint.nothing_at_weight_zero(here).sentence == "1 of 2 requests"


def test_an_unanswered_request_is_lost_and_a_failing_model_is_not() -> None:
    assert endpoint.no_request_is_lost(scene(visits=[visit(1, outcome=Outcome.FAILED)])).value is True
    assert endpoint.no_request_is_lost(scene(visits=[visit(1, outcome=Outcome.UNANSWERED)])).value is False


UPDATING = {"status": "Updating", "pending": True}


def test_an_update_is_told_when_the_look_before_the_new_config_is_pending() -> None:
    told = [look(0), look(1, **UPDATING), look(9, config_name="config-2")]
    silent = [look(0), look(1, status="Updating"), look(9, config_name="config-2")]
    assert endpoint.pending_update_is_told(scene(looks=told)).value is True
    assert endpoint.pending_update_is_told(scene(looks=silent)).value is False
    assert endpoint.update_seconds(scene(looks=told)).value == 8


def test_weights_that_an_update_resets_are_otherwise() -> None:
    moments, swapped = {"promoted": 0.0}, {"variant-a": 0.0, "variant-b": 100.0}
    kept = [look(1, weights=swapped), look(2, weights=swapped, config_name="config-2")]
    reset = [look(1, weights=swapped), look(2, config_name="config-2")]
    assert endpoint.weights_survive_an_update(scene(looks=kept, moments=moments)).value is True
    assert endpoint.weights_survive_an_update(scene(looks=reset, moments=moments)).value is False
    with pytest.raises(NotAsked):
        endpoint.weights_survive_an_update(scene(looks=kept[:1], moments=moments))


@pytest.mark.parametrize(
    ("refusal", "value"),
    [
        ("", "taken"),
        ("ConcurrentUpdateException: another", "refused"),
        ("ValidationException: no", "refused in other words"),
    ],
)
def test_a_registration_that_collides(refusal: str, value: str) -> None:
    change = BoundsChange(count=1, desired=2, status="Updating", seconds=200.0, refusal=refusal)
    here = scene(_results={change_of_bounds: change})
    assert scaling.collision(here).value == value
    assert scaling.bounds_move_the_count(here).value is True


@pytest.mark.parametrize(
    ("reasons", "value"),
    [
        ("EndpointResource: did not stabilize\nEndpointVerifiedEndpoint: cancelled", True),
        ("EndpointVerifiedEndpoint1A2B: the endpoint is not on the config that was deployed", False),
        ("", False),
    ],
)
def test_whoever_fails_first_noticed_the_failed_update(reasons: str, value: object) -> None:
    deploy = SimpleNamespace(reasons=reasons)
    assert deploying.failed_update_is_noticed(scene(deploys={"broken": deploy})).value is value


def test_a_span_whose_beginning_was_not_seen_is_not_asked() -> None:
    assert deploying.stop_is_answered(scene(moments={"stopped": 1.0, "no traffic after the stop": 5.4})).value == 4.4
    with pytest.raises(NotAsked, match="stopped"):
        deploying.stop_is_answered(scene(moments={"no traffic after the stop": 5.0}))
