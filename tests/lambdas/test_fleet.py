"""The canary's instances, as the looks find them: when it grew, so that the gates let the new ones warm up."""

import json

import pytest
from rollout.contract.exposure import Exposure, Fleet
from rollout.evidence.window import Window

from tests.lambdas.fakes.settings import B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id


def looked(*instances: int) -> Exposure:
    """Return what is known after a look in each period, from 100 on."""
    exposure = Exposure()
    for period, found in enumerate(instances, start=100):
        exposure = exposure.with_instances(found, period)
    return exposure


def ages(exposure: Exposure, *periods: int) -> list[int | None]:
    window = Window(begun=0, first=0, now=0, step=0, exposure=exposure)
    return [window.fleet_age(period) for period in periods]


def test_a_fleet_that_stays_as_it_is_has_not_grown() -> None:
    assert ages(looked(2, 2, 2), 99, 100, 102) == [None, None, None]


def test_instances_may_have_come_at_any_time_since_the_look_before() -> None:
    assert ages(looked(1, 1, 3), 100, 101, 102, 103, 107) == [None, 0, 0, 1, 5]


def test_each_growth_begins_anew_and_what_came_before_it_keeps_its_age() -> None:
    assert ages(looked(1, 2, 2, 2, 4), 100, 101, 102, 103, 104, 106) == [0, 0, 1, 0, 0, 2]


@pytest.mark.parametrize("instances", [(4, 4, 2, 4), (8, 9, 9, 8, 9), (3, 1, 3, 2, 3)])
def test_an_instance_that_comes_again_or_one_of_many_is_no_growth(instances: tuple[int, ...]) -> None:
    """A release whose instances die again and again must not be let off each time."""
    assert looked(*instances).fleet == Fleet(instances[0], 99 + len(instances))


def test_a_fleet_grows_a_few_times_however_slowly_its_instances_come() -> None:
    fleet = looked(*range(1, 101)).fleet
    assert fleet is not None
    assert len(fleet.grown) == 16


def test_what_is_known_survives_the_state_machine() -> None:
    known = looked(1, 2, 2, 5)
    assert Exposure.parse(json.loads(json.dumps(known.to_json()))) == known
    assert Exposure.parse({**Exposure().to_json(), "fleet": None}) == Exposure()


def test_a_look_finds_the_instances_of_the_canary(serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=0)
    execution.advance()
    first, _, grown = execution.step["exposure"]["fleet"]
    assert (first, grown) == (serving.instances_of(B), [])
    serving.aws.sagemaker.scaling.register({**scaling_id(B), "MinCapacity": 5})
    serving.wait_until_quiet()
    serving.run(execution, "Evaluate", index=0)
    execution.advance()
    later, looked_at, grown = execution.step["exposure"]["fleet"]
    assert (later, [until for _, until in grown]) == (5, [looked_at])
