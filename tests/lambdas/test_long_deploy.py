"""The rest of the stack takes hours: a service that does not become stable, a database, a trigger that is watched."""

from collections.abc import Generator

import pytest
from rollout.clock import seconds_of
from rollout.contract.names import SLOTS
from rollout.handlers.release_slots import release_slots

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.settings import ENDPOINT, SCALED, A, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID, scaling_id

QUARTER = 15 * 60
ALL, SCALE_IN = {(True, True)}, {(True, False)}
"""Which scaling of the slots is suspended: scale-in, scale-out."""


def suspended(shop: Shop) -> set[tuple[bool, bool]]:
    registered = shop.scaling()
    assert set(registered) == set(SLOTS)
    return {(slot.scale_in_suspended, slot.scale_out_suspended) for slot in registered.values()}


def deploying(shop: Shop, version: str, until: str) -> Generator[str]:
    """Deploy until this resource is next."""
    steps = shop.stack.deploying(shop.stack.template(version, settings=shop.settings))
    while next(steps) != until:
        pass
    return steps


def let_hours_pass(shop: Shop, quarters: int = 12) -> None:
    """Let time pass, with each event of the clock."""
    for _ in range(quarters):
        shop.aws.wait(QUARTER)
        shop.look_for_what_was_left()


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_the_slot_that_serves_may_grow_and_shrinks_only_when_the_stack_is_at_rest(
    aws: Aws, serving: Shop, status: str
) -> None:
    steps = deploying(serving, "v2", "VerifiedEndpoint")
    aws.stacks.status = status
    let_hours_pass(serving)
    assert suspended(serving) == SCALE_IN
    for _ in steps:
        pass
    serving.settle()
    execution = serving.running()
    assert execution is not None
    serving.run(execution)
    assert serving.unsafe() == []


def test_a_change_of_scaling_alone_may_grow_too(serving: Shop) -> None:
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    steps = deploying(serving, "v1", "VerifiedEndpoint")
    let_hours_pass(serving)
    assert suspended(serving) == SCALE_IN
    for _ in steps:
        pass
    serving.settle()
    assert serving.unsafe() == []


def test_in_the_first_quarter_of_an_hour_scaling_is_kept_still(aws: Aws, serving: Shop) -> None:
    """CloudFormation updates the endpoint some seconds after the guard has answered, and asks nobody before."""
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    deploying(serving, "v1", "Config")
    lock = serving.lock()
    assert lock is not None
    aws.wait(seconds_of(lock.taken_at) + QUARTER - 1 - aws.clock.now())
    serving.look_for_what_was_left()
    assert suspended(serving) == ALL
    aws.wait(1)
    serving.look_for_what_was_left()
    assert suspended(serving) == SCALE_IN


def test_an_endpoint_that_is_updated_later_is_kept_still(serving: Shop) -> None:
    """The app lets it wait for another resource, which takes hours: its update would collide with auto scaling."""
    deploying(serving, "v2", "Endpoint")
    let_hours_pass(serving)
    assert suspended(serving) == ALL


def test_an_endpoint_that_is_busy_is_kept_still_until_it_is_quiet(aws: Aws, serving: Shop) -> None:
    deploying(serving, "v2", "VerifiedEndpoint")
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 3 * QUARTER
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    let_hours_pass(serving, 2)
    assert suspended(serving) == ALL
    let_hours_pass(serving, 4)
    assert suspended(serving) == SCALE_IN


def test_before_the_stack_goes_back_scaling_is_suspended_again(aws: Aws, serving: Shop) -> None:
    """Instances that come at this moment are waited for: SageMaker would refuse the way back."""
    deploying(serving, "v2", "VerifiedEndpoint")
    let_hours_pass(serving)
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    properties = serving.stack.template("v1", settings=serving.settings).slots_properties()
    event = {"RequestType": "Update", "RequestId": "back", "StackId": STACK_ID, "ResourceProperties": properties}
    assert release_slots({**event, "OldResourceProperties": properties})["ModelB"] == "model-v1-digest-of-v1"
    assert suspended(serving) == ALL
    assert serving.view().quiet
    serving.look_for_what_was_left()
    assert suspended(serving) == ALL

    # When going back takes hours as well, then the slots may grow
    let_hours_pass(serving)
    assert suspended(serving) == SCALE_IN
    aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
    serving.settle()
    assert serving.unsafe() == []


def test_a_refused_deploy_that_goes_back_leaves_a_rollout_its_scaling(aws: Aws, serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    before = serving.lock()
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    properties = serving.stack.template("v2", settings=serving.settings).slots_properties()
    event = {"RequestType": "Update", "RequestId": "back", "StackId": STACK_ID, "ResourceProperties": properties}
    release_slots({**event, "OldResourceProperties": properties})
    assert suspended(serving) == SCALE_IN
    assert serving.lock() == before


@pytest.mark.parametrize("call", range(1, 13))
def test_a_deploy_that_is_settled_while_the_clock_looks_leaves_nothing_suspended(
    aws: Aws, serving: Shop, call: int
) -> None:
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    steps = deploying(serving, "v1", "VerifiedEndpoint")
    aws.wait(QUARTER)

    def end() -> None:
        for _ in steps:
            pass
        serving.settle()

    aws.interrupt("", end, nth=call)
    serving.look_for_what_was_left()
    aws.before_call = None
    if aws.stacks.status == "UPDATE_COMPLETE":
        assert serving.unsafe() == []


@pytest.mark.parametrize("call", range(1, 13))
def test_a_deploy_that_begins_while_the_clock_looks_has_scaling_suspended(aws: Aws, serving: Shop, call: int) -> None:
    steps = deploying(serving, "v2", "VerifiedEndpoint")
    aws.wait(QUARTER)
    begun = False

    def end_and_begin() -> None:
        nonlocal begun
        for _ in steps:
            pass
        deploying(serving, "v3", "Config")
        begun = True

    aws.interrupt("", end_and_begin, nth=call)
    serving.look_for_what_was_left()
    aws.before_call = None
    assert suspended(serving) == (ALL if begun else SCALE_IN)
