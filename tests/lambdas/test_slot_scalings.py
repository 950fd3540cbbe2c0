"""A release with a scaling of its own: it travels with the model, and each slot counts in its own instances."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.contract.plan import Scaling
from rollout.contract.reads import Reads
from rollout.contract.scalings import Scalings
from rollout.decisions.capacity import Excess, Traffic, excess
from rollout.followed import TRAFFIC_WINDOW_SECONDS, followed_instances
from rollout.ledger import Release

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, FOLLOWING, PERIOD, SCALED, A, B, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed, Template, scaling_id

LARGER = "ml.m5.4xlarge"
OWN = {**SCALED, "min_instances": 3, "max_instances": 5, "idle_instances": 2, "invocations_per_instance": 4000}
"""Fewer and larger instances: one does the work of four."""


def followed(shop: Shop) -> dict[str, list[float]]:
    """Return the targets that the size of each slot follows."""
    rows = shop.aws.sagemaker.scaling.describe_policies({"ServiceNamespace": "sagemaker"})["ScalingPolicies"]
    found: dict[str, list[float]] = {A: [], B: []}
    for row in rows:
        found[row["ResourceId"].rsplit("/", 1)[1]].append(
            row["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        )
    return found


def bounds(shop: Shop) -> dict[str, tuple[int, int]]:
    return {slot: (registered.floor, registered.ceiling) for slot, registered in shop.scaling().items()}


def release(shop: Shop, version: str = "v2", **changes: Any) -> Any:
    execution = shop.release(version, **{"own_type": LARGER, "own_scaling": OWN, **changes})
    assert execution is not None
    return execution


@pytest.fixture
def promoted(serving: Shop) -> Shop:
    """An endpoint on which v2 serves, with a scaling of its own, and v1 waits."""
    serving.promote("v2", own_type=LARGER, own_scaling=OWN)
    assert serving.unsafe() == []
    return serving


@pytest.fixture(autouse=True)
def serving_slots_keep_their_targets(aws: Aws) -> Iterator[None]:
    yield
    if aws.sagemaker.endpoints.exists(ENDPOINT):
        assert aws.sagemaker.scaling.scaled_variants(ENDPOINT) == {A, B}


# At rest


def test_a_promoted_release_has_its_own_bounds_and_target_and_the_former_one_keeps_its(promoted: Shop) -> None:
    assert bounds(promoted) == {A: (1, 1), B: (3, 5)}
    assert followed(promoted) == {A: [1000.0], B: [4000.0]}


def test_before_its_rollout_the_release_waits_with_its_own_idle_instances(serving: Shop) -> None:
    serving.settings = {**serving.settings, "start_on_deploy": False}
    assert serving.release("v2", own_type=LARGER, own_scaling=OWN) is None
    serving.wait_until_quiet()
    assert serving.instances_of(B) == 2
    assert bounds(serving) == {A: (2, 8), B: (2, 2)}
    assert followed(serving) == {A: [1000.0], B: [4000.0]}


def test_the_first_release_of_an_endpoint_may_have_a_scaling_of_its_own(shop: Shop) -> None:
    shop.serve_first(own_scaling=OWN)
    assert [shop.instances_of(slot) for slot in (A, B)] == [3, 2]
    assert bounds(shop) == {A: (3, 5), B: (2, 2)}
    assert followed(shop) == {A: [4000.0], B: [4000.0]}


def test_the_next_release_leaves_the_scaling_of_the_one_that_serves(promoted: Shop) -> None:
    execution = promoted.release("v3")
    assert execution is not None
    promoted.failure_rates[A] = 0.5
    promoted.run(execution)
    assert promoted.outcome(execution)[0] == ROLLED_BACK
    assert promoted.unsafe() == []
    assert bounds(promoted) == {A: (1, 1), B: (3, 5)}


def test_going_back_to_the_release_before_is_one_deploy_with_its_scaling(promoted: Shop) -> None:
    config = promoted.view().config_name
    promoted.promote("v1")
    assert promoted.view().config_name == config
    assert promoted.unsafe() == []
    assert bounds(promoted) == {A: (2, 8), B: (2, 2)}


def test_a_release_that_is_rolled_back_leaves_stable_as_it_was(serving: Shop) -> None:
    execution = release(serving)
    serving.failure_rates[B] = 0.5
    serving.run(execution)
    assert serving.outcome(execution)[0] == ROLLED_BACK
    assert serving.unsafe() == []
    assert bounds(serving) == {A: (2, 8), B: (2, 2)}
    assert followed(serving) == {A: [1000.0], B: [4000.0]}


def test_a_rollout_that_is_abandoned_comes_to_rest_by_slot(serving: Shop) -> None:
    execution = release(serving)
    serving.run(execution, "Evaluate", index=1)
    serving.stop(execution)
    serving.restore(execution.name)
    assert serving.outcome(execution)[0] == NOT_JUDGED
    assert serving.unsafe() == []
    assert bounds(serving) == {A: (2, 8), B: (2, 2)}


def test_after_panic_too(serving: Shop) -> None:
    execution = release(serving)
    serving.run(execution, "Evaluate", index=1)
    serving.panic("b-errors")
    serving.run(execution)
    assert serving.outcome(execution)[0] == ROLLED_BACK
    assert serving.unsafe() == []
    assert bounds(serving) == {A: (2, 8), B: (2, 2)}


# During a rollout


def test_each_slot_gets_what_the_traffic_needs_in_its_own_instances(serving: Shop) -> None:
    serving.requests_per_period = 7500
    execution = release(serving, own_scaling={**OWN, "min_instances": 1, "idle_instances": 1})
    serving.run(execution, "Evaluate", index=1)
    assert bounds(serving) == {A: (8, 8), B: (1, 5)}
    serving.run(execution, "Evaluate", index=2)
    assert bounds(serving) == {A: (8, 8), B: (2, 5)}


def test_the_canary_has_its_own_least_instances_when_it_gets_all_of_the_traffic(serving: Shop) -> None:
    execution = release(serving)
    serving.run(execution, "Evaluate", index=2)
    assert bounds(serving) == {A: (2, 8), B: (3, 5)}
    assert serving.instances_of(B) == 3


def test_while_nothing_is_measured_stables_instances_count_in_its_own_rate(serving: Shop) -> None:
    """Six instances at 1,000 requests a minute are two at 4,000, of which the canary needs both for all of it."""
    execution = release(serving, own_scaling={**OWN, "min_instances": 1, "idle_instances": 1})
    serving.run(execution, "ScaleCanary", index=2)
    serving.aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 6})
    serving.wait_until_quiet()
    serving.aws.wait(TRAFFIC_WINDOW_SECONDS + PERIOD)
    execution.repeat()
    assert bounds(serving) == {A: (6, 8), B: (2, 5)}


def test_the_landing_keeps_the_instances_within_the_bounds_of_each_slot(serving: Shop) -> None:
    serving.requests_per_period = 7500
    execution = release(serving)
    serving.run(execution, "Evaluate", index=2)
    serving.stop(execution)
    serving.restore(execution.name)
    assert serving.ledger.landing() is not None
    assert bounds(serving) == {A: (8, 8), B: (3, 5)}
    assert serving.unsafe() == []


def test_traffic_over_the_maximum_of_the_canary_holds_the_rollout(serving: Shop) -> None:
    serving.requests_per_period = 6000
    execution = release(serving, own_scaling={**SCALED, "max_instances": 3})
    serving.run(execution)
    outcome, reason = serving.outcome(execution)
    assert outcome == NOT_JUDGED
    assert reason.startswith(
        "the current 6,000 requests a minute need 6 instances of variant-b at 1,000 each, but its max_instances is 3"
    )
    assert serving.unsafe() == []


@pytest.mark.parametrize(("rate", "over"), [(5000, ""), (5001, B), (8001, A)])
def test_stable_is_named_first_when_both_slots_are_too_small(rate: int, over: str) -> None:
    small = replace(Scaling(**SCALED), max_instances=5)
    scalings = Scalings(endpoint=Scaling(**SCALED), own={B: small})
    found = excess(Traffic(rate, {A: 0, B: 0}), scalings, since=None, now=60, lasts_seconds=900)
    assert found == Excess() if not over else f"instances of {over} at 1,000 each" in found.sentence


def test_each_slot_needs_by_its_own_target_what_both_work_together(aws: Aws) -> None:
    follows = [{**FOLLOWING["follows"][0], "target": "16.0"}]
    shop = Shop(aws, scaling=FOLLOWING)
    shop.serve_first()
    shop.deploy("v2", own_scaling={**FOLLOWING, "follows": follows})
    shop.settle()
    scalings = shop.world.scalings()
    assert followed_instances(shop.world, shop.view(), scalings, slots=(A, B), full=A) == {A: 2.0, B: 0.5}
    at = aws.clock.now() // 60 * 60 - 60
    aws.cloudwatch.work(ENDPOINT, A, 12.0, requests=600, instances=2, at=at)
    assert followed_instances(shop.world, shop.view(), scalings, slots=(A, B), full=A) == {A: 6.0, B: 1.5}


# A fleet of fixed size beside one that follows the traffic


def test_a_release_of_fixed_size_is_promoted_beside_one_that_follows_the_traffic(serving: Shop) -> None:
    fixed = {**FIXED, "min_instances": 4}
    execution = release(serving, own_scaling=fixed)
    serving.run(execution, "Evaluate", index=1)
    assert bounds(serving) == {A: (2, 8), B: (2, 2)}
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.ledger.landing() is None, "it follows nothing, so that no traffic has to be seen"
    assert serving.unsafe() == []
    assert bounds(serving) == {A: (1, 1), B: (4, 4)}
    assert followed(serving) == {A: [1000.0], B: []}


def test_a_fleet_that_follows_the_traffic_lands_when_a_release_of_fixed_size_is_rolled_back(serving: Shop) -> None:
    serving.requests_per_period = 6000
    execution = release(serving, own_scaling=FIXED)
    serving.run(execution, "Evaluate", index=1)
    serving.stop(execution)
    serving.restore(execution.name)
    assert serving.ledger.landing() is not None
    assert bounds(serving)[A] == (6, 8)
    assert serving.unsafe() == []


# Another scaling under the same version


def test_another_scaling_of_the_release_that_serves_comes_into_force_without_a_rollout(promoted: Shop) -> None:
    config = promoted.view().config_name
    more = {**OWN, "min_instances": 4, "max_instances": 6, "invocations_per_instance": 3000}
    assert promoted.release("v2", own_type=LARGER, own_scaling=more) is None
    assert promoted.view().config_name == config
    assert bounds(promoted) == {A: (1, 1), B: (4, 6)}
    assert followed(promoted) == {A: [1000.0], B: [3000.0]}
    assert promoted.unsafe() == []


def test_a_release_whose_scaling_is_taken_out_has_the_endpoints(promoted: Shop) -> None:
    assert promoted.release("v2", own_type=LARGER) is None
    assert bounds(promoted) == {A: (1, 1), B: (2, 8)}
    assert followed(promoted) == {A: [1000.0], B: [1000.0]}
    assert promoted.unsafe() == []


def test_another_scaling_of_the_endpoint_leaves_a_release_that_has_its_own(promoted: Shop) -> None:
    promoted.settings = settings(scaling={**SCALED, "min_instances": 4, "idle_instances": 3})
    assert promoted.release("v2", own_type=LARGER, own_scaling=OWN) is None
    assert bounds(promoted) == {A: (3, 3), B: (3, 5)}
    assert promoted.unsafe() == []


def test_a_deploy_of_another_scaling_that_fails_is_undone(promoted: Shop) -> None:
    deploy = promoted.stack.deploying(
        promoted.stack.template("v2", own_type=LARGER, own_scaling={**OWN, "min_instances": 5})
    )
    while next(deploy) != "VerifiedEndpoint":
        pass
    with pytest.raises(DeployFailed, match="a sibling failed"):
        exhaust(deploy, DeployFailed("a sibling failed"))
    promoted.settle()
    assert bounds(promoted) == {A: (1, 1), B: (3, 5)}
    assert promoted.unsafe() == []


def test_a_deploy_that_is_refused_during_a_rollout_leaves_both_scalings(serving: Shop) -> None:
    execution = release(serving)
    serving.run(execution, "Evaluate", index=1)
    before = serving.ledger.declared_scalings()
    with pytest.raises(DeployFailed, match="is running"):
        serving.deploy("v2", own_type=LARGER, own_scaling={**OWN, "min_instances": 5})
    serving.settle()
    assert serving.ledger.declared_scalings() == before
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.unsafe() == []


@pytest.mark.parametrize("point", ["Model", "ReleaseSlots", "Config", "Endpoint", "VerifiedEndpoint"])
def test_a_deploy_that_fails_at_any_point_leaves_the_scaling_of_both_slots(promoted: Shop, point: str) -> None:
    before = promoted.ledger.declared_scalings()
    deploy = promoted.stack.deploying(promoted.stack.template("v3", own_scaling={**SCALED, "idle_instances": 4}))
    while next(deploy) != point:
        pass
    with pytest.raises(DeployFailed):
        exhaust(deploy, DeployFailed("a sibling failed"))
    assert promoted.aws.stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    promoted.settle()
    assert promoted.ledger.declared_scalings() == before
    assert bounds(promoted) == {A: (1, 1), B: (3, 5)}
    assert followed(promoted) == {A: [1000.0], B: [4000.0]}
    assert promoted.unsafe() == []


def exhaust(deploy: Any, error: Exception) -> None:
    """Let a deploy fail where it is, and the stack go back."""
    deploy.throw(error)
    for _ in deploy:
        pass


# Another model of the same release

MORE = {**OWN, "min_instances": 4, "max_instances": 10}


class AnotherModel(Template):
    """CloudFormation makes the model of a release once more, because the model before it had another content."""

    @property
    def model_name(self) -> str:
        return f"another-{super().model_name}"


def deploy_another(shop: Shop, version: str, **changes: Any) -> None:
    """Deploy a release, with a model that has another name, and deliver the stack's event."""
    template = AnotherModel(version=version, digest=f"digest-of-{version}", settings=shop.settings, **changes)
    for _ in shop.stack.deploying(template):
        pass
    shop.settle()


