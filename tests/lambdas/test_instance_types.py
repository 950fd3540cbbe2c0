"""A release with another instance type: only the idle slot changes, and stable never loses its scalable target."""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from rollout.contract.errors import EndpointUnusable
from rollout.contract.lock import DEPLOYMENT
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.retyping import TRIES_TO_DEREGISTER

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws, Call
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, INSTANCE_TYPE, SCALED, A, B, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed, scaling_id

LARGER = "ml.m5.4xlarge"
POINTS = ("Model", "ReleaseSlots", "Config", "Endpoint", "VerifiedEndpoint")


def types(shop: Shop) -> dict[str, str]:
    """Return the instance type that each slot really has."""
    fleet = shop.aws.sagemaker.endpoints.find(ENDPOINT).fleet
    assert fleet is not None
    return {name: variant.instance_type for name, variant in fleet.variants.items()}


def scaled(shop: Shop) -> dict[str, Any]:
    """Return bounds, suspension and policies by role, as Application Auto Scaling has them."""
    assert shop.unsafe() == []
    roles = {slot: "stable" if weight else "idle" for slot, weight in shop.weights().items()}
    scaling = shop.aws.sagemaker.scaling
    policies = {
        roles[row["ResourceId"].rsplit("/", 1)[1]]: row["TargetTrackingScalingPolicyConfiguration"]
        for row in scaling.describe_policies({"ServiceNamespace": "sagemaker"})["ScalingPolicies"]
    }
    return {"targets": {roles[slot]: found for slot, found in shop.scaling().items()}, "policies": policies}


@pytest.fixture
def fresh(serving: Shop) -> dict[str, Any]:
    """What is registered after a first deploy."""
    return scaled(serving)


