"""What happens to an endpoint in its life: each scenario drives the real handlers to an end that it checks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from rollout.clock import iso
from rollout.contract import operator
from rollout.contract.errors import EndpointBusy, EndpointUnusable
from rollout.contract.order import Order
from rollout.contract.way_back import WayBack
from rollout.handlers import show_rollout, take_order

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.aws_models.fleets import routed
from tests.cli.fake import Operated
from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import (
    ENDPOINT,
    FIXED,
    PERIOD,
    REST_API,
    SCALED,
    STAGE,
    STATE_MACHINE,
    STEPS,
    A,
    B,
    cohort_step,
    settings,
    step,
)
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed, scaling_id
from tests.watching.looks import PARAMETERS, Context, orders_in

Scenario = Callable[[Aws], None]


def behind_a_door(aws: Aws, **of_the_shop: Any) -> Shop:
    """Return an endpoint that users reach through API Gateway."""
    return Shop(aws, api_stages=((REST_API, STAGE),), **of_the_shop)


def serving(aws: Aws) -> Shop:
    """Return an endpoint on which v1 serves."""
    shop = behind_a_door(aws)
    shop.serve_first()
    return shop


def refused(shop: Shop, version: str, digest: str = "", **changes: object) -> None:
    """Deploy what is refused, and let the stack settle."""
    with pytest.raises(DeployFailed):
        shop.deploy(version, digest, **changes)
    shop.settle()


def first_deploy(aws: Aws) -> None:
    assert serving(aws).unsafe() == []


def a_cohort_first(aws: Aws) -> None:
    rule = {"kind": "users", "header": "x-canary-bucket", "buckets": 500}
    shop = behind_a_door(aws, steps=(cohort_step(rule), step(100)))
    shop.serve_first()
    shop.begin("v2", "Evaluate", index=0)
    assert len(shop.cohorts()) == 2
    execution = shop.running()
    assert execution is not None
    shop.run(execution)
    assert shop.unsafe() == []


def promoted_and_promoted_again(aws: Aws) -> None:
    shop = serving(aws)
    shop.promote("v2")
    shop.promote("v3")
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


def held_back(aws: Aws) -> tuple[Shop, Execution]:
    """Return the rollout of v2 in a hold-back of an hour."""
    shop = behind_a_door(aws)
    shop.plan["hold_back"] = {"percent": 2, "duration_seconds": 3600, "interval_seconds": 900}
    shop.serve_first()
    return shop, shop.begin("v2", "Evaluate", index=len(STEPS))


def a_hold_back_to_its_end(aws: Aws) -> None:
    shop, execution = held_back(aws)
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def a_hold_back_that_an_alarm_ends(aws: Aws) -> None:
    shop, execution = held_back(aws)
    shop.panic("business")
    shop.run(execution)
    assert shop.outcome(execution)[0] == "ROLLED_BACK"
    assert shop.unsafe() == []


def a_hold_back_that_a_person_ends(aws: Aws) -> None:
    shop, execution = held_back(aws)
    shop.stop(execution, cause="seen enough")
    shop.restore(execution.name)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def a_hold_back_that_a_deploy_ends(aws: Aws) -> None:
    shop, execution = held_back(aws)
    shop.deploy("v3")
    shop.run(execution)
    assert (shop.outcome(execution)[0], execution.status) == ("PROMOTED", "SUCCEEDED")


def another_instance_type(aws: Aws) -> None:
    shop = serving(aws)
    shop.promote("v2", own_type="ml.m5.4xlarge")
    assert shop.unsafe() == []


def a_fixed_fleet(aws: Aws) -> None:
    shop = behind_a_door(aws, scaling=FIXED)
    shop.serve_first()
    shop.promote("v2")
    assert shop.unsafe() == []


def a_change_of_scaling_alone(aws: Aws) -> None:
    shop = serving(aws)
    shop.settings = settings(scaling={**SCALED, "min_instances": 3})
    shop.deploy("v1")
    shop.settle()
    assert shop.floors() == {A: 3, B: 1}
    shop.settings = settings(scaling=FIXED)
    shop.deploy("v1")
    shop.settle()
    assert shop.floors() == {A: 2, B: 1}


def capacity_is_raised_and_does_not_come(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "ScaleCanary", index=1)
    aws.wait(PERIOD)
    aws.cloudwatch.serve(ENDPOINT, A, 5500, at=aws.clock.now() - PERIOD, period=PERIOD)
    aws.sagemaker.faults.stalled[(ENDPOINT, B)] = 60
    while execution.task == "ScaleCanary":
        execution.advance()
    aws.sagemaker.faults.stalled.clear()
    shop.run(execution)
    assert "no more came in" in shop.outcome(execution)[1]
    assert shop.unsafe() == []


def capacity_is_raised_while_a_step_bakes(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate")
    aws.wait(PERIOD)
    for slot, requests in ((A, 5500), (B, 500)):
        for ago in (PERIOD, 0):
            aws.cloudwatch.serve(ENDPOINT, slot, requests, at=aws.clock.now() - ago, period=PERIOD)
    aws.wait(3 * PERIOD)
    execution.repeat()
    assert shop.floors()[A] > 2


def rolled_back_by_a_gate(aws: Aws) -> None:
    """Its share is lowered first, and the verdict takes longer than a short step may."""
    shop = serving(aws)
    shop.let_steps_take_an_hour()
    execution = shop.begin("v2", "Evaluate")
    while execution.task:
        shop.serve(failed=60)
        execution.advance()
    assert type(execution.errors[0]).__name__ == "GateFailed"
    assert shop.unsafe() == []


def held_because_both_fail_since_the_shift(aws: Aws) -> None:
    """Nobody is to blame yet, and a person is told."""
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    for _ in range(5):
        aws.wait(PERIOD)
        shop.serve(failed=60)
        execution.advance()
    assert "Canary Rollout Needs Attention" in [kind for kind, _ in aws.events.told()]


def rolled_back_without_evidence(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate")
    while execution.task:
        execution.advance()
    assert type(execution.errors[0]).__name__ == "Inconclusive"
    assert shop.unsafe() == []


def rolled_back_by_the_smoke_test(aws: Aws) -> None:
    shop = serving(aws)
    aws.runtime.failures[B] = ApiError("ModelError", "Received server error (500) from primary", status=424)
    execution = shop.release("v2")
    assert execution is not None
    shop.run(execution)
    assert "smoke test 1 of 1" in shop.outcome(execution)[1]
    assert shop.unsafe() == []


def an_alarm_before_the_rollout(aws: Aws) -> None:
    shop = serving(aws)
    aws.cloudwatch.alarms["business"] = "ALARM"
    execution = shop.release("v2")
    assert execution is not None
    shop.run(execution)
    assert shop.outcome(execution)[1] == "business was in ALARM before the rollout began"
    assert shop.unsafe() == []


def an_alarm_takes_the_traffic_at_once(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.panic("b-errors")
    assert shop.weights() == {A: 100, B: 0}
    shop.run(execution)
    assert shop.outcome(execution)[1].startswith("b-errors is in ALARM: of the canary's requests")
    assert shop.unsafe() == []


def a_way_back_after_a_promotion(aws: Aws) -> None:
    shop = serving(aws)
    shop.promote("v2")
    order = Order(who="arn:aws:sts::123456789012:assumed-role/on-call/ann", at=iso(aws.clock.now()), why="it is slow")
    back = WayBack(leaves="v2", to="v1", order=order)
    assert shop.ask(operator.roll_back("v1-2", back, state_machine=STATE_MACHINE, stable=B, canary=A))
    shop.look_for_what_was_left()
    execution = shop.running()
    assert execution is not None
    shop.run(execution)
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


def a_bake_that_a_person_cuts_short(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=0)
    order = Order(who="arn:aws:sts::123456789012:assumed-role/on-call/ann", at=iso(aws.clock.now()), why="a hot fix")
    assert shop.ask(operator.promote(execution.name, 0, order))
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def a_pause_before_the_first_share(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "ScaleCanary", index=0)
    order = Order(who="arn:aws:sts::123456789012:assumed-role/on-call/ann", at=iso(aws.clock.now()), why="a call")
    assert shop.ask(operator.pause(execution.name, order))
    execution.advance()
    assert (execution.task, shop.weights()) == ("ScaleCanary", {A: 100, B: 0})
    assert shop.ask(operator.resume(execution.name, order))
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    told = [kind.removeprefix("Canary Rollout ") for kind, _ in aws.events.told()]
    assert told.count("Held") == told.count("Resumed") == 1
    assert shop.unsafe() == []


def _aborts(shop: Shop, execution: Execution) -> None:
    order = Order(who="arn:aws:sts::123456789012:assumed-role/on-call/ann", at=iso(shop.aws.clock.now()))
    assert shop.ask(operator.abort(execution.name, order))
    shop.tell_of_order()


def an_abort_takes_the_traffic_at_once(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    _aborts(shop, execution)
    assert shop.weights() == {A: 100, B: 0}
    shop.restore(execution.name)
    assert shop.outcome(execution) == ("NOT_JUDGED", "aborted by ann")
    assert shop.unsafe() == []


def an_abort_ends_a_cohort(aws: Aws) -> None:
    rule = {"kind": "users", "header": "x-canary-bucket", "buckets": 500}
    shop = behind_a_door(aws, steps=(cohort_step(rule), step(100)))
    shop.serve_first()
    execution = shop.begin("v2", "Evaluate")
    assert shop.cohorts()
    _aborts(shop, execution)
    assert not shop.cohorts()
    shop.restore(execution.name)
    assert shop.unsafe() == []


def an_abort_while_the_endpoint_stays_busy(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate")
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 2000
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    with pytest.raises(EndpointBusy):
        _aborts(shop, execution)
    aws.sagemaker.faults.stalled.clear()
    shop.wait_until_quiet()
    shop.tell_of_order()
    shop.restore(execution.name)
    assert shop.unsafe() == []


def an_alarm_while_the_endpoint_stays_busy(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate")
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 2000
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 4})
    with pytest.raises(EndpointBusy):
        shop.panic("business")
    with pytest.raises(EndpointBusy):
        shop.restore(execution.name, "TIMED_OUT")
    aws.sagemaker.faults.stalled.clear()
    shop.wait_until_quiet()
    shop.run(execution)
    assert shop.unsafe() == []


def _alarm_at_everything(shop: Shop) -> Execution:
    """Return a rollout whose alarm went off at 100 %; stable has had the traffic back for some minutes."""
    execution = shop.begin("v2", "Evaluate", index=2)
    shop.serve_for(3 * PERIOD)
    shop.panic("b-errors")
    shop.serve_for(3 * PERIOD)
    return execution


def an_alarm_at_everything_is_judged_by_the_rollback(aws: Aws) -> None:
    shop = serving(aws)
    execution = _alarm_at_everything(shop)
    shop.run(execution)
    assert shop.outcome(execution)[0] == "ROLLED_BACK"
    assert shop.unsafe() == []


def an_alarm_at_everything_is_judged_by_the_restoration(aws: Aws) -> None:
    shop = serving(aws)
    execution = _alarm_at_everything(shop)
    shop.stop(execution)
    shop.restore(execution.name)
    assert shop.outcome(execution)[0] == "ROLLED_BACK"
    assert shop.unsafe() == []


def an_alarm_at_everything_is_judged_by_a_deploy(aws: Aws) -> None:
    shop = serving(aws)
    execution = _alarm_at_everything(shop)
    shop.stop(execution)
    shop.deploy("v3")
    assert shop.outcome(execution)[0] == "ROLLED_BACK"


def an_alarm_at_everything_is_judged_by_a_start_by_hand(aws: Aws) -> None:
    shop = serving(aws)
    execution = _alarm_at_everything(shop)
    shop.stop(execution)
    shop.run(shop.start("by-hand"))
    assert shop.outcome(execution)[0] == "ROLLED_BACK"
    assert shop.unsafe() == []


def an_alarm_in_the_middle_of_a_raise(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "ShiftTraffic")
    aws.interrupt("UpdateEndpointWeightsAndCapacities", lambda: shop.panic("business"))
    shop.run(execution)
    assert shop.outcome(execution) == ("ROLLED_BACK", "business is in ALARM")
    assert shop.unsafe() == []


def stopped_and_restored(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.restore(execution.name)
    shop.restore(execution.name)
    assert shop.unsafe() == []


def stopped_while_floors_are_set(aws: Aws) -> None:
    """The stopped execution's Lambda runs on, and brings the floors to rest itself."""
    for task in ("Prepare", "ScaleCanary", "Evaluate"):
        shop = behind_a_door(aws)
        _stopped_in(shop, aws, task)
        shop.stack.destroy()