@pytest.fixture
def made_anew(serving: Shop) -> Shop:
    """An endpoint on which v2 serves in the model of its first deploy, and another role has made another one since."""
    serving.promote("v2", own_scaling=OWN, role="one")
    serving.see_it_land()
    assert serving.release("v2", own_scaling=OWN, role="two") is None
    assert serving.models()[B] == "model-v2-digest-of-v2-one"
    assert bounds(serving)[B] == (3, 5)
    return serving


def test_a_release_whose_model_was_made_anew_gets_another_scaling(made_anew: Shop) -> None:
    assert made_anew.release("v2", own_scaling=MORE, role="two") is None
    assert bounds(made_anew) == {A: (1, 1), B: (4, 10)}


def test_such_a_release_may_lose_its_own_scaling(made_anew: Shop) -> None:
    assert made_anew.release("v2", role="two") is None
    assert bounds(made_anew) == {A: (1, 1), B: (2, 8)}


def test_what_is_undone_of_it_is_undone_in_the_slot(made_anew: Shop) -> None:
    deploy = made_anew.stack.deploying(made_anew.stack.template("v2", own_scaling=MORE, role="two"))
    while next(deploy) != "VerifiedEndpoint":
        pass
    with pytest.raises(DeployFailed):
        exhaust(deploy, DeployFailed("another resource failed"))
    made_anew.settle()
    assert bounds(made_anew) == {A: (1, 1), B: (3, 5)}


