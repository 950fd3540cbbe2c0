"""A least number of instances for some hours: whichever slot serves has it, and rollouts and deploys keep to it."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rollout.contract.lock import ROLLOUT
from rollout.contract.plan import Scaling
from rollout.contract.scalings import Scalings
from rollout.decisions.minimum import in_force
from rollout.scaling import Suspension

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, SCALED, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.window import only

HOUR = 3600
FRIDAY = 4
BY_DAY = {"min_instances": 5, "start": 10 * 60, "minutes": 10 * 60, "days": [FRIDAY], "time_zone": "UTC"}
"""From 10:00 to 20:00 on Fridays. The clock of the tests begins on a Friday at 08:00."""
PATIENT = {**SCALED, "scheduled": [BY_DAY]}


@pytest.fixture
def shop(aws: Aws) -> Shop:
    made = Shop(aws, scaling=PATIENT)
    made.serve_first()
    return made


def wait_until(shop: Shop, hour: float) -> None:
    """Let time pass under traffic until an hour of the first day, and let the event of the clock come."""
    midnight = datetime.fromtimestamp(shop.aws.clock.now(), UTC).replace(hour=0, minute=0, second=0).timestamp()
    shop.serve_for(midnight + hour * HOUR - shop.aws.clock.now())
    shop.look_for_what_was_left()
    shop.wait_until_quiet()


# Which minimum holds


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def least(moment: float, *scheduled: dict[str, Any]) -> int:
    return in_force(Scaling.parse({**SCALED, "scheduled": list(scheduled)}), moment).min_instances


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2027-01-15 09:59:59", 2), ("2027-01-15 10:00", 5), ("2027-01-15 19:59:59", 5), ("2027-01-15 20:00", 2),
        ("2027-01-14 12:00", 2), ("2027-01-16 12:00", 2),
    ],
)  # fmt: skip
def test_a_minimum_holds_from_its_start_to_its_end_on_its_days(moment: str, expected: int) -> None:
    assert least(at(moment), BY_DAY) == expected


@pytest.mark.parametrize(("moment", "expected"), [("2027-01-15 23:00", 5), ("2027-01-16 05:59", 5),
    ("2027-01-16 06:00", 2), ("2027-01-15 05:00", 2), ("2027-01-17 05:00", 2)])  # fmt: skip
def test_a_night_belongs_to_the_day_on_which_it_begins(moment: str, expected: int) -> None:
    by_night = {**BY_DAY, "start": 22 * 60, "minutes": 8 * 60}
    assert least(at(moment), by_night) == expected


@pytest.mark.parametrize("day", ["2027-01-15", "2027-07-16"], ids=["winter", "summer"])
def test_hours_are_those_of_the_clocks_on_the_walls_of_the_time_zone(day: str) -> None:
    local = {**BY_DAY, "time_zone": "Europe/Berlin"}
    hours = ("09:59", "10:00", "19:59", "20:00")
    assert [least(at(f"{day} {hour}", "Europe/Berlin"), local) for hour in hours] == [2, 5, 5, 2]


def test_the_largest_of_several_minimums_holds_and_none_is_below_the_usual_one() -> None:
    assert least(at("2027-01-15 12:00"), BY_DAY, {**BY_DAY, "min_instances": 7}, {**BY_DAY, "min_instances": 1}) == 7
    assert least(at("2027-01-15 12:00"), {**BY_DAY, "min_instances": 1}) == 2


def test_in_a_time_zone_that_nobody_knows_the_minimum_always_holds() -> None:
    """Too many instances cost money; too few cost requests."""
    assert least(at("2027-01-16 03:00"), {**BY_DAY, "time_zone": "Atlantis/Port"}) == 5


def test_minimums_are_kept_in_the_ledger(shop: Shop) -> None:
    assert shop.ledger.declared_scalings() == Scalings(endpoint=Scaling.parse(PATIENT))


# Who brings it into force


def test_the_clock_brings_a_minimum_into_force_and_ends_it(shop: Shop) -> None:
    assert shop.floors() == {A: 2, B: 1}
    wait_until(shop, 10.1)
    assert shop.floors() == {A: 5, B: 1}
    assert shop.instances_of(A) == 5
    assert not shop.suspended()
    wait_until(shop, 20.1)
    assert shop.floors() == {A: 2, B: 1}


def test_a_fleet_of_fixed_size_has_another_size_for_these_hours(aws: Aws) -> None:
    shop = Shop(aws, scaling={**FIXED, "scheduled": [BY_DAY]})
    shop.serve_first()
    for hour, instances in ((9, 2), (12, 5), (21, 2)):
        wait_until(shop, hour)
        assert shop.instances_of(A) == instances


def test_the_minimum_goes_with_the_role(shop: Shop) -> None:
    wait_until(shop, 10.1)
    shop.promote("v2")
    shop.see_it_land()
    assert shop.floors() == {A: 1, B: 5}
    wait_until(shop, 20.1)
    assert shop.floors() == {A: 1, B: 2}


def test_what_ends_a_rollout_leaves_the_minimum_that_is_in_force(shop: Shop) -> None:
    wait_until(shop, 10.1)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.restore(execution.name)
    shop.see_it_land()
    assert shop.floors() == {A: 5, B: 1}
    assert shop.unsafe() == []


def test_a_deploy_in_these_hours_leaves_the_minimum(shop: Shop) -> None:
    wait_until(shop, 10.1)
    shop.deploy("v1")
    shop.settle()
    assert shop.floors() == {A: 5, B: 1}


def test_a_minimum_that_begins_in_the_middle_of_a_step_raises_the_floors_of_both_slots(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.serve_for(2.5 * HOUR)
    execution.repeat()
    assert shop.floors() == {A: 5, B: 3}
    assert all(slot.scale_in_suspended for slot in shop.scaling().values())


@pytest.mark.parametrize("scaling", [SCALED, FIXED], ids=["tracked", "fixed"])
def test_a_minimum_comes_into_force_while_a_rollout_waits_for_its_first_share(
    aws: Aws, scaling: dict[str, Any]
) -> None:
    shop = Shop(aws, scaling={**scaling, "scheduled": [BY_DAY]})
    shop.serve_first()
    shop.plan |= {"windows": [only(FRIDAY, 20, 3)], "windows_seconds": 24 * HOUR}
    execution = shop.begin("v2", "ScaleCanary", index=0)
    execution.repeat()
    assert shop.floors() == {A: 2, B: 1}
    shop.serve_for(2.5 * HOUR)
    execution.repeat()
    shop.wait_until_quiet()
    assert shop.floors() == {A: 5, B: 1}
    assert shop.instances_of(A) == 5
    assert all(slot.scale_in_suspended for slot in shop.scaling().values())


def test_the_canary_waits_for_the_instances_of_the_minimum(shop: Shop) -> None:
    wait_until(shop, 10.1)
    execution = shop.begin("v2", "ScaleCanary", index=1)
    assert execution.repeat()["instances"] == 3


# Who must not be disturbed


def test_the_clock_leaves_a_rollout_alone(shop: Shop) -> None:
    shop.begin("v2", "Evaluate", index=1)
    before = shop.scaling()
    shop.aws.wait(2.5 * HOUR)
    shop.look_for_what_was_left()
    assert shop.scaling() == before


def test_a_busy_endpoint_gets_its_minimum_with_the_next_event(shop: Shop) -> None:
    shop.aws.wait(2.5 * HOUR)
    shop.set_weights(a=90, b=0)
    shop.look_for_what_was_left()
    assert shop.floors() == {A: 2, B: 1}
    shop.wait_until_quiet()
    shop.look_for_what_was_left()
    assert shop.floors() == {A: 5, B: 1}


def test_a_minimum_that_is_in_force_is_not_set_again(shop: Shop) -> None:
    wait_until(shop, 10.1)
    before = len(shop.aws.asked("RegisterScalableTarget"))
    wait_until(shop, 11)
    assert len(shop.aws.asked("RegisterScalableTarget")) == before


def test_without_scheduled_minimums_the_clock_asks_nothing_of_the_endpoint(aws: Aws) -> None:
    usual = Shop(aws)
    usual.serve_first()
    before = len(aws.asked("DescribeEndpoint"))
    usual.look_for_what_was_left()
    assert len(aws.asked("DescribeEndpoint")) == before


def test_two_slots_that_serve_are_left_alone(shop: Shop) -> None:
    shop.set_weights(a=50, b=50)
    shop.wait_until_quiet()
    shop.aws.wait(2.5 * HOUR)
    shop.look_for_what_was_left()
    assert shop.floors() == {A: 2, B: 1}


def test_a_rollout_that_begins_meanwhile_finds_scale_in_suspended(shop: Shop) -> None:
    shop.aws.wait(2.5 * HOUR)
    shop.aws.interrupt(
        "RegisterScalableTarget",
        lambda: shop.ledger.lock_for_rollout("v2-1", shop.aws.clock.now(), state_machine="machine"),
    )
    shop.look_for_what_was_left()
    lock = shop.lock()
    assert lock is not None
    assert lock.kind == ROLLOUT
    scale_in, scale_out = Suspension.SCALE_IN.value
    assert {(slot.scale_in_suspended, slot.scale_out_suspended) for slot in shop.scaling().values()} == {
        (scale_in, scale_out)
    }


def test_an_endpoint_that_is_gone_needs_no_instances(shop: Shop) -> None:
    shop.aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    shop.aws.wait(HOUR)
    shop.look_for_what_was_left()
