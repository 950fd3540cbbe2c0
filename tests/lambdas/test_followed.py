"""How many instances are needed when scaling follows concurrent requests, or a metric of the caller."""

import pytest
from rollout.contract.names import NOT_JUDGED
from rollout.contract.plan import FollowedMetric, Scaling
from rollout.contract.scalings import Scalings
from rollout.decisions.capacity import instances_needed
from rollout.followed import followed_instances

from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.settings import ENDPOINT, FOLLOWING, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import scaling_id

UNKNOWN = 2.0
"""The instances of A, which are then taken to be at their targets."""
GPU = {"namespace": "Shop", "name": "Gpu", "statistic": "Average", "target": "50.0", "dimensions": {"Kind": "ranker"}}


@pytest.fixture
def following(aws: Aws) -> Shop:
    """An endpoint that scales by concurrent requests alone, with two instances in service."""
    shop = Shop(aws, scaling=FOLLOWING)
    shop.serve_first()
    return shop


def work(
    shop: Shop, slot: str, concurrency: float, *, requests: int = 600, instances: int | None = 2, ago: int = 1
) -> None:
    """Let a slot have worked in a minute that is over."""
    at = shop.aws.clock.now() // 60 * 60 - 60 * ago
    shop.aws.cloudwatch.work(ENDPOINT, slot, concurrency, requests=requests, instances=instances, at=at)


def asked(shop: Shop) -> float:
    """Return the instances of A that the traffic needs. B has the same scaling, so it would need as many."""
    found = followed_instances(shop.world, shop.view(), shop.world.scalings(), slots=(A, B), full=A)
    assert found[A] == found[B]
    return found[A]


def test_a_slot_needs_the_instances_that_bring_its_metric_to_the_target(following: Shop) -> None:
    work(following, A, 10.0)
    assert asked(following) == 5


def test_the_traffic_needs_what_both_slots_need_together(following: Shop) -> None:
    following.set_weights(a=50, b=50)
    following.wait_until_quiet()
    work(following, A, 10.0)
    work(following, B, 8.0, instances=1)
    assert asked(following) == 7


def test_the_busiest_of_the_newest_minutes_counts(following: Shop) -> None:
    for ago, concurrency in ((9, 40.0), (3, 6.0), (2, 12.0), (1, 2.0)):
        work(following, A, concurrency, ago=ago)
    assert asked(following) == 6


def test_the_instances_are_those_that_served_in_that_minute(following: Shop) -> None:
    """Instances that came since then did not share its work."""
    work(following, A, 10.0, instances=1)
    assert asked(following) == 2.5


@pytest.mark.parametrize("published", [None, 1000], ids=["missing", "more than there are"])
def test_no_more_instances_served_than_there_are(following: Shop, published: int | None) -> None:
    work(following, A, 10.0, instances=published)
    assert asked(following) == 5


def test_a_slot_without_requests_needs_none(following: Shop) -> None:
    work(following, A, 10.0)
    work(following, B, 400.0, requests=0)
    assert asked(following) == 5


def test_a_metric_that_has_not_come_for_a_slot_with_requests_is_not_zero(following: Shop) -> None:
    at = following.aws.clock.now() - 60
    following.aws.cloudwatch.serve(ENDPOINT, A, 600, at=at, period=60)
    assert asked(following) == UNKNOWN


def test_without_any_metric_nothing_is_known(following: Shop) -> None:
    assert asked(following) == UNKNOWN


def test_a_slot_that_serves_and_has_published_no_requests_makes_the_minute_unknown(following: Shop) -> None:
    following.set_weights(a=50, b=50)
    following.wait_until_quiet()
    work(following, A, 10.0)
    assert asked(following) == UNKNOWN


@pytest.mark.parametrize("value", [-4.0, float("inf"), float("nan")])
def test_a_value_that_cannot_be_has_not_come(following: Shop, value: float) -> None:
    work(following, A, value)
    assert asked(following) == UNKNOWN


def test_a_cloudwatch_that_does_not_answer_tells_nothing(following: Shop) -> None:
    work(following, A, 10.0)
    following.aws.fail("GetMetricData", THROTTLED)
    assert asked(following) == UNKNOWN


