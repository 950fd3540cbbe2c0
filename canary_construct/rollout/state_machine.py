"""The state machine of one endpoint: a loop over traffic steps in which every failure leads to the rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Tags
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct
from rollout.contract.errors import DECIDED, WAITED_FOR, NothingToRelease
from rollout.contract.names import ROLLED_BACK
from rollout.contract.states import Next
from rollout.contract.timing import (
    CRASH_FIRST_PAUSE_SECONDS,
    CRASH_REPETITIONS,
    OUTAGE_FIRST_PAUSE_SECONDS,
    OUTAGE_LONGEST_PAUSE_SECONDS,
    OUTAGE_REPETITIONS,
    ROLLBACK_REPETITIONS,
)

from canary_construct.cdk.lazy import lazy_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canary_construct.handlers.functions import Handlers
    from canary_construct.rollout.plan import RolloutPlan

TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    *WAITED_FOR,
]
"""What passes by itself.
Source of the Lambda errors: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html"""
TIMED_OUT = ["Sandbox.Timedout", "States.Timeout"]
"""That of the function, and that of the task. A handler that is not done in its minute met services that take calls and
do not answer, and is waited for as they are. One that may run for a quarter of an hour sees the end of its time come.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
POLL = "$.plan.poll_seconds"


class RolloutStateMachine(Construct):
    """Prepare → smoke test → for each step: scale, shift, evaluate → promote; from everywhere → roll back.

    A hold-back is one more step, after the promotion. The rollout is promoted again at its end.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        handlers: Handlers,
        plan: RolloutPlan,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._handlers = handlers
        self._promoted = sfn.Succeed(self, "Promoted")
        self._rollback = self._roll_back(holds_back=plan.hold_back is not None)
        self.state_machine = sfn.StateMachine(
            self,
            "Resource",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_chainable(self._definition(plan)),
            role=handlers.state_machine_role.without_policy_updates(),
            logs=sfn.LogOptions(destination=handlers.rollout_log, level=sfn.LogLevel.ALL),
            tracing_enabled=True,
            comment="Rolls a model release out step by step, and back on alarm",
        )
        self.state_machine.node.add_dependency(handlers.state_machine_role)
        for key, value in tags.items():
            Tags.of(self.state_machine).add(key, value)

    def _definition(self, plan: RolloutPlan) -> sfn.Chain:
        state = {
            "plan": lazy_value(lambda: plan.current().to_json()),
            "rollout": {},
            "step": {"index": 0},
            "end": {"tries": 0},
        }
        begin = sfn.Pass(self, "Plan", result=sfn.Result.from_object(state))
        nothing = sfn.Succeed(self, NothingToRelease.__name__)
        prepare = self._task("Prepare", result_path="$.rollout", caught={NothingToRelease.__name__: nothing})
        scale = self._task("ScaleCanary", result_path="$.step")
        shift = self._task("ShiftTraffic", result_path="$.step", timeout_minutes=15)
        bake = self._wait("Bake", "$.step.look_after")
        evaluate = self._task("Evaluate", result_path="$.step")
        promote = self._task("Promote", result_path="$.promotion")

        first = scale if plan.smoke_test is None else self._smoke_test(scale)
        prepare.next(self._ask("IsPrepared", "$.rollout.ready", yes=first, no=self._again("WaitForQuiet", prepare)))
        more = self._again("WaitForInstances", scale, "$.step.look_after")
        scale.next(self._ask("HasInstances", "$.step.ready", yes=shift, no=more))
        has_weights = sfn.Choice(self, "HasWeights")
        has_weights.when(sfn.Condition.boolean_equals("$.step.in_place", value=True), bake)
        has_weights.when(sfn.Condition.boolean_equals("$.step.waits_to_begin", value=True), more)
        shift.next(has_weights.otherwise(self._again("WaitForWeights", shift, "$.step.look_after")))
        bake.next(evaluate)
        following = self._next_step(scale)
        has_passed = (
            sfn.Choice(self, "HasPassed")
            .when(sfn.Condition.string_equals("$.step.next", Next.NEXT_STEP), following)
            .when(sfn.Condition.string_equals("$.step.next", Next.RAISE), scale)
            .when(sfn.Condition.string_equals("$.step.next", Next.LOWER), shift)
            .when(sfn.Condition.string_equals("$.step.next", Next.PROMOTE), promote)
        )
        if plan.hold_back is None:
            promote.next(self._promoted)
        else:
            held = self._wait("HoldBack", "$.plan.hold_back.interval_seconds").next(evaluate)
            has_passed.when(sfn.Condition.string_equals("$.step.next", Next.HOLD_BACK), held)
            promote.next(self._ask("HoldsBack", "$.promotion.holds_back", yes=following, no=self._promoted))
        evaluate.next(has_passed.otherwise(bake))
        return begin.next(prepare)

    def _smoke_test(self, following: sfn.IChainable) -> tasks.LambdaInvoke:
        task = self._task("SmokeTest", result_path="$.smoke_test", timeout_minutes=15)
        task.next(following)
        return task

    def _next_step(self, following: sfn.IChainable) -> sfn.Chain:
        kept = {
            "index": sfn.JsonPath.math_add(sfn.JsonPath.number_at("$.step.index"), 1),
            "exposure": sfn.JsonPath.object_at("$.step.exposure"),
            "judged": sfn.JsonPath.object_at("$.step.judged"),
            "bracketed": sfn.JsonPath.object_at("$.step.bracketed"),
            "next_period": sfn.JsonPath.number_at("$.step.next_period"),
            "held_seconds": sfn.JsonPath.number_at("$.step.held_seconds"),
            "held_before": sfn.JsonPath.number_at("$.step.held_seconds"),
        }
        return sfn.Pass(self, "NextStep", parameters=kept, result_path="$.step").next(following)

    def _ask(self, name: str, path: str, *, yes: sfn.IChainable, no: sfn.IChainable) -> sfn.Choice:
        return sfn.Choice(self, name).when(sfn.Condition.boolean_equals(path, value=True), yes).otherwise(no)

    def _again(self, name: str, task: sfn.IChainable, seconds_path: str = POLL) -> sfn.Chain:
        return self._wait(name, seconds_path).next(task)

    def _roll_back(self, *, holds_back: bool) -> sfn.Chain:
        step = {"step": {"index": sfn.JsonPath.number_at("$.step.index")}} if holds_back else {}
        task = tasks.LambdaInvoke(
            self,
            "RollBack",
            lambda_function=self._handlers["RollBack"],
            payload=_payload(
                {
                    "rollout": sfn.JsonPath.object_at("$.rollout"),
                    "failure": _FAILURE,
                    "end": sfn.JsonPath.object_at("$.end"),
                    **step,
                }
            ),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_path="$.end",
            task_timeout=sfn.Timeout.duration(Duration.minutes(15)),
        )
        task.add_retry(errors=["NotRestored", "PayloadTooNew"], max_attempts=0)
        task.add_retry(
            errors=["States.ALL"], interval=Duration.seconds(2), max_attempts=ROLLBACK_REPETITIONS, backoff_rate=1.5,
            max_delay=Duration.minutes(5), jitter_strategy=sfn.JitterType.NONE,
        )  # fmt: skip
        given_up = sfn.Fail(self, "NotRestored", error_path="$.failure.Error", cause_path="$.not_restored.Cause")
        died = sfn.Fail(self, "RollBackDied", error_path="$.failure.Error", cause_path="$.failure.Cause")
        task.add_catch(given_up, errors=["NotRestored"], result_path="$.not_restored")
        task.add_catch(died, errors=["States.ALL"], result_path="$.not_restored")
        rolled_back = sfn.Fail(self, "RolledBack", error_path="$.end.error", cause_path="$.end.reason")
        not_judged = sfn.Fail(self, "NotJudged", error_path="$.end.error", cause_path="$.end.reason")
        judged = sfn.Choice(self, "IsJudged").when(
            sfn.Condition.string_equals("$.end.outcome", ROLLED_BACK), rolled_back
        )
        ended = self._ask("IsPromoted", "$.end.promoted", yes=self._promoted, no=judged.otherwise(not_judged))
        again = self._again("WaitForRollback", task)
        return task.next(self._ask("IsSafe", "$.end.safe", yes=ended, no=again))

    def _task(
        self,
        name: str,
        *,
        result_path: str,
        timeout_minutes: int = 1,
        caught: Mapping[str, sfn.IChainable] | None = None,
    ) -> tasks.LambdaInvoke:
        task = tasks.LambdaInvoke(
            self,
            name,
            lambda_function=self._handlers[name],
            payload=_payload({"step": sfn.JsonPath.object_at("$.step")}),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_path=result_path,
            task_timeout=sfn.Timeout.duration(Duration.minutes(timeout_minutes)),
        )
        _repeat_what_was_not_decided(task, waited_for=TRANSIENT if timeout_minutes > 1 else [*TRANSIENT, *TIMED_OUT])
        for errors, state in (caught or {}).items():
            task.add_catch(state, errors=[errors], result_path="$.failure")
        task.add_catch(self._rollback, errors=["States.ALL"], result_path="$.failure")
        return task

    def _wait(self, name: str, seconds_path: str) -> sfn.Wait:
        return sfn.Wait(self, name, time=sfn.WaitTime.seconds_path(seconds_path))


def _repeat_what_was_not_decided(task: tasks.LambdaInvoke, *, waited_for: Sequence[str]) -> None:
    """Ask again while AWS is away, and after a Lambda that died: handlers look at the world before they change it.

    The pauses have no jitter, so that the patience has a known length; the clients of the handlers have their own.
    """
    task.add_retry(errors=list(DECIDED), max_attempts=0)
    task.add_retry(
        errors=[*waited_for], interval=Duration.seconds(OUTAGE_FIRST_PAUSE_SECONDS), max_attempts=OUTAGE_REPETITIONS,
        backoff_rate=2, max_delay=Duration.seconds(OUTAGE_LONGEST_PAUSE_SECONDS), jitter_strategy=sfn.JitterType.NONE,
    )  # fmt: skip
    task.add_retry(
        errors=["States.ALL"], interval=Duration.seconds(CRASH_FIRST_PAUSE_SECONDS), max_attempts=CRASH_REPETITIONS,
        backoff_rate=2, jitter_strategy=sfn.JitterType.NONE,
    )  # fmt: skip


_FAILURE = {"Error": sfn.JsonPath.string_at("$.failure.Error"), "Cause": sfn.JsonPath.string_at("$.failure.Cause")}


def _payload(extra: Mapping[str, Any]) -> sfn.TaskInput:
    return sfn.TaskInput.from_object(
        {
            "plan": sfn.JsonPath.object_at("$.plan"),
            "execution": sfn.JsonPath.string_at("$$.Execution.Name"),
            "started_at": sfn.JsonPath.string_at("$$.Execution.StartTime"),
            **extra,
        }
    )
