"""Handlers that come late, that were overtaken while they waited, or that run beside others."""

from contextlib import suppress
from typing import Any

import pytest
from rollout.contract.cohort import Cohort, CohortRule
from rollout.contract.errors import DeployRefused, RolloutError
from rollout.contract.lock import DEPLOYMENT
from rollout.contract.names import NOT_JUDGED, PROMOTED
from rollout.exposure import lower_until_zero
from rollout.handlers import settle
from rollout.handlers.release_slots import release_slots
from rollout.handlers.verified_endpoint import verified_endpoint

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.context import FakeContext
from tests.lambdas.fakes.settings import ENDPOINT, SCALED, A, B, settings, step
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID, DeployFailed, _verified_properties, scaling_id

WEIGHTS = "UpdateEndpointWeightsAndCapacities"


class Died(BaseException):
    """The Lambda environment is gone."""


# A deploy that CloudFormation undoes while its guard waits


def forward_request(aws: Aws, shop: Shop, version: str, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Begin a deploy as far as its guard's request; return that and the request that undoes it."""
    stack = shop.stack
    assert stack.deployed is not None
    template = stack.template(version, **changes)
    stack._make_model(template)
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    now, before = template.slots_properties(), stack.deployed.template.slots_properties()
    forth = stack._event("Update", now, OldResourceProperties=before)
    back = stack._event("Update", before, OldResourceProperties=now)
    return forth, back


@pytest.mark.parametrize(
    ("operation", "nth"),
    [("DescribeScalableTargets", 1), ("RegisterScalableTarget", 1), ("DescribeEndpoint", 1), ("DescribeEndpoint", 2)],
)
def test_a_guard_whose_deploy_was_undone_meanwhile_pauses_and_declares_nothing(
    aws: Aws, serving: Shop, operation: str, nth: int
) -> None:
    forth, back = forward_request(aws, serving, "v2")

    def undo() -> None:
        aws.before_call = None
        aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        release_slots(back)
        aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
        serving.settle()

    aws.interrupt(operation, undo, nth=nth)
    with pytest.raises(DeployRefused, match="this deploy of endpoint shop has ended meanwhile"):
        release_slots(forth)
    assert serving.unsafe() == []
    declared = serving.ledger.declared()
    assert declared is not None
    assert declared.version == "v1"


@pytest.mark.parametrize("operation", ["DescribeScalableTargets", "RegisterScalableTarget", "DescribeEndpoint"])
def test_a_guard_that_wakes_while_its_stack_still_goes_back_declares_nothing(
    aws: Aws, serving: Shop, operation: str
) -> None:
    """CloudFormation undoes other resources still: nothing has settled, and the deployment has the lock."""
    small = settings(scaling={**SCALED, "min_instances": 1, "max_instances": 1})
    forth, back = forward_request(aws, serving, "v2", settings=small)
    aws.interrupt(operation, lambda: _undo(aws, back))
    with pytest.raises(DeployRefused, match="this deploy of endpoint shop has ended meanwhile"):
        release_slots(forth)
    _is_as_before(aws, serving)


def test_a_guard_whose_deploy_was_undone_before_it_got_the_lock_declares_nothing(aws: Aws, serving: Shop) -> None:
    """It ended a hold-back, which may take ten minutes, or waited for the ledger."""
    forth, back = forward_request(aws, serving, "v2")

    undone: list[bool] = []

    def before(call: Any) -> None:
        if call.operation == "PutItem" and "'lock'" in str(call.parameters) and not undone:
            undone.append(True)
            _undo(aws, back)

    aws.before_call = before
    with pytest.raises(DeployRefused, match="this deploy of endpoint shop has ended meanwhile"):
        release_slots(forth)
    assert undone
    _is_as_before(aws, serving)


@pytest.mark.parametrize("settled", [True, False])
def test_a_guard_whose_deploy_is_undone_while_it_makes_way_for_a_type_leaves_both_slots_scaled(
    aws: Aws, serving: Shop, *, settled: bool
) -> None:
    forth, back = forward_request(aws, serving, "v2", own_type="ml.m5.4xlarge")

    def undo() -> None:
        _undo(aws, back)
        if settled:
            aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
            serving.settle()

    aws.interrupt("DeregisterScalableTarget", undo)
    with pytest.raises(DeployRefused, match="this deploy of endpoint shop has ended meanwhile"):
        release_slots(forth)
    if settled:
        serving.look_for_what_was_left()
    _is_as_before(aws, serving)


def test_a_repetition_of_the_request_that_is_undone_gives_the_lock_not_back(aws: Aws, serving: Shop) -> None:
    forth, back = forward_request(aws, serving, "v2")

    def undo() -> None:
        _undo(aws, back)
        release_slots(forth)

    aws.interrupt("RegisterScalableTarget", undo)
    with pytest.raises(DeployRefused, match="this deploy of endpoint shop has ended meanwhile"):
        release_slots(forth)
    _is_as_before(aws, serving)


def _undo(aws: Aws, back: dict[str, Any]) -> None:
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    release_slots(back)


def _is_as_before(aws: Aws, shop: Shop) -> None:
    """The stack comes to rest; v1 is declared, with its bounds, and nothing is held."""
    if aws.stacks.status != "UPDATE_ROLLBACK_COMPLETE":
        aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
        shop.settle()
    assert shop.unsafe() == []
    declared = shop.ledger.declared()
    assert declared is not None
    assert declared.version == "v1"
    assert {slot: (found.floor, found.ceiling) for slot, found in shop.scaling().items()} == {A: (2, 8), B: (1, 1)}


@pytest.mark.parametrize("answered_before", [True, False])
def test_a_request_that_is_repeated_while_it_is_undone_declares_nothing(
    aws: Aws, serving: Shop, *, answered_before: bool
) -> None:
    forth, back = forward_request(aws, serving, "v2")
    answer = release_slots(forth) if answered_before else {}
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    release_slots(back)
    again = release_slots(forth)
    assert not answered_before or again == answer
    declared = serving.ledger.declared()
    assert declared is not None
    assert declared.version == "v1"
    aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
    serving.settle()
    assert serving.unsafe() == []


def test_a_guard_that_was_overtaken_by_the_next_deploy_leaves_its_pause(aws: Aws, serving: Shop) -> None:
    forth, back = forward_request(aws, serving, "v2")
    following = serving.stack.deploying(serving.stack.template("v3"))

    def undo_and_deploy_again() -> None:
        aws.before_call = None
        aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        release_slots(back)
        aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
        serving.settle()
        for resource in following:
            if resource == "Config":
                return

    aws.interrupt("RegisterScalableTarget", undo_and_deploy_again, nth=2)
    with pytest.raises(DeployRefused):
        release_slots(forth)
    lock = serving.lock()
    assert lock is not None
    assert lock.kind == DEPLOYMENT
    assert serving.suspended()
    for _ in following:
        pass
    serving.settle()
    running = serving.running()
    assert running is not None
    serving.run(running)
    assert serving.unsafe() == []


def test_a_stack_rollback_changes_no_model_under_a_rollout_that_runs(aws: Aws, serving: Shop) -> None:
    """A deploy failed without a rollback, somebody started its release by hand, and then rolls the stack back."""
    stack = serving.stack
    before, template = stack.deployed, stack.template("v2")
    for resource in stack.deploying(template):
        if resource == "VerifiedEndpoint":
            break
    aws.stacks.status = "UPDATE_FAILED"
    serving.settle()
    execution = serving.start("by-hand")
    serving.run(execution, "Evaluate", index=1)
    assert serving.weights() == {A: 50, B: 50}
    models = serving.models()
    for _ in stack._roll_back(template, before):
        pass
    assert serving.models() == models
    serving.settle()
    serving.run(execution)
    assert serving.unsafe() == []


# Settling


def test_an_event_that_comes_after_the_next_deploy_brings_no_old_floors_back(aws: Aws, serving: Shop) -> None:
    old = serving.settings
    serving.settings = {**old, "scaling": {**SCALED, "min_instances": 3}}
    serving.plan = {**serving.plan, "scaling": serving.settings["scaling"]}
    serving.deploy("v1")
    serving.settle()
    floors = serving.floors()
    assert floors[A] == 3
    aws.wait(60)
    settle.handler({"settings": old, "stack_id": STACK_ID, "status": "UPDATE_COMPLETE"}, FakeContext())
    assert serving.floors() == floors
    assert serving.unsafe() == []


def test_no_rollout_starts_in_a_stack_that_is_being_deleted_while_settle_waits(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})

    def delete() -> None:
        assert serving.stack.deployed is not None
        aws.stacks.status = "DELETE_IN_PROGRESS"
        verified_endpoint(serving.stack._event("Delete", _verified_properties(serving.stack.deployed)))

    aws.interrupt("DescribeEndpoint", delete)
    serving.settle("UPDATE_COMPLETE")
    assert aws.states.executions == {}
    lock = serving.lock()
    assert lock is not None
    assert lock.kind == DEPLOYMENT


