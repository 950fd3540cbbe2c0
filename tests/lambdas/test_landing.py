"""A rollout that has ended keeps its instances until its traffic was seen; the clock's event lets them go."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from rollout import clock
from rollout.contract.errors import EndpointUnusable
from rollout.contract.landing import Landing
from rollout.contract.timing import LANDING_SECONDS_AT_MOST, SCALE_IN_LOOK_BACK_SECONDS
from rollout.landing import come_down, land

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, PERIOD, SCALED, A, B, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

AT_REST = {A: 2, B: 1}


def kept(shop: Shop) -> bool:
    """Tell whether no instance of either slot can be scaled in, and scale-out works."""
    return all(each.scale_in_suspended and not each.scale_out_suspended for each in shop.scaling().values())


@pytest.fixture
def ended(serving: Shop) -> Execution:
    """The rollout of v2, stopped at 50 % under traffic for six instances, and restored."""
    serving.requests_per_period = 5500
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.stop(execution)
    serving.restore(execution.name)
    return execution


@pytest.mark.usefixtures("ended")
def test_floors_and_instances_stay_when_a_rollout_ends(serving: Shop) -> None:
    serving.wait_until_quiet()
    assert serving.lock() is None
    assert serving.floors()[A] == serving.instances_of(A) == 6
    assert kept(serving)


@pytest.mark.usefixtures("ended")
def test_they_stay_until_a_whole_look_back_was_seen(serving: Shop) -> None:
    serving.serve_for(SCALE_IN_LOOK_BACK_SECONDS - PERIOD)
    serving.look_for_what_was_left()
    assert kept(serving)
    serving.serve_for(2 * PERIOD)
    serving.look_for_what_was_left()
    assert serving.floors() == AT_REST
    assert not serving.suspended()
    assert serving.ledger.landing() is None


@pytest.mark.usefixtures("ended")
def test_time_alone_is_not_enough(aws: Aws, serving: Shop) -> None:
    serving.serve_for(5 * PERIOD)
    aws.wait(SCALE_IN_LOOK_BACK_SECONDS)
    serving.look_for_what_was_left()
    assert kept(serving)


@pytest.mark.usefixtures("ended")
def test_what_the_idle_slot_published_says_nothing(aws: Aws, serving: Shop) -> None:
    aws.wait(SCALE_IN_LOOK_BACK_SECONDS + PERIOD)
    aws.cloudwatch.serve(ENDPOINT, B, 0, at=aws.clock.now() - PERIOD, period=PERIOD)
    serving.look_for_what_was_left()
    assert kept(serving)


@pytest.mark.usefixtures("ended")
def test_metrics_that_cannot_be_read_are_asked_for_again(aws: Aws, serving: Shop) -> None:
    serving.serve_for(SCALE_IN_LOOK_BACK_SECONDS + PERIOD)
    aws.fail("GetMetricData", THROTTLED, times=100)
    serving.look_for_what_was_left()
    assert kept(serving)
    aws.heal()
    serving.look_for_what_was_left()
    assert serving.floors() == AT_REST


@pytest.mark.usefixtures("ended")
def test_traffic_that_never_comes_is_not_waited_for_without_end(aws: Aws, serving: Shop) -> None:
    aws.wait(LANDING_SECONDS_AT_MOST - 2 * PERIOD)
    serving.look_for_what_was_left()
    assert kept(serving)
    aws.wait(2 * PERIOD)
    serving.look_for_what_was_left()
    assert serving.floors() == AT_REST
    assert not serving.suspended()


def test_a_promotion_keeps_the_instances_of_both_slots(serving: Shop) -> None:
    serving.requests_per_period = 5500
    serving.promote("v2")
    serving.wait_until_quiet()
    assert serving.floors() == {A: 6, B: 6}
    assert kept(serving)
    serving.see_it_land()
    assert serving.floors() == {A: 1, B: 2}


def test_a_landing_keeps_the_instances_though_another_hand_let_them_go(serving: Shop) -> None:
    assert not kept(serving)
    land(serving.world, stable=A)
    assert kept(serving)
    assert serving.floors() == AT_REST


def test_a_fixed_fleet_comes_to_rest_at_once(aws: Aws) -> None:
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.restore(execution.name)
    assert shop.ledger.landing() is None
    assert shop.floors() == AT_REST
    assert not shop.suspended()


@pytest.mark.usefixtures("ended")
def test_a_deploy_meanwhile_keeps_the_instances(serving: Shop) -> None:
    serving.deploy("v3")
    serving.settle()
    assert serving.running() is not None
    assert kept(serving)
    assert serving.instances_of(A) == 6


@pytest.mark.usefixtures("ended")
def test_a_minimum_that_a_deploy_raises_meanwhile_is_in_force_at_once(serving: Shop) -> None:
    serving.settings = settings(scaling={**SCALED, "min_instances": 7})
    serving.deploy("v2")
    serving.settle()
    assert serving.floors()[A] == 7
    assert all(slot.scale_in_suspended for slot in serving.scaling().values())


@pytest.mark.usefixtures("ended")
def test_a_deploy_that_fails_meanwhile_keeps_the_instances(aws: Aws, serving: Shop) -> None:
    denied = ApiError("ValidationException", "the service has a bad day")
    aws.fail("RegisterScalableTarget", denied, when=lambda request: B in request["ResourceId"])
    with pytest.raises(ClientError, match="bad day"):
        serving.deploy("v3")
    assert kept(serving)


def test_the_next_rollout_has_a_landing_of_its_own(serving: Shop, ended: Execution) -> None:
    before = serving.ledger.landing()
    execution = serving.begin("v3", "Evaluate", index=1)
    serving.stop(execution)
    serving.restore(execution.name)
    after = serving.ledger.landing()
    assert before is not None
    assert after is not None
    assert after.since > before.since
    serving.ledger.end_landing(before)
    assert serving.ledger.landing() == after, f"the landing of {ended.name} is over, and not that of {execution.name}"


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("call", range(1, 9))
def test_a_deploy_that_begins_while_a_landing_ends_has_scaling_suspended(aws: Aws, serving: Shop, call: int) -> None:
    deploying = serving.stack.deploying(serving.stack.template("v3"))

    def begin() -> None:
        for resource in deploying:
            if resource == "Config":
                return

    serving.serve_for(SCALE_IN_LOOK_BACK_SECONDS + PERIOD)
    aws.interrupt("", begin, nth=call)
    serving.look_for_what_was_left()
    aws.before_call = None
    assert serving.lock() is not None
    assert all(each.scale_in_suspended for each in serving.scaling().values())


@pytest.mark.usefixtures("ended")
def test_a_landing_on_two_serving_slots_is_over_and_said(serving: Shop) -> None:
    serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    with pytest.raises(EndpointUnusable):
        serving.look_for_what_was_left()
    assert serving.ledger.landing() is None
    assert not serving.suspended()


@pytest.mark.usefixtures("ended")
def test_a_landing_whose_endpoint_is_gone_is_over(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    serving.wait_until_quiet()
    serving.look_for_what_was_left()
    assert serving.ledger.landing() is None


class SeenUntil:
    """Metrics of stable that have come until a time, in seconds after the rollout's end."""

    def __init__(self, ended_at: float, seconds: float | None) -> None:
        self.ended_at, self.seconds = ended_at, seconds

    def seen_until(self, slot: str, since: float, until: float) -> float | None:
        assert (slot, since, until) == (A, self.ended_at, clock.now())
        return None if self.seconds is None else self.ended_at + self.seconds