def test_the_metric_that_asks_for_most_counts(aws: Aws) -> None:
    shop = Shop(aws, scaling={**FOLLOWING, "follows": [*FOLLOWING["follows"], GPU]})
    shop.serve_first()
    work(shop, A, 2.0, ago=3)
    assert asked(shop) == UNKNOWN
    work(shop, A, 10.0)
    aws.cloudwatch.store.record(
        namespace="Shop", name="Gpu", dimensions={"EndpointName": ENDPOINT, "VariantName": A, "Kind": "ranker"},
        timestamp=aws.clock.now() // 60 * 60 - 60, values={75.0: 1}, unit="None", storage_resolution=60,
    )  # fmt: skip
    assert asked(shop) == 5
    aws.cloudwatch.store.record(
        namespace="Shop", name="Gpu", dimensions={"EndpointName": ENDPOINT, "VariantName": A, "Kind": "ranker"},
        timestamp=aws.clock.now() // 60 * 60 - 120, values={200.0: 1}, unit="None", storage_resolution=60,
    )  # fmt: skip
    work(shop, A, 10.0, ago=2)
    assert asked(shop) == 8


def test_who_follows_the_invocations_alone_asks_for_nothing_more(serving: Shop) -> None:
    before = len(serving.aws.asked("GetMetricData"))
    assert asked(serving) == 0
    assert len(serving.aws.asked("GetMetricData")) == before


def test_the_larger_need_counts_when_invocations_are_followed_too() -> None:
    both = Scaling.parse({**FOLLOWING, "invocations_per_instance": 1000})
    assert [instances_needed(3000, both, followed) for followed in (2.4, 3.0000001, 3.2, 40)] == [3, 3, 4, 8]


def test_both_slots_get_the_floors_that_the_measured_traffic_needs(following: Shop) -> None:
    scaling = following.begin("v2", "ScaleCanary", index=1)
    work(following, A, 10.0)
    work(following, B, 4.0, instances=1)
    assert scaling.repeat()["ready"] is False
    assert following.floors() == {A: 6, B: 3}
    assert {slot.ceiling for slot in following.scaling().values()} == {8}


def test_stables_own_instances_are_needed_while_nothing_is_measured(following: Shop) -> None:
    following.aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 5})
    following.wait_until_quiet()
    following.aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 2})
    following.begin("v2", "ScaleCanary", index=1).repeat()
    assert following.floors() == {A: 5, B: 3}


def test_traffic_that_grows_during_a_step_raises_stables_floor(following: Shop) -> None:
    execution = following.begin("v2", "Evaluate", index=1)
    work(following, A, 10.0)
    work(following, B, 10.0, instances=2)
    execution.repeat()
    assert following.floors() == {A: 8, B: 4}


def test_work_that_stays_above_the_maximum_ends_the_rollout_with_a_sentence(following: Shop) -> None:
    execution = following.begin("v2", "ScaleCanary")
    following.requests_per_period = 0
    for minute in range(30):
        work(following, A, 20.0, ago=-minute)
    following.run(execution)
    outcome, reason = following.outcome(execution)
    assert outcome == NOT_JUDGED
    assert reason.startswith(
        "the current traffic needs 10 instances of variant-a, by the metrics that its scaling follows, but its "
        "max_instances is 8"
    )


def test_a_rollout_that_follows_concurrency_lands_with_its_instances(following: Shop) -> None:
    execution = following.begin("v2", "ScaleCanary")
    work(following, A, 11.0)
    execution.repeat()
    following.stop(execution)
    following.restore(execution.name)
    assert following.floors()[A] == 6
    following.see_it_land()
    assert following.floors() == {A: 2, B: 1}


def test_what_is_followed_is_kept_in_the_ledger(following: Shop) -> None:
    assert following.ledger.declared_scalings() == Scalings(endpoint=Scaling.parse(FOLLOWING))
    assert Scaling.parse(FOLLOWING).follows == (
        FollowedMetric(namespace="AWS/SageMaker", name="ConcurrentRequestsPerModel", statistic="Maximum", target=4.0),
    )