def test_a_stack_that_changes_again_while_settle_waits_is_settled_later(aws: Aws, serving: Shop) -> None:
    """The next deploy's guard has not run yet, and holds no lock."""
    serving.deploy("v2")

    def next_deploy() -> None:
        aws.stacks.status = "UPDATE_IN_PROGRESS"

    aws.interrupt("DescribeEndpoint", next_deploy)
    serving.settle("UPDATE_COMPLETE")
    assert aws.states.executions == {}


def test_a_release_whose_event_a_refused_deploy_overtook_is_rolled_out(serving: Shop) -> None:
    serving.deploy("v2")
    with pytest.raises(DeployFailed, match="version v1 already names another content"):
        serving.deploy("v1", "other-content")
    serving.settle()
    execution = serving.running()
    assert execution is not None
    assert execution.name == "v2-1"
    serving.run(execution)
    assert execution.status == "SUCCEEDED"
    assert serving.unsafe() == []


def test_a_first_release_that_failed_may_be_mended_under_its_label(aws: Aws, shop: Shop) -> None:
    aws.host.broken["s3://models/model-v1-bad.tar.gz"] = "it does not start"
    with pytest.raises(DeployFailed):
        shop.deploy("v1", "bad")
    shop.settle()
    shop.deploy("v1", "good")
    shop.settle()
    release = shop.ledger.release("v1")
    assert release is not None
    assert (release.digest, release.outcome) == ("good", PROMOTED)
    shop.deploy("v1", "good", settings={**shop.settings, "scaling": {**SCALED, "min_instances": 3}})