class Watch:
    """Looks before every call whether a slot that serves has a scalable target, once both have had one."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._begun = False
        self.lost: list[str] = []
        self.meanwhile: Callable[[Call], None] = lambda _: None
        aws.before_call = self.look

    def look(self, call: Call) -> None:
        self.meanwhile(call)
        endpoints = self._aws.sagemaker.endpoints
        fleet = endpoints.find(ENDPOINT).fleet if endpoints.exists(ENDPOINT) else None
        registered = self._aws.sagemaker.scaling.scaled_variants(ENDPOINT)
        self._begun = self._begun or registered == {A, B}
        if fleet is not None and self._begun:
            serving = {name for name, variant in fleet.variants.items() if variant.current_weight > 0}
            self.lost += [f"{name} before {call.operation}" for name in serving - registered]


@pytest.fixture(autouse=True)
def watch(aws: Aws) -> Iterator[Watch]:
    watch = Watch(aws)
    yield watch
    assert watch.lost == []


def test_a_first_deploy_registers_both_slots_with_what_they_follow(fresh: dict[str, Any]) -> None:
    follows = {
        "TargetValue": 1000.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
    }
    assert fresh["policies"] == {"stable": follows, "idle": follows}


def test_only_the_idle_slot_gets_the_type_and_travels_with_it(serving: Shop, fresh: dict[str, Any]) -> None:
    serving.promote("v2", own_type=LARGER)
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}
    assert scaled(serving) == fresh
    serving.promote("v3")
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}
    assert scaled(serving) == fresh


def test_going_back_to_the_release_before_is_one_deploy_that_moves_nothing(serving: Shop) -> None:
    serving.promote("v2", own_type=LARGER)
    serving.see_it_land()
    config = serving.view().config_name
    serving.deploy("v1")
    assert (serving.view().config_name, types(serving)) == (config, {A: INSTANCE_TYPE, B: LARGER})
    assert set(serving.scaling()) == {A, B}
    serving.settle()
    execution = serving.running()
    assert execution is not None
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.weights() == {A: 100, B: 0}


def test_a_release_that_is_rolled_back_leaves_stable_and_its_type(serving: Shop, fresh: dict[str, Any]) -> None:
    execution = serving.release("v2", own_type=LARGER)
    assert execution is not None
    serving.failure_rates[B] = 0.5
    serving.run(execution)
    assert serving.outcome(execution)[0] == ROLLED_BACK
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}
    assert scaled(serving) == fresh


def test_a_rollout_that_is_abandoned_leaves_targets_and_policies(serving: Shop, fresh: dict[str, Any]) -> None:
    execution = serving.release("v2", own_type=LARGER)
    assert execution is not None
    serving.run(execution, "Evaluate", index=1)
    serving.stop(execution)
    serving.restore(execution.name)
    assert serving.outcome(execution)[0] == NOT_JUDGED
    assert scaled(serving) == fresh


def fail(shop: Shop, deploy: Generator[str]) -> None:
    """Let a deploy fail where it is, and the stack go back and settle."""
    with suppress(DeployFailed):
        deploy.throw(DeployFailed("something else failed"))
        for _ in deploy:
            pass
    assert shop.aws.stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    shop.settle()


@pytest.mark.parametrize("point", POINTS)
def test_a_deploy_that_fails_at_any_point_is_undone(serving: Shop, fresh: dict[str, Any], point: str) -> None:
    deploy = serving.stack.deploying(serving.stack.template("v2", own_type=LARGER))
    while next(deploy) != point:
        pass
    fail(serving, deploy)
    assert types(serving) == {A: INSTANCE_TYPE, B: INSTANCE_TYPE}
    assert scaled(serving) == fresh
    serving.promote("v2", own_type=LARGER)
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}


def test_a_resource_that_fails_while_the_type_changes_leaves_a_stack_that_goes_back(
    serving: Shop, fresh: dict[str, Any]
) -> None:
    serving.stack.sibling_fails = True
    with pytest.raises(DeployFailed, match="another resource of the stack failed"):
        serving.deploy("v2", own_type=LARGER)
    serving.settle()
    assert types(serving) == {A: INSTANCE_TYPE, B: INSTANCE_TYPE}
    assert scaled(serving) == fresh


SLOW_SWAP = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 1800,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "business"}]},
}


@pytest.fixture
def stuck(serving: Shop, fresh: dict[str, Any]) -> Shop:
    """A stack that could not go back, because SageMaker was still swapping the fleet; the swap has ended since then."""
    serving.stack.sibling_fails = True
    with pytest.raises(ApiError, match="Cannot update in-progress endpoint"):
        serving.deploy("v2", own_type=LARGER, deployment_config=SLOW_SWAP)
    assert serving.aws.stacks.status == "UPDATE_ROLLBACK_FAILED"
    serving.wait_until_quiet()
    assert (types(serving), set(fresh["targets"])) == ({A: INSTANCE_TYPE, B: LARGER}, {"stable", "idle"})
    return serving


def test_a_way_back_that_a_person_continues_finds_the_slot_without_a_target(stuck: Shop, fresh: dict[str, Any]) -> None:
    stuck.settle()
    stuck.look_for_what_was_left()
    assert {slot: each.scale_in_suspended for slot, each in stuck.scaling().items()} == {A: False}
    stuck.stack.continue_rollback()
    stuck.settle()
    assert types(stuck) == {A: INSTANCE_TYPE, B: INSTANCE_TYPE}
    assert scaled(stuck) == fresh


def test_a_stack_that_goes_back_after_somebody_registered_the_slot_again(
    aws: Aws, serving: Shop, fresh: dict[str, Any]
) -> None:
    deploy = serving.stack.deploying(serving.stack.template("v2", own_type=LARGER))
    while next(deploy) != "VerifiedEndpoint":
        pass
    aws.sagemaker.scaling.register({**scaling_id(B), "MinCapacity": 1, "MaxCapacity": 8})
    fail(serving, deploy)
    assert types(serving) == {A: INSTANCE_TYPE, B: INSTANCE_TYPE}
    assert scaled(serving) == fresh


def test_a_type_without_capacity_fails_the_deploy_and_leaves_everything(
    aws: Aws, serving: Shop, fresh: dict[str, Any]
) -> None:
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="no capacity", silent=True)
    with pytest.raises(DeployFailed, match="no capacity"):
        serving.deploy("v2", own_type=LARGER)
    serving.settle()
    assert types(serving) == {A: INSTANCE_TYPE, B: INSTANCE_TYPE}
    assert scaled(serving) == fresh


def test_a_deploy_during_a_rollout_is_refused_and_takes_no_target(serving: Shop) -> None:
    execution = serving.release("v2", own_type=LARGER)
    assert execution is not None
    serving.run(execution, "Evaluate", index=1)
    with pytest.raises(DeployFailed, match="is running"):
        serving.deploy("v2")
    serving.settle()
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}
    assert set(serving.scaling()) == {A, B}
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED


def test_the_type_is_part_of_what_a_version_names(serving: Shop) -> None:
    serving.promote("v2", own_type=LARGER)
    serving.see_it_land()
    with pytest.raises(DeployFailed, match="version v2 already names another content"):
        serving.deploy("v2", own_type="ml.c5.xlarge")
    serving.settle()
    assert serving.unsafe() == []


def test_the_type_of_the_endpoint_cannot_change(serving: Shop, fresh: dict[str, Any]) -> None:
    with pytest.raises(DeployFailed) as caught:
        serving.deploy("v2", instance_type=LARGER)
    assert str(caught.value) == (
        "the instance_type of endpoint shop must stay ml.m5.xlarge, got ml.m5.4xlarge: it belongs to every release "
        "that has none of its own; give the release its instance_type and a new version, and deploy again"
    )
    serving.settle()
    assert scaled(serving) == fresh


# Other hands


def register_again(aws: Aws, watch: Watch, *, times: int) -> None:
    """Let a handler of a rollout that has ended register the idle slot so often after it was taken away."""
    left = times

    def register(_: Call) -> None:
        nonlocal left
        if len(aws.calls) > 1 and aws.calls[-2].operation == "DeregisterScalableTarget" and left:
            left -= 1
            aws.sagemaker.scaling.register({**scaling_id(B), "MinCapacity": 1, "MaxCapacity": 8})

    watch.meanwhile = register


def test_a_late_hand_that_registers_the_slot_once_more_is_waited_out(aws: Aws, watch: Watch, serving: Shop) -> None:
    register_again(aws, watch, times=2)
    serving.deploy("v2", own_type=LARGER)
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}


@pytest.mark.parametrize("late", [1, 600])
def test_sagemaker_may_learn_late_that_a_target_is_gone(
    aws: Aws, serving: Shop, fresh: dict[str, Any], *, late: int
) -> None:
    """What it still refuses after the guard's last look fails the deploy, and leaves everything as it was."""
    aws.sagemaker.scaling.deregistration_seconds = late
    if late == 1:
        serving.promote("v2", own_type=LARGER)
        assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}
        return
    with pytest.raises(DeployFailed, match="must be deregistered"):
        serving.deploy("v2", own_type=LARGER)
    serving.settle()
    assert (serving.running(), types(serving)) == (None, {A: INSTANCE_TYPE, B: INSTANCE_TYPE})
    assert scaled(serving) == fresh