def _stopped_in(shop: Shop, aws: Aws, task: str) -> None:
    def stopped() -> None:
        shop.stop(execution)
        shop.restore(execution.name)

    shop.serve_first()
    execution = shop.begin(f"v2-{task}", task)
    aws.wait(PERIOD)
    for slot, requests in ((A, 5500), (B, 500)):
        for ago in (PERIOD, 0):
            aws.cloudwatch.serve(ENDPOINT, slot, requests, at=aws.clock.now() - ago, period=PERIOD)
    aws.wait(3 * PERIOD)
    aws.interrupt("RegisterScalableTarget", stopped)
    execution.advance()
    assert execution.errors
    assert shop.unsafe() == []


def a_ledger_that_cannot_be_reached_in_a_rollback(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    aws.cloudwatch.alarms["business"] = "ALARM"
    shop.run(execution, "RollBack")
    aws.fail("GetItem", UNAVAILABLE, times=3)
    shop.run(execution)
    assert shop.unsafe() == []


def a_promotion_that_broke_off_is_completed_by_the_rollback(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Promote")
    aws.fail("RegisterScalableTarget", UNAVAILABLE)
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def a_promotion_that_broke_off_is_completed_by_the_restoration(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Promote")
    shop.ledger.seal(execution.name)
    shop.stop(execution)
    shop.restore(execution.name)
    assert shop.outcome(execution)[0] == "PROMOTED"
    assert shop.unsafe() == []


def a_promotion_of_weights_that_another_hand_set(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Promote")
    shop.set_weights(a=50, b=50)
    shop.wait_until_quiet()
    shop.run(execution)
    assert shop.outcome(execution)[0] == "NOT_JUDGED"
    assert shop.unsafe() == []


def started_by_hand(aws: Aws) -> None:
    shop = behind_a_door(aws, start_on_deploy=False)
    shop.serve_first()
    assert shop.release("v2") is None
    execution = shop.start("by-hand")
    shop.run(execution)
    assert shop.outcome(execution)[0] == "PROMOTED"
    again = shop.start("again")
    shop.run(again)
    assert (again.status, str(again.errors[-1])) == ("SUCCEEDED", "version v2 serves already")


def a_start_that_its_end_has_overtaken(aws: Aws) -> None:
    """The stopped execution's first Lambda runs late."""
    shop = serving(aws)
    execution = shop.begin("v2", "Prepare")
    shop.stop(execution)
    shop.restore(execution.name)
    with pytest.raises(Exception, match="is over already"):
        execution.repeat()
    assert shop.unsafe() == []


def events_that_come_twice(aws: Aws) -> None:
    shop = serving(aws)
    shop.deploy("v2")
    shop.settle()
    shop.settle()
    execution = shop.running()
    assert execution is not None
    shop.run(execution)
    shop.settle()
    shop.panic("business")
    assert shop.unsafe() == []


def refused_while_a_rollout_runs(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    refused(shop, "v3")
    shop.run(execution)
    assert execution.status == "SUCCEEDED"


def accepted_after_a_rollout_that_kept_its_lock(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Promote")
    aws.fail("DeleteItem", UNAVAILABLE, times=100)
    shop.run(execution)
    aws.heal()
    shop.deploy("v3")
    assert shop.models()[A] == "model-v3-digest-of-v3"


def accepted_after_a_rollout_that_died(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.deploy("v3")
    assert shop.outcome(execution)[0] == "NOT_JUDGED"
    assert shop.models()[B] == "model-v3-digest-of-v3"


def settled_after_a_rollout_that_died(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.settle()
    assert shop.outcome(execution)[0] == "NOT_JUDGED"
    assert shop.unsafe() == []


def started_by_hand_after_a_rollout_that_died(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.run(shop.start("by-hand"))
    assert shop.outcome(execution)[0] == "NOT_JUDGED"
    assert shop.unsafe() == []


def refused_while_both_slots_serve(aws: Aws) -> None:
    shop = serving(aws)
    shop.set_weights(a=50, b=50)
    shop.wait_until_quiet()
    with pytest.raises(DeployFailed, match="exactly one variant"):
        shop.deploy("v2")
    with pytest.raises(EndpointUnusable):
        shop.settle()
    assert shop.lock() is None


def refused_on_an_endpoint_that_stays_busy(aws: Aws) -> None:
    shop = serving(aws)
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 3600
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    with pytest.raises(DeployFailed, match="it must be InService"):
        shop.deploy("v2")
    with suppress(EndpointBusy):
        shop.settle()
    assert not shop.suspended()


def refused_for_what_a_release_is(aws: Aws) -> None:
    """Another content under the same version, another instance type, a release that was rolled back."""
    shop = serving(aws)
    refused(shop, "v1", "another-digest")
    refused(shop, "v2", instance_type="ml.c5.xlarge")
    execution = shop.begin("v2", "Evaluate")
    aws.cloudwatch.alarms["business"] = "ALARM"
    shop.run(execution)
    aws.cloudwatch.alarms["business"] = "OK"
    shop.promote("v3")
    refused(shop, "v2")
    assert shop.unsafe() == []


def registry(aws: Aws, approval: str) -> tuple[str, Callable[[str], object]]:
    """Return the first version of a group of model packages, and what changes its approval."""
    packages = aws.sagemaker.catalogue.packages
    packages.create_group({"ModelPackageGroupName": "ranker"})
    containers = [{"Image": "image:1", "ModelDataUrl": "s3://registry/ranker/1.tar.gz"}]
    version = {"ModelApprovalStatus": approval, "InferenceSpecification": {"Containers": containers}}
    arn: str = packages.create({"ModelPackageGroupName": "ranker", **version})["ModelPackageArn"]
    return arn, lambda now: packages.update({"ModelPackageArn": arn, "ModelApprovalStatus": now})


def refused_until_its_model_package_is_approved(aws: Aws) -> None:
    shop = serving(aws)
    package, set_approval = registry(aws, "PendingManualApproval")
    refused(shop, "v2", package=package)
    set_approval("Approved")
    refused(shop, "v2", package=package, readable=("models",))
    shop.promote("v2", package=package)
    assert shop.unsafe() == []


def a_model_package_whose_approval_is_withdrawn(aws: Aws) -> None:
    shop = serving(aws)
    package, set_approval = registry(aws, "Approved")
    execution = shop.release("v2", package=package)
    assert execution is not None
    set_approval("Rejected")
    shop.run(execution)
    assert shop.outcome(execution)[0] == "NOT_JUDGED"
    assert shop.unsafe() == []


def refused_for_how_it_would_be_hosted(aws: Aws) -> None:
    """Without a knob that the release that serves was started with, and without its registry's credentials."""
    shop = behind_a_door(aws)
    shop.serve_first(knobs={"VolumeSizeInGB": 30}, functions=("arn:credentials",))
    refused(shop, "v2")
    refused(shop, "v2", knobs={"VolumeSizeInGB": 30}, callable_functions=())
    assert shop.unsafe() == []


def refused_because_the_endpoint_is_somebody_elses(aws: Aws) -> None:
    serving(aws)
    with pytest.raises(DeployFailed, match="is not part of this stack"):
        behind_a_door(aws).deploy("v9")


def refused_because_the_endpoint_was_deleted_by_hand(aws: Aws) -> None:
    shop = serving(aws)
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    shop.wait_until_quiet()
    with pytest.raises(ApiError, match="Could not find endpoint"):  # the stack cannot roll back to it either
        shop.deploy("v2")
    shop.settle()
    assert shop.lock() is None


def a_stack_update_that_fails_and_rolls_back(aws: Aws) -> None:
    shop = serving(aws)
    shop.promote("v2")
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="the container does not start", silent=True)
    refused(shop, "v3")
    assert aws.stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert shop.unsafe() == []


def a_fleet_that_an_alarm_sends_back(aws: Aws) -> None:
    shop = serving(aws)
    aws.cloudwatch.alarms["fleet-errors"] = "ALARM"
    watched = routed("ALL_AT_ONCE", last=300, alarms=["fleet-errors"])
    refused(shop, "v2", deployment_config=watched)
    assert shop.unsafe() == []


def a_stack_creation_that_fails_and_rolls_back(aws: Aws) -> None:
    shop = behind_a_door(aws)
    aws.host.broken["s3://models/model-v1-digest-of-v1.tar.gz"] = "it does not start"
    refused(shop, "v1")
    assert aws.stacks.status == "ROLLBACK_COMPLETE"
    assert shop.lock() is None


def deleted_at_rest(aws: Aws) -> None:
    shop = serving(aws)
    shop.promote("v2")
    shop.promote("v3")
    shop.stack.destroy()
    assert aws.sagemaker.catalogue.models.list({})["Models"] == []
    assert aws.sagemaker.catalogue.configs.list({})["EndpointConfigs"] == []


def deleted_in_the_middle_of_a_rollout(aws: Aws) -> None:
    shop = serving(aws)
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stack.destroy()
    shop.restore(execution.name)
    assert execution.status == "ABORTED"
    assert shop.lock() is None
    assert aws.sagemaker.catalogue.models.list({})["Models"] == []


def a_look_at_the_dashboard_and_one_of_its_buttons(aws: Aws) -> None:
    shop = serving(aws)
    operated = Operated(shop)
    asked = {"DescribeStateMachine": operated.definition, "GetExecutionHistory": operated.history}
    aws.answer_also("stepfunctions", asked)
    execution = shop.begin("v2", "Evaluate", index=0)
    shown = show_rollout.handler({**PARAMETERS}, None)  # type: ignore[typeddict-item]
    assert "v2 is in step 1 of 3" in str(shown)
    order = {**orders_in(str(shown))["abort"], "widgetContext": {}}
    assert "Aborted." in take_order.handler(order, Context())  # type: ignore[arg-type]
    shop.tell_of_order()
    shop.restore(execution.name)
    assert "v1 serves all the traffic" in str(show_rollout.handler({**PARAMETERS}, None))  # type: ignore[typeddict-item]
    assert shop.unsafe() == []


def a_way_back_by_a_button_of_the_dashboard(aws: Aws) -> None:
    shop = serving(aws)
    shop.promote("v2")
    operated = Operated(shop)
    asked = {"DescribeStateMachine": operated.definition, "GetExecutionHistory": operated.history}
    aws.answer_also("stepfunctions", asked)
    shown = show_rollout.handler({**PARAMETERS}, None)  # type: ignore[typeddict-item]
    order = {**orders_in(str(shown))["go_back"], "widgetContext": {"dashboardName": "shop-us-east-1"}}
    assert "Ordered." in take_order.handler(order, Context())  # type: ignore[arg-type]
    assert "is under way" in take_order.handler(order, Context())  # type: ignore[arg-type]
    execution = shop.running()
    assert execution is not None
    shop.run(execution)
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (
        first_deploy,
        a_cohort_first,
        promoted_and_promoted_again,
        a_hold_back_to_its_end,
        a_hold_back_that_an_alarm_ends,
        a_hold_back_that_a_person_ends,
        a_hold_back_that_a_deploy_ends,
        another_instance_type,
        a_fixed_fleet,
        a_change_of_scaling_alone,
        capacity_is_raised_and_does_not_come,
        capacity_is_raised_while_a_step_bakes,
        rolled_back_by_a_gate,
        held_because_both_fail_since_the_shift,
        rolled_back_without_evidence,
        rolled_back_by_the_smoke_test,
        an_alarm_before_the_rollout,
        a_look_at_the_dashboard_and_one_of_its_buttons,
        a_bake_that_a_person_cuts_short,
        a_pause_before_the_first_share,
        a_way_back_after_a_promotion,
        a_way_back_by_a_button_of_the_dashboard,
        an_abort_takes_the_traffic_at_once,
        an_abort_ends_a_cohort,
        an_abort_while_the_endpoint_stays_busy,
        an_alarm_takes_the_traffic_at_once,
        an_alarm_while_the_endpoint_stays_busy,
        an_alarm_at_everything_is_judged_by_the_rollback,
        an_alarm_at_everything_is_judged_by_the_restoration,
        an_alarm_at_everything_is_judged_by_a_deploy,
        an_alarm_at_everything_is_judged_by_a_start_by_hand,
        an_alarm_in_the_middle_of_a_raise,
        stopped_and_restored,
        stopped_while_floors_are_set,
        a_ledger_that_cannot_be_reached_in_a_rollback,
        a_promotion_that_broke_off_is_completed_by_the_rollback,
        a_promotion_that_broke_off_is_completed_by_the_restoration,
        a_promotion_of_weights_that_another_hand_set,
        started_by_hand,
        a_start_that_its_end_has_overtaken,
        events_that_come_twice,
        refused_while_a_rollout_runs,
        accepted_after_a_rollout_that_kept_its_lock,
        accepted_after_a_rollout_that_died,
        settled_after_a_rollout_that_died,
        started_by_hand_after_a_rollout_that_died,
        refused_while_both_slots_serve,
        refused_on_an_endpoint_that_stays_busy,
        refused_for_what_a_release_is,
        refused_for_how_it_would_be_hosted,
        refused_until_its_model_package_is_approved,
        a_model_package_whose_approval_is_withdrawn,
        refused_because_the_endpoint_is_somebody_elses,
        refused_because_the_endpoint_was_deleted_by_hand,
        a_stack_update_that_fails_and_rolls_back,
        a_fleet_that_an_alarm_sends_back,
        a_stack_creation_that_fails_and_rolls_back,
        deleted_at_rest,
        deleted_in_the_middle_of_a_rollout,
    )
}