@pytest.mark.parametrize(
    ("waited", "seen", "keeps"),
    [
        (SCALE_IN_LOOK_BACK_SECONDS - 1, SCALE_IN_LOOK_BACK_SECONDS, True),
        (SCALE_IN_LOOK_BACK_SECONDS, SCALE_IN_LOOK_BACK_SECONDS, False),
        (SCALE_IN_LOOK_BACK_SECONDS, SCALE_IN_LOOK_BACK_SECONDS - 1, True),
        (SCALE_IN_LOOK_BACK_SECONDS, None, True),
        (LANDING_SECONDS_AT_MOST - 1, None, True),
        (LANDING_SECONDS_AT_MOST, None, False),
    ],
)
def test_a_look_back_and_the_longest_wait_are_over_with_their_last_second(
    monkeypatch: pytest.MonkeyPatch, serving: Shop, waited: float, seen: float | None, *, keeps: bool
) -> None:
    ended_at = 1_900_000_000.0
    serving.ledger.begin_landing(Landing(since=clock.iso(ended_at)))
    world = replace(serving.world, metrics=SeenUntil(ended_at, seen))
    monkeypatch.setattr(clock, "now", lambda: ended_at + waited)
    come_down(world, stable=A)
    assert (serving.ledger.landing() is not None) is keeps
    assert kept(serving) is keeps


def test_an_overdue_landing_waits_on_while_a_busy_endpoint_shows_no_roles(aws: Aws, serving: Shop) -> None:
    serving.promote("v2")
    serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    aws.sagemaker.faults.stalled[(ENDPOINT, B)] = 2 * LANDING_SECONDS_AT_MOST
    aws.sagemaker.scaling.register({**scaling_id(B), "MinCapacity": 5})
    serving.serve_for(LANDING_SECONDS_AT_MOST)
    floors, landing = serving.floors(), serving.ledger.landing()
    assert serving.view().working
    assert landing is not None
    serving.look_for_what_was_left()
    assert (serving.floors(), serving.ledger.landing()) == (floors, landing)