def test_it_keeps_what_the_model_in_the_slot_reads(made_anew: Shop) -> None:
    model = made_anew.models()[B]
    before = made_anew.ledger.reads(model)
    assert before.role == "one"
    assert made_anew.release("v2", own_scaling=MORE, role="two") is None
    assert made_anew.ledger.reads(model) == before


def test_a_release_that_came_back_gets_another_scaling(serving: Shop) -> None:
    """v1, v2, and v1 again: its slot still holds the model of the first time."""
    serving.promote("v2")
    serving.see_it_land()
    deploy_another(serving, "v1")
    execution = serving.running()
    assert execution is not None
    serving.run(execution)
    serving.see_it_land()
    assert serving.weights() == {A: 100, B: 0}
    deploy_another(serving, "v1", own_scaling=MORE)
    assert serving.running() is None
    assert bounds(serving) == {A: (4, 10), B: (1, 1)}


# By the clock


def test_a_scheduled_minimum_of_the_release_alone_comes_into_force_while_it_serves(promoted: Shop) -> None:
    by_day = {"min_instances": 5, "start": 0, "minutes": 24 * 60, "days": list(range(7)), "time_zone": "UTC"}
    promoted.ledger.declare(
        Release(version="v2", digest="digest-of-v2 ml.m5.4xlarge"),
        promoted.models()[B],
        Scaling.parse(SCALED),
        own_scaling=Scaling.parse({**OWN, "scheduled": [by_day]}),
        in_slots=promoted.models(),
        reads=Reads(),
    )
    promoted.look_for_what_was_left()
    assert bounds(promoted) == {A: (1, 1), B: (5, 5)}
    promoted.wait_until_quiet()
    assert promoted.instances_of(B) == 5


# What is missing


def test_a_model_that_was_recorded_without_a_scaling_has_the_endpoints(promoted: Shop) -> None:
    table = promoted.aws.table
    table.call(
        "UpdateItem",
        {
            "TableName": table.name,
            "Key": {"endpoint": {"S": ENDPOINT}, "record": {"S": "declared"}},
            "UpdateExpression": "REMOVE own_scaling",
        },
    )
    assert promoted.world.scalings() == Scalings(endpoint=Scaling.parse(SCALED))
    promoted.settle()
    assert bounds(promoted) == {A: (1, 1), B: (2, 8)}


def test_a_ledger_that_does_not_answer_at_the_end_is_waited_for(aws: Aws, serving: Shop) -> None:
    execution = release(serving)
    serving.run(execution, "Evaluate", index=1)
    serving.stop(execution)
    aws.fail("GetItem", UNAVAILABLE, times=3, when=lambda parameters: parameters["Key"]["record"]["S"] == "declared")
    serving.restore(execution.name)
    assert serving.unsafe() == []
    assert bounds(serving) == {A: (2, 8), B: (2, 2)}
