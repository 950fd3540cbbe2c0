"""A rollout whose execution died keeps its lock: the next deploy, event or start ends it first, or the clock."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from rollout import clock
from rollout.contract.errors import RolloutError
from rollout.contract.lock import DEPLOYMENT, ROLLOUT, Lock
from rollout.contract.names import NOT_JUDGED, PROMOTED
from rollout.contract.states import Failure
from rollout.executions import ENDED
from rollout.takeover import START_SECONDS, cause_of_death, end_if_dead

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed

DENIED = ApiError("AccessDeniedException", "not authorized to perform: application-autoscaling:RegisterScalableTarget")
TASKS = ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "Evaluate"]


@pytest.fixture
def dead(serving: Shop) -> Execution:
    """The rollout of v2 at 50 %, stopped, and nobody restored it."""
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.stop(execution)
    return execution


# By the next deploy


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED", "SUCCEEDED"])
def test_the_next_deploy_ends_a_dead_rollout_first(aws: Aws, serving: Shop, task: str, status: str) -> None:
    execution = serving.begin("v2", task)
    aws.states.executions[execution.name] = status
    serving.deploy("v3")
    assert serving.models() == {A: "model-v1-digest-of-v1", B: "model-v3-digest-of-v3"}
    assert serving.outcome(execution) == (NOT_JUDGED, ENDED[status])
    serving.settle()
    running = serving.running()
    assert running is not None
    serving.run(running)
    assert running.status == "SUCCEEDED"
    assert serving.unsafe() == []


@pytest.mark.usefixtures("dead")
def test_the_traffic_of_a_dead_rollout_is_back_before_a_model_changes(aws: Aws, serving: Shop) -> None:
    deploying = serving.stack.deploying(serving.stack.template("v3"))
    for resource in deploying:
        if resource == "Config":
            break
    assert serving.weights() == {A: 100, B: 0}
    lock = serving.lock()
    assert lock is not None
    assert lock.kind == DEPLOYMENT
    assert serving.suspended()
    assert aws.states.executions["v2-1"] == "ABORTED"


def test_a_decided_promotion_of_a_dead_rollout_is_completed(serving: Shop) -> None:
    execution = serving.begin("v2", "Promote")
    serving.ledger.seal(execution.name)
    serving.stop(execution)
    serving.deploy("v3")
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.models() == {A: "model-v3-digest-of-v3", B: "model-v2-digest-of-v2"}
    assert serving.weights() == {A: 0, B: 100}


def test_a_rollout_that_runs_is_never_taken_over(serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    weights, lock = serving.weights(), serving.lock()
    with pytest.raises(DeployFailed, match="rollout v2-1 of endpoint shop is running; wait for its end, or abort it"):
        serving.deploy("v3")
    assert (serving.weights(), serving.lock()) == (weights, lock)
    serving.run(execution)
    assert execution.status == "SUCCEEDED"


def test_a_status_that_cannot_be_read_is_not_taken_for_death(aws: Aws, serving: Shop, dead: Execution) -> None:
    aws.fail("DescribeExecution", UNAVAILABLE, times=10_000)
    lock = serving.lock()
    with pytest.raises(DeployFailed, match="Internal server error"):
        serving.deploy("v3")
    assert serving.lock() == lock
    aws.heal()
    serving.restore(dead.name)
    assert serving.unsafe() == []


def test_what_cannot_be_restored_refuses_the_deploy_and_says_what_to_do(
    aws: Aws, serving: Shop, dead: Execution
) -> None:
    aws.fail("RegisterScalableTarget", DENIED, times=10_000)
    with pytest.raises(
        DeployFailed,
        match=r"^rollout v2-1 of endpoint shop cannot go on \(the execution was stopped\), "
        r"and what it left cannot be restored: .*not authorized.*; remove what prevents this, and deploy again$",
    ):
        serving.deploy("v3")
    lock = serving.lock()
    assert lock is not None
    assert (lock.kind, lock.holder) == (ROLLOUT, dead.name)
    assert serving.models()[B] == "model-v2-digest-of-v2"
    assert serving.weights() == {A: 100, B: 0}
    aws.heal()
    serving.deploy("v3")
    assert serving.models()[B] == "model-v3-digest-of-v3"


@pytest.mark.usefixtures("dead")
def test_a_takeover_outlasts_weak_services(aws: Aws, serving: Shop) -> None:
    for operation in ("DescribeExecution", "GetItem", "UpdateItem", "UpdateEndpointWeightsAndCapacities", "DeleteItem"):
        aws.fail(operation, THROTTLED, times=2, when=lambda request: "lock" in str(request) or "Key" not in request)
    with suppress(DeployFailed):
        serving.deploy("v3")
    aws.heal()
    serving.settle()
    serving.deploy("v3") if serving.running() is None else None
    assert serving.models()[B] == "model-v3-digest-of-v3"


@pytest.mark.parametrize("call", range(1, 16))
def test_a_takeover_and_the_restore_may_run_side_by_side(aws: Aws, serving: Shop, dead: Execution, call: int) -> None:
    aws.interrupt("", lambda: serving.restore(dead.name), nth=call)
    serving.deploy("v3")
    aws.before_call = None
    assert serving.models() == {A: "model-v1-digest-of-v1", B: "model-v3-digest-of-v3"}
    serving.settle()
    running = serving.running()
    assert running is not None
    serving.run(running)
    assert serving.unsafe() == []


@pytest.mark.parametrize("call", range(1, 14))
def test_a_restore_that_a_takeover_overtakes_leaves_the_deployment_its_lock(
    aws: Aws, serving: Shop, dead: Execution, call: int
) -> None:
    """A weight call that was on its way may collide with the update: then the deploy fails, loudly and safely."""
    a_deploy_begins_while(aws, serving, lambda: serving.restore(dead.name), call=call)


def a_deploy_begins_while(aws: Aws, shop: Shop, act: Callable[[], object], *, call: int) -> None:
    """It has the lock once it has begun, and in the end all is safe, whether it failed or not."""
    deploying = shop.stack.deploying(shop.stack.template("v3"))

    def begin() -> None:
        for resource in deploying:
            if resource == "Config":
                return

    aws.interrupt("", begin, nth=call)
    act()
    aws.before_call = None
    lock = shop.lock()
    assert lock is None or lock.kind == DEPLOYMENT
    with suppress(DeployFailed):
        for _ in deploying:
            pass
    shop.settle()
    running = shop.running()
    if running is not None:
        shop.run(running)
    assert shop.unsafe() == []


@pytest.mark.parametrize("call", range(1, 5))
def test_a_lambda_of_the_dead_rollout_that_runs_on_raises_nothing(aws: Aws, serving: Shop, call: int) -> None:
    """Its weight call may be on its way when the next deploy takes over: no slot that serves changes its model."""
    execution = serving.begin("v2", "ShiftTraffic")
    deploying = serving.stack.deploying(serving.stack.template("v3"))

    def take_over() -> None:
        serving.stop(execution)
        for resource in deploying:
            if resource == "Config":
                return

    aws.interrupt("", take_over, nth=call)
    with suppress(RolloutError):
        execution.repeat()
    aws.before_call = None
    serving.wait_until_quiet()
    assert serving.weights() == {A: 100, B: 0}
    for _ in deploying:
        pass
    assert serving.weights() == {A: 100, B: 0}


def test_two_takers_get_one_lock(aws: Aws, serving: Shop, dead: Execution) -> None:
    """Somebody starts a rollout by hand while a deploy takes over: one has the lock, the other ends with a sentence."""
    by_hand = serving.start("by-hand")
    aws.interrupt("DeleteItem", by_hand.advance)
    with suppress(DeployFailed):
        serving.deploy("v3")
    aws.before_call = None
    serving.run(by_hand)
    serving.settle()
    running = serving.running()
    if running is not None:
        serving.run(running)
    assert serving.unsafe() == []
    assert serving.outcome(dead)[0] == NOT_JUDGED


# A hand-over that was not finished


def crash_between_the_lock_and_the_start(aws: Aws, shop: Shop) -> None:
    shop.deploy("v2")
    aws.fail("StartExecution", UNAVAILABLE, times=1000)
    with pytest.raises(Exception, match="Internal server error"):
        shop.settle()
    aws.heal()


def test_an_execution_that_is_about_to_start_is_not_taken_for_dead(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")

    def deploy() -> None:
        with pytest.raises(DeployFailed, match="rollout v2-1 of endpoint shop is running"):
            serving.deploy("v3")

    aws.interrupt("StartExecution", deploy)
    serving.settle()
    aws.before_call = None
    assert list(aws.states.executions) == ["v2-1"]
    lock = serving.lock()
    assert lock is not None
    assert lock.holder == "v2-1"


def test_the_event_of_a_refused_deploy_starts_what_was_not_started(aws: Aws, serving: Shop) -> None:
    crash_between_the_lock_and_the_start(aws, serving)
    serving.ledger.free("v2-1")
    serving.ledger.lock_for_rollout("v2-1", aws.clock.now(), state_machine=serving.settings["state_machine_arn"])
    with pytest.raises(DeployFailed, match="rollout v2-1 of endpoint shop is running"):
        serving.deploy("v3")
    serving.settle()
    assert serving.running() is not None


def test_a_rollout_that_was_never_started_gives_way_to_the_next_deploy(aws: Aws, serving: Shop) -> None:
    crash_between_the_lock_and_the_start(aws, serving)
    aws.wait(START_SECONDS)
    serving.deploy("v3")
    assert serving.models()[B] == "model-v3-digest-of-v3"
    rollout = serving.ledger.rollout("v2-1")
    assert rollout is not None
    assert (rollout["outcome"], rollout["reason"]) == (NOT_JUDGED, "the execution was never started")
    release = serving.ledger.release("v2")
    assert release is not None
    assert release.outcome == ""


def test_a_rollout_that_may_still_be_started_is_left_alone(aws: Aws, serving: Shop) -> None:
    """The Lambda that has taken its lock lives for a quarter of an hour at most."""
    crash_between_the_lock_and_the_start(aws, serving)
    lock = serving.lock()
    assert lock is not None
    taken_at = clock.seconds_of(lock.taken_at)
    aws.clock.advance_to(taken_at + 899)
    assert cause_of_death(lock) is None
    aws.wait(1)
    assert cause_of_death(lock) == Failure(error="NotStarted", cause="the execution was never started")


def test_the_last_moment_in_which_a_lambda_may_live_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, aws: Aws, serving: Shop
) -> None:
    crash_between_the_lock_and_the_start(aws, serving)
    lock = serving.lock()
    assert lock is not None
    monkeypatch.setattr(clock, "now", lambda: clock.seconds_of(lock.taken_at) + START_SECONDS)
    assert cause_of_death(lock) is None


@pytest.mark.parametrize("lock", [Lock(kind=DEPLOYMENT, holder="a", state_machine="b"), Lock(kind=ROLLOUT, holder="a")])
def test_a_lock_without_an_execution_is_nobodys_to_end(aws: Aws, serving: Shop, lock: Lock) -> None:
    asked = len(aws.calls)
    assert cause_of_death(lock) is None
    assert not end_if_dead(serving.world, lock)
    assert len(aws.calls) == asked


def test_a_start_that_its_takeover_has_overtaken_ends_with_a_sentence(aws: Aws, serving: Shop) -> None:
    crash_between_the_lock_and_the_start(aws, serving)
    aws.wait(START_SECONDS)
    serving.deploy("v3")
    late = serving.start("v2-1")
    serving.run(late)
    assert "is held by deployment" in str(late.errors[0])
    assert late.status == "FAILED"
    serving.settle()
    running = serving.running()
    assert running is not None
    assert running.name.startswith("v3-")


# By an event of the stack


def test_an_event_of_the_stack_ends_a_dead_rollout(serving: Shop, dead: Execution) -> None:
    serving.settle()
    assert serving.unsafe() == []
    assert serving.outcome(dead)[0] == NOT_JUDGED


@pytest.mark.parametrize("call", range(1, 14))
def test_an_event_of_the_stack_and_the_restore_may_come_together(
    aws: Aws, serving: Shop, dead: Execution, call: int
) -> None:
    aws.interrupt("", lambda: serving.restore(dead.name), nth=call)
    serving.settle()
    aws.before_call = None
    assert serving.unsafe() == []


def test_an_event_of_the_stack_leaves_a_rollout_that_runs_with_another_input(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    aws.states.inputs[execution.name] = '{"Comment": "started by hand"}'
    serving.settle()
    serving.run(execution)
    assert execution.status == "SUCCEEDED"


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED", "RUNNING"])
def test_a_name_that_somebody_used_before_is_not_used_again(aws: Aws, serving: Shop, status: str) -> None:
    """Executions keep their names for 90 days, also when the stack was made anew meanwhile."""
    aws.states.executions["v2-1"], aws.states.inputs["v2-1"] = status, '{"by": "hand"}'
    serving.deploy("v2")
    serving.settle()
    assert aws.states.executions["v2-2"] == "RUNNING"
    lock = serving.lock()
    assert lock is not None
    assert lock.holder == "v2-2"


def test_a_name_in_the_ledger_is_not_used_again(serving: Shop) -> None:
    """Before this stack was made anew it had a rollout `v2-2`, which Step Functions has forgotten."""
    serving.ledger.close_rollout("v2-2", NOT_JUDGED, "the execution was stopped", serving.aws.clock.now())
    serving.promote("v2")
    assert list(serving.aws.states.executions) == ["v2-3"]


def test_a_name_that_is_used_up_between_the_look_and_the_start_leaves_no_lock(aws: Aws, serving: Shop) -> None:
    serving.deploy("v2")

    def used_up() -> None:
        aws.states.executions["v2-1"], aws.states.inputs["v2-1"] = "FAILED", '{"by": "hand"}'

    aws.interrupt("StartExecution", used_up)
    serving.settle()
    aws.before_call = None
    assert serving.unsafe() == []


# By a start


def test_a_start_by_hand_ends_a_dead_rollout_first(serving: Shop, dead: Execution) -> None:
    execution = serving.start("by-hand")
    serving.run(execution)
    assert serving.outcome(dead)[0] == NOT_JUDGED
    assert serving.outcome(execution)[0] == PROMOTED
    assert serving.unsafe() == []


def test_a_start_by_hand_beside_a_rollout_that_runs_ends_with_a_sentence(serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    second = serving.start("by-hand")
    serving.run(second)
    assert "is held by rollout v2-1, not by by-hand" in str(second.errors[0])
    serving.run(execution)
    assert execution.status == "SUCCEEDED"


# By the clock


def test_a_dead_rollout_that_nobody_restored_is_ended_by_the_clock(serving: Shop, dead: Execution) -> None:
    serving.look_for_what_was_left()
    assert serving.unsafe() == []
    assert serving.outcome(dead) == (NOT_JUDGED, "the execution was stopped")


def test_without_a_lock_and_a_landing_the_clock_reads_three_records(aws: Aws, serving: Shop) -> None:
    """The third one says whether a release that a slot holds has minimums by the clock."""
    before = len(aws.calls)
    serving.look_for_what_was_left()
    read = [call.operation for call in aws.calls[before:]]
    assert read == ["GetItem", "GetItem", "GetItem"]


def test_a_release_that_waits_without_a_lock_is_not_started_by_the_clock(serving: Shop) -> None:
    serving.settings["start_on_deploy"] = False
    serving.deploy("v2")
    serving.settle()
    serving.settings["start_on_deploy"] = True
    serving.look_for_what_was_left()
    assert serving.running() is None


@pytest.mark.parametrize("task", [*TASKS, "Promote"])
@pytest.mark.parametrize("call", range(1, 9))
def test_the_clock_leaves_a_rollout_that_runs(aws: Aws, serving: Shop, task: str, call: int) -> None:
    execution = serving.begin("v2", task)
    aws.interrupt("", serving.look_for_what_was_left, nth=call)
    execution.advance()
    aws.before_call = None
    serving.run(execution)
    assert execution.status == "SUCCEEDED"
    assert serving.unsafe() == []


def test_the_clock_leaves_a_deployment_that_runs(serving: Shop) -> None:
    for resource in serving.stack.deploying(serving.stack.template("v2")):
        lock, suspended = serving.lock(), serving.suspended()
        serving.look_for_what_was_left()
        assert (serving.lock(), serving.suspended()) == (lock, suspended), resource
    assert serving.aws.states.executions == {}


def test_a_stack_event_whose_every_delivery_died_is_made_good_by_the_clock(serving: Shop) -> None:
    serving.deploy("v2")
    serving.look_for_what_was_left()
    execution = serving.running()
    assert execution is not None
    serving.run(execution)
    assert execution.status == "SUCCEEDED"
    assert serving.unsafe() == []


@pytest.mark.parametrize("call", range(1, 14))
def test_the_clock_and_the_restore_may_come_together(aws: Aws, serving: Shop, dead: Execution, call: int) -> None:
    aws.interrupt("", lambda: serving.restore(dead.name), nth=call)
    serving.look_for_what_was_left()
    aws.before_call = None
    assert serving.unsafe() == []


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize("call", range(1, 14))
def test_a_deploy_that_begins_while_the_clock_looks_keeps_its_lock(aws: Aws, serving: Shop, call: int) -> None:
    def look() -> None:
        with suppress(RolloutError):
            serving.look_for_what_was_left()

    a_deploy_begins_while(aws, serving, look, call=call)