def test_another_hand_that_goes_on_is_named(aws: Aws, watch: Watch, serving: Shop, fresh: dict[str, Any]) -> None:
    register_again(aws, watch, times=TRIES_TO_DEREGISTER)
    with pytest.raises(
        DeployFailed, match="variant-b of endpoint shop must have no scalable target while the instance"
    ):
        serving.deploy("v2", own_type=LARGER)
    serving.settle()
    assert scaled(serving) == fresh


def test_weak_services_are_waited_for(aws: Aws, serving: Shop) -> None:
    aws.fail("DeregisterScalableTarget", THROTTLED, times=6)
    serving.deploy("v2", own_type=LARGER)
    assert types(serving) == {A: INSTANCE_TYPE, B: LARGER}


def test_a_guard_that_dies_leaves_the_lock_by_which_the_slot_is_registered_again(aws: Aws, serving: Shop) -> None:
    """Every delivery of the stack's own event may be lost."""
    deploy = serving.stack.deploying(serving.stack.template("v2", own_type=LARGER))
    while next(deploy) != "ReleaseSlots":
        pass
    aws.fail("PutItem", UNAVAILABLE, times=99, when=lambda parameters: "holder" not in parameters["Item"])
    assert next(deploy) == "ReleaseSlots again"
    aws.heal()
    lock = serving.lock()
    assert (lock and lock.kind, set(serving.scaling())) == (DEPLOYMENT, {A})
    aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
    serving.look_for_what_was_left()
    assert set(serving.scaling()) == {A, B}
    assert serving.unsafe() == []


# What the slots follow


def test_a_fleet_of_fixed_size_follows_nothing(aws: Aws) -> None:
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    shop.promote("v2", own_type=LARGER)
    found = scaled(shop)
    assert (set(found["targets"]), found["policies"]) == ({"stable", "idle"}, {})


def test_policies_go_when_the_fleet_gets_a_fixed_size_and_change_with_their_target(serving: Shop) -> None:
    serving.settings = settings(scaling={**SCALED, "invocations_per_instance": 500, "scale_in_cooldown_seconds": 30})
    serving.deploy("v1")
    serving.settle()
    for policy in scaled(serving)["policies"].values():
        assert (policy["TargetValue"], policy["ScaleInCooldown"]) == (500.0, 30)
    serving.settings = settings(scaling=FIXED)
    serving.deploy("v1")
    serving.settle()
    assert scaled(serving)["policies"] == {}


def test_without_one_slot_that_serves_a_missing_target_hides_no_cause(aws: Aws, watch: Watch, serving: Shop) -> None:
    aws.sagemaker.scaling.deregister(scaling_id(B))
    serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    with pytest.raises(EndpointUnusable, match="exactly one variant of endpoint shop must have all the weight"):
        serving.settle()
    assert {slot: each.scale_in_suspended for slot, each in serving.scaling().items()} == {A: False}
    assert watch.lost
    watch.lost.clear()  # the test itself took the target of a slot that serves
