"""Everything that may happen to one endpoint: what people do, and what AWS starts because of it.

Events are delivered at least once, and again (twice) when their handler fails, as Lambda does.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum, auto
from functools import partial
from typing import Any

import pytest
from rollout.contract.errors import NothingToRelease, RolloutError
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.contract.plan import Settings
from rollout.decisions.capacity import canary_floor, instances_needed

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.autoscaling.targets import VariantId
from tests.lambdas.fakes import execution as state_machine
from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import Execution, Task
from tests.lambdas.fakes.paced import brake, run_until_share
from tests.lambdas.fakes.settings import ENDPOINT, A, step
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed, scaling_id
from tests.lambdas.interleavings.record import Record, Violation
from tests.lambdas.interleavings.turns import Actor, AwsInTurns

DELIVERIES = 3
LONGEST_COURSE = 5000
REQUESTS_PER_PERIOD = 2500
ENDINGS = ("RollBack", "Promote", "restore")
BY_HAND = "by-hand"
AGAIN = " again"

SET_WEIGHTS = "UpdateEndpointWeightsAndCapacities"
FAILING = 0.1
FIRST_RAISED_PERCENT = 0.5
"""Of a paced share: between the first one and all that come after a raise."""

Event = tuple[str, ...]


class Change(StrEnum):
    """How a paced share came to be."""

    FIRST = auto()
    RAISED = auto()
    LOWERED = auto()


class Held(StrEnum):
    """Where a rollout stands beside its hold-back."""

    BEGINS = auto()
    """The last step has passed, and the release is promoted with its next task."""
    LASTS = auto()
    IS_OVER = auto()
    """Its time is over, and the release gets the rest."""


Moment = int | Change | Held

FIXED = tuple(step(percent, bake_seconds=60) for percent in (10, 50, 100))
PACED = (step(10, passes="budget", bake_seconds=0, max_bake_seconds=3600), step(100, bake_seconds=60))
HELD = len(FIXED)
"""The number of the hold-back among the fixed steps."""
HOLD_BACK = {"percent": 2, "duration_seconds": 600, "interval_seconds": 120}


class Course:
    """One endpoint, and everything that is under way.

    Attributes:
        violated: whether anything forbidden was found.
        events: those that AWS has to deliver yet.
        delivered: those that it may deliver again.
    """

    def __init__(
        self,
        steps: Sequence[dict[str, Any]],
        *,
        harm_budget: float | None = None,
        hold_back: Mapping[str, int] | None = None,
    ) -> None:
        self._resources = ExitStack()
        self.aws = AwsInTurns()
        self._resources.enter_context(connected(self.aws))
        self.shop = Shop(self.aws, steps=tuple(steps), harm_budget=harm_budget)
        self.shop.plan |= {} if hold_back is None else {"hold_back": hold_back}
        self.shop.requests_per_period = REQUESTS_PER_PERIOD
        self.record = self._new_record()
        self.violated = False
        self.events: list[Event] = []
        self.delivered: list[Event] = []
        self._advancing: dict[str, Actor] = {}
        self._deploying: Actor | None = None
        self._versions = 1
        self._deployed: list[str] = []
        patch = self._resources.enter_context(pytest.MonkeyPatch.context())
        for name, task in state_machine.TASKS.items():
            patch.setitem(state_machine.TASKS, name, self._noted(name, task))

    def _new_record(self) -> Record:
        return Record(self.aws, wanted=self._wanted, needed=self._needed)

    def close(self) -> None:
        """End everything, also what is half done."""
        self.aws.turns.abandon()
        self._resources.close()

    def begin_release(self, task: str, moment: Moment) -> None:
        """Let the next release be deployed and rolled out until this task is next.

        `moment`: of this traffic step, after this change of a paced share, or then in a hold-back.
        """
        version = self._next_version()
        if isinstance(moment, Change):
            self._run_until_changed(self.shop.begin(version, "ScaleCanary"), task, moment)
        elif isinstance(moment, Held):
            self._run_until_held(self.shop.begin(version, "Promote", index=HELD - 1), task, moment)
        else:
            self.shop.begin(version, task, index=moment)
        self.shop.wait_until_quiet()
        self.look()

    def _next_version(self) -> str:
        """Return a version that is deployed now, with nothing in its way."""
        self.calm()
        self.aws.heal()
        self.canary_is_well()
        self.aws.sagemaker.faults.weight_rollbacks.clear()
        self._versions += 1
        version = f"v{self._versions}"
        self._deployed.append(version)
        return version

    def _run_until_changed(self, execution: Execution, task: str, change: Change) -> None:
        if change is not Change.FIRST:
            run_until_share(self.shop, execution, FIRST_RAISED_PERCENT, until="ScaleCanary")
        if change is Change.LOWERED:
            run_until_share(self.shop, execution, FIRST_RAISED_PERCENT)
            brake(self.shop, execution)
        self.shop.run(execution, task)
        assert execution.task == task, execution.failure

    def _run_until_held(self, execution: Execution, task: str, moment: Held) -> None:
        if moment is not Held.BEGINS:
            self.shop.run(execution, "ScaleCanary")
        if moment is Held.IS_OVER:
            self.shop.run(execution, "Evaluate")
            self.shop.run(execution, "ScaleCanary")
        self.shop.run(execution, task)
        assert execution.task == task, execution.failure

    def _wanted(self, execution: str) -> float:
        """Return the share, in percent, that a rollout wants now."""
        percent: float = self.shop.execution(execution).step["exposure"]["percent"]
        return percent

    def _needed(self, percent: float) -> int:
        """Return how many instances the canary needs at a share, in percent."""
        scaling = Settings.parse(self.shop.settings).scaling
        return canary_floor(instances_needed(self.shop.requests_per_period, scaling), percent, scaling)

    # Turns

    @property
    def under_way(self) -> list[Actor]:
        """Return what was begun and is not over."""
        return self.aws.turns.under_way

    def begin(self, happening: str) -> Actor | None:
        """Let something begin, if it can happen now; it makes no call before it gets a turn."""
        actor = self.happenings()[happening]()
        self.look()
        return actor

    def go_on(self, actor: Actor | None, turns: int) -> None:
        """Give some turns to one."""
        for _ in range(turns):
            if actor is None or actor.over:
                return
            self.aws.turns.give(actor)
            self.look()

    def go_on_until(self, actor: Actor | None, operation: str) -> None:
        """Give turns to one until this call is its next, or it is over."""
        while actor is not None and not actor.over and self.aws.next_call(actor) != operation:
            self.go_on(actor, 1)

    def finish(self, actor: Actor | None) -> None:
        """Give turns to one until it is over."""
        self.go_on(actor, LONGEST_COURSE)

    def finish_all(self) -> None:
        """Let everything that is under way end, in the order of time."""
        while self.under_way:
            self.go_on(min(self.under_way, key=lambda each: each.due), 1)

    def come_to_rest(self) -> None:
        """Let everything end and every event be delivered, and nothing more; then judge what is left."""
        self.calm()
        for _ in range(LONGEST_COURSE):
            self.finish_all()
            if self.begin("event") is None and self.begin("task") is None:
                break
        else:
            self._judge(["the endpoint does not come to rest"])
        self.look()
        self._judge_rest()

    # What may happen

    def happenings(self) -> Mapping[str, Callable[[], Actor | None]]:
        """Return what may happen, by name."""
        return {name: partial(happening, self) for name, happening in HAPPENINGS.items()}

    def task(self) -> Actor | None:
        """The state machine goes on: its next task, and the wait after it."""
        for execution in self._running():
            if execution.name not in self._advancing:
                self.shop.serve()
                actor = self._begin(f"{execution.task} of {execution.name}", partial(self._advance, execution))
                self._advancing[execution.name] = actor
                return actor
        return None

    def task_again(self) -> Actor | None:
        """A second invocation of the present task, as when the answer of the first is lost."""
        for execution in self._running():
            if execution.task:
                return self._begin(f"{execution.task} of {execution.name}{AGAIN}", execution.invocation())
        return None

    def stop(self) -> None:
        """Somebody stops the execution; its Lambda runs on."""
        for execution in self._running():
            self.shop.stop(execution)
            self.events.append(("restore", execution.name, "ABORTED"))

    def abort(self) -> Actor | None:
        """An operator orders the exposure to zero, for the rollout to do it."""
        lock = self.record.lock()
        if lock is None or lock.kind != ROLLOUT:
            return None
        return self._begin(
            f"abort of {lock.holder}",
            lambda: self.shop.ledger.halt(lock.holder, "an operator said so", self.aws.clock.now()),
        )

    def alarm(self) -> Actor | None:
        """An alarm of the caller goes off, and its event is delivered."""
        self.aws.cloudwatch.alarms["business"] = "ALARM"
        return self._deliver(("panic", "business"))

    def calm(self) -> None:
        """The alarm is over."""
        self.aws.cloudwatch.alarms["business"] = "OK"

    def event(self) -> Actor | None:
        """AWS delivers the oldest event."""
        return self._deliver(self.events.pop(0)) if self.events else None

    def last_event(self) -> Actor | None:
        """AWS delivers the newest event first."""
        return self._deliver(self.events.pop()) if self.events else None

    def event_again(self) -> Actor | None:
        """AWS delivers the newest event once more."""
        return self._deliver(self.delivered[-1]) if self.delivered else None

    def another_event_again(self) -> Actor | None:
        """AWS delivers the event before that once more."""
        return self._deliver(self.delivered[-2]) if len(self.delivered) > 1 else None

    def deploy(self) -> Actor | None:
        """Somebody deploys the next release."""
        self.calm()
        self._versions += 1
        return self._deploy(f"v{self._versions}")

    def deploy_the_first_again(self) -> Actor | None:
        """Somebody sets the release back."""
        return self._deploy("v1")

    def start_by_hand(self) -> None:
        """Somebody starts an execution."""
        self.shop.start(f"{BY_HAND}-{len(self.aws.states.executions)}")

    def another_hand(self) -> None:
        """Somebody else sets the weights of a rollout."""
        lock = self.record.lock()
        if lock is None or lock.kind != ROLLOUT or lock.sealed or not lock.canary or self.record.is_live(*ENDINGS):
            return
        try:
            self.shop.set_weights(a=60, b=40)
        except ApiError:
            return
        self.record.another_hand()

    def clock(self) -> Actor:
        """A quarter of an hour has passed since the lock was looked at."""
        actor = self._begin("clock", lambda: self._handle(self.shop.look_for_what_was_left, actor))
        return actor

    def scale(self) -> None:
        """Dynamic scaling adds an instance."""
        variant = VariantId.parsed(scaling_id(A))
        self.aws.sagemaker.scaling.set_count(variant, self.record.variants()[A].current_count + 1, cause="more traffic")

    def weights_throttled(self) -> None:
        """SageMaker will refuse the next change of weights, because there are too many calls."""
        self.aws.fail(SET_WEIGHTS, THROTTLED)

    def answer_lost(self) -> None:
        """The next change of weights has its effect, and its caller is not told."""
        self.aws.fail(SET_WEIGHTS, UNAVAILABLE, after_effect=True)

    def canary_fails(self) -> None:
        """The canary fails a part of its requests from now on."""
        self.shop.failure_rates = dict.fromkeys(self._canary(), FAILING)

    def canary_is_well(self) -> None:
        """It fails none any more."""
        self.shop.failure_rates = {}

    def _canary(self) -> list[str]:
        lock = self.record.lock()
        return [lock.canary] if lock is not None and lock.canary else []

    def weights_fall_back(self) -> None:
        """SageMaker will undo the next change of weights."""
        self.aws.sagemaker.faults.weight_rollbacks.add(ENDPOINT)

    # How it goes on

    def _begin(self, name: str, play: Callable[[], object]) -> Actor:
        actor = Actor(name, play, self.aws.clock.now())
        self.under_way.append(actor)
        return actor

    def _running(self) -> list[Execution]:
        states = self.aws.states.executions
        return [self.shop.execution(name) for name, status in states.items() if status == "RUNNING"]

    def _advance(self, execution: Execution) -> None:
        try:
            execution.advance()
        finally:
            del self._advancing[execution.name]
        if execution.status == "FAILED":
            self.events.append(("restore", execution.name, "FAILED"))

    def _noted(self, name: str, task: Task) -> Task:
        def invoked(event: dict[str, Any], context: Any) -> dict[str, Any]:
            with self.record.invocation(name, event["execution"]):
                answer = task(event, context)
            if name == "RollBack" and answer["safe"] and not answer["promoted"]:
                self.record.seen_at_zero(event["execution"])
            return answer

        return invoked

    def _deliver(self, event: Event) -> Actor:
        if event in self.delivered:
            self.delivered.remove(event)
        self.delivered.append(event)
        kind, *arguments = event
        actor = self._begin(" ".join(event), lambda: self._handle(lambda: getattr(self.shop, kind)(*arguments), actor))
        return actor

    def _handle(self, invoke: Callable[[], None], actor: Actor) -> None:
        for delivery in range(1, DELIVERIES + 1):
            try:
                with self.record.invocation(actor.name.partition(" ")[0], ""):
                    invoke()
            except RolloutError:
                if delivery == DELIVERIES:
                    raise
                self.aws.wait(60 * delivery)
            else:
                break
        for execution in self.record.halted_by(actor):
            self.record.seen_at_zero(execution)

    def _deploy(self, version: str) -> Actor | None:
        deployed = self.shop.stack.deployed
        if self._deploying is not None or (deployed is not None and deployed.template.version == version):
            return None
        self._deploying = self._begin(f"deploy of {version}", lambda: self._deployment(version))
        return self._deploying

    def _deployment(self, version: str) -> None:
        stack = self.shop.stack
        try:
            for resource in stack.deploying(stack.template(version)):
                if resource == "Config":
                    self.record.deployment = f"request-{stack._requests}"
                self.aws.wait(1)
            self._deployed.append(version)
        except DeployFailed:
            pass
        finally:
            self.record.deployment = ""
            self._deploying = None
        self.events.append(("settle", self.aws.stacks.status))

    # Judging

    def look(self) -> None:
        """Raise for anything that the invariants forbid.

        Raises:
            Violation: with what happened.
        """
        self.record.look()
        found = [*self.record.violations, *self._blunders(), *self._second_rollouts()]
        self._judge(found)

    def _blunders(self) -> list[str]:
        """Return what no handler may end with: anything without a name, and a last delivery of an event in vain."""
        errors = [(name, error) for name, each in self.shop.executions.items() for error in each.errors]
        nameless = [(name, error) for name, error in errors if not isinstance(error, RolloutError)]
        ended = [(actor.name, actor.error) for actor in self.aws.turns.failed if not _expected(actor)]
        return [f"{name}: {error!r}" for name, error in [*nameless, *ended]]

    def _second_rollouts(self) -> list[str]:
        """Return the releases that were rolled out more often than they were deployed."""
        started = Counter(name.rpartition("-")[0] for name in self.aws.states.executions if BY_HAND not in name)
        deployed = Counter(self._deployed)
        return [f"{version} was rolled out twice" for version in started if started[version] > deployed[version]]

    def _judge_rest(self) -> None:
        """Raise for anything that is not as it must be when everything that was begun has come to its end."""
        found = [*self.shop.unsafe(), *self._wrong_endings()]
        self._judge([f"at rest: {each}" for each in found])

    def _wrong_endings(self) -> list[str]:
        """Return the rollouts of which the ledger does not say how they ended, or not what the endpoint says."""
        found, last_promoted = [], "v1"
        for name, status in self.aws.states.executions.items():
            record = self.shop.ledger.rollout(name) or {}
            outcome = record.get("outcome")
            if status == "SUCCEEDED" and self._had_nothing_to_release(name):
                continue
            possible = {PROMOTED} if status == "SUCCEEDED" else {PROMOTED, ROLLED_BACK, NOT_JUDGED}
            if outcome not in possible or not record.get("reason") or self._is_against_what_happened(name, record):
                found.append(f"{name} {status}: {record}")
            elif outcome == PROMOTED:
                last_promoted = record["version"]
        for slot, variant in self.record.variants().items():
            held = self.shop.ledger.release_in(variant.model_name)
            if variant.current_weight > 0 and (held is None or held.version != last_promoted):
                found.append(f"{slot} serves {held}, and {last_promoted} was promoted last")
        return found

    def _is_against_what_happened(self, name: str, record: Mapping[str, Any]) -> bool:
        """Tell whether a rollout is promoted against an alarm or a gate, or lost its promotion to anything else."""
        if name in self.record.against:
            return record["outcome"] == PROMOTED
        return bool(record.get("promoted_at")) and record["outcome"] != PROMOTED

    def _had_nothing_to_release(self, name: str) -> bool:
        """Tell whether a rollout found nothing to release; then the ledger has no record of it."""
        ended = self.shop.execution(name).errors
        found = bool(ended) and isinstance(ended[-1], NothingToRelease)
        return found and self.shop.ledger.rollout(name) is None

    def _judge(self, found: list[str]) -> None:
        if found:
            self.violated = True
            raise Violation("; ".join(found))


def _expected(actor: Actor) -> bool:
    """Tell whether this error is one with which something may end: that of a task that was invoked twice."""
    return isinstance(actor.error, RolloutError) and actor.name.endswith(AGAIN)


HAPPENINGS: dict[str, Callable[[Course], Actor | None]] = {
    "task": Course.task,
    "task again": Course.task_again,
    "stop": Course.stop,
    "abort": Course.abort,
    "alarm": Course.alarm,
    "calm": Course.calm,
    "event": Course.event,
    "last event": Course.last_event,
    "event again": Course.event_again,
    "another event again": Course.another_event_again,
    "deploy": Course.deploy,
    "deploy the first again": Course.deploy_the_first_again,
    "start by hand": Course.start_by_hand,
    "another hand": Course.another_hand,
    "clock": Course.clock,
    "scale": Course.scale,
    "weights fall back": Course.weights_fall_back,
    "weights throttled": Course.weights_throttled,
    "answer lost": Course.answer_lost,
    "canary fails": Course.canary_fails,
    "canary is well": Course.canary_is_well,
}