# Raising and lowering


def test_a_raise_is_announced_right_before_it_is_sent(aws: Aws, serving: Shop) -> None:
    """Its handler hangs in a read before, the rollout ends meanwhile, and the handler dies with its order."""
    execution = serving.begin("v2", "ShiftTraffic")
    hung: list[bool] = []

    def before(call: Any) -> None:
        if call.operation == "GetItem" and "cohort" in str(call.parameters) and not hung:
            hung.append(True)
            aws.before_call = None
            aws.wait(31)
            serving.stop(execution)
            serving.restore(execution.name)
            aws.before_call = before
        elif call.operation == WEIGHTS and hung:
            aws.clock.call_at(aws.clock.now() + 0.01, lambda: serving.set_weights(a=90, b=10))
            raise Died

    aws.before_call = before
    with suppress(Died, RolloutError):
        execution.repeat()
    aws.before_call = None
    aws.wait(60)
    assert hung
    assert serving.unsafe() == []


def test_a_cohort_is_published_by_a_call_that_is_not_repeated(aws: Aws) -> None:
    shop = Shop(aws, steps=(step(100),))
    shop.serve_first()
    aws.fail("UpdateItem", UNAVAILABLE)
    before = len(aws.calls)
    with suppress(RolloutError):
        shop.ledger.unrepeated().publish_cohort(
            Cohort(variant=B, rule=CohortRule(header="x-tester", values=("yes",)), salt="s")
        )
    assert [call.operation for call in aws.calls[before:]] == ["UpdateItem"]


def test_panic_that_cannot_write_does_not_undo_a_promotion_that_was_decided_meanwhile(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Promote")

    def promote() -> None:
        execution.advance()
        aws.fail("UpdateItem", UNAVAILABLE, times=5)

    aws.interrupt("UpdateItem", promote)
    serving.panic("b-errors")
    aws.heal()
    aws.wait(60)
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.weights() == {A: 0, B: 100}
    assert serving.unsafe() == []


def test_an_alarm_of_before_a_rollout_that_comes_again_does_not_end_it(serving: Shop) -> None:
    serving.let_steps_take_an_hour()
    first = serving.begin("v2", "Evaluate")
    raised_at = serving.aws.clock.now()
    serving.panic("b-errors", raised_at=raised_at)
    serving.run(first)
    second = serving.begin("v3", "Evaluate", index=1)
    serving.panic("b-errors", raised_at=raised_at)
    serving.run(second)
    assert serving.outcome(second)[0] == PROMOTED
    assert serving.unsafe() == []


def test_lowering_stops_once_another_rollout_has_the_lock(aws: Aws, serving: Shop) -> None:
    first = serving.begin("v2", "Evaluate")
    lock = serving.lock()
    assert lock is not None
    serving.panic("b-errors")
    serving.run(first)
    second = serving.begin("v3", "Evaluate", index=1)
    aws.fail(WEIGHTS, ApiError("ThrottlingException", "Rate exceeded"))
    assert lower_until_zero(serving.world, lock, until=aws.clock.now() + 600)
    assert serving.weights() == {A: 50, B: 50}
    serving.run(second)
    assert second.status == "SUCCEEDED"
    assert serving.unsafe() == []


# Ends


def test_a_restore_that_meets_a_start_under_way_restores_what_it_took(aws: Aws, serving: Shop) -> None:
    serving.settings["start_on_deploy"] = False
    serving.deploy("v2")
    serving.settle()
    execution = serving.start("by-hand")
    serving.stop(execution)

    def the_stopped_function_runs_on() -> None:
        with suppress(RolloutError):
            execution.repeat()

    aws.interrupt("UpdateItem", the_stopped_function_runs_on)
    serving.restore("by-hand")
    aws.before_call = None
    assert serving.unsafe() == []
    assert serving.outcome(execution)[0] == NOT_JUDGED


def test_deletion_waits_for_the_restoration_on_an_endpoint_that_scales(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 200
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 5})

    def restore_path() -> None:
        if execution.name in aws.states.executions and aws.states.executions[execution.name] == "ABORTED":
            serving.restore(execution.name)

    aws.clock.call_at(aws.clock.now() + 230, restore_path)
    serving.stack.destroy()
    assert not aws.sagemaker.endpoints.exists(ENDPOINT)


def test_deletion_does_not_fail_for_an_execution_that_is_over(aws: Aws, serving: Shop) -> None:
    """Step Functions may refuse to stop what ended, while its lock waits for the restore path."""
    execution = serving.begin("v2", "Evaluate")
    serving.stop(execution)
    aws.fail("StopExecution", ApiError("ValidationException", "Execution is not running"))
    aws.clock.call_at(aws.clock.now() + 20, lambda: serving.restore(execution.name))
    serving.stack.destroy()
    assert not aws.sagemaker.endpoints.exists(ENDPOINT)
