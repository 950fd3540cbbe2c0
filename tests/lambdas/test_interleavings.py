"""Whole handlers in any order, each of them interrupted before any of its AWS calls by another one.

After every action: a slot that serves keeps its model, and only the shift handler raised an exposure. When everything
that was begun has come to its end: one slot serves, the floors are those of the roles, scaling is not suspended, the
lock is free, and the ledger says why.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rollout.errors import RolloutError
from rollout.ledger import PROMOTED, ROLLED_BACK
from rollout.plan import SLOTS

from canary_tools.sandbox.sagemaker.endpoint import Endpoint
from canary_tools.sandbox.sagemaker.errors import ApiError
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed

EXPECTED = (RolloutError, ApiError, DeployFailed)
ALARMS = ("a-errors", "b-errors", "business")


class Watch:
    """Looks at every change of the endpoint and at every order of weights."""

    def __init__(self, aws: Aws, shop: Shop) -> None:
        self.violations: list[str] = []
        self._aws = aws
        self._shop = shop
        self._before: dict[str, tuple[str, float]] = {}
        aws.sagemaker.endpoints.on_change.append(self._changed)
        self._answer, aws.answer = aws.answer, self._watched  # type: ignore[method-assign]

    def _changed(self, endpoint: Endpoint) -> None:
        if endpoint.fleet is None:
            return
        now = {name: (each.model_name, each.current_weight) for name, each in endpoint.fleet.variants.items()}
        for slot, (model, weight) in self._before.items():
            if weight > 0 and now[slot][0] != model:
                self.violations.append(f"{slot} served {model} at {weight} and holds {now[slot][0]} now")
        self._before = now

    def _watched(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "UpdateEndpointWeightsAndCapacities" and not _called_by("shift_traffic.py"):
            self._must_not_raise({row["VariantName"]: row["DesiredWeight"] for row in parameters[_ROWS]})
        return self._answer(service, operation, parameters)

    def _must_not_raise(self, asked: dict[str, float]) -> None:
        lock = self._shop.lock()
        if lock is not None and lock.canary and asked[lock.canary] > self._shop.weights()[lock.canary]:
            self.violations.append(f"exposure rose to {asked} outside of the shift handler")


_ROWS = "DesiredWeightsAndCapacities"


def _called_by(file_name: str) -> bool:
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith(file_name):
            return True
        frame = frame.f_back
    return False


class Interleavings(RuleBasedStateMachine):
    """Everything that people and AWS may do to one endpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._resources = ExitStack()
        self.aws = self._resources.enter_context(connected())
        self.shop = Shop(self.aws)
        self.watch = Watch(self.aws, self.shop)
        self.versions = 1
        self.deploying: Iterator[str] | None = None
        self.settled: list[str] = []
        self.ended: list[Execution] = []
        self.other_hand = False

    @initialize()
    def first_release(self) -> None:
        self.shop.serve_first()

    # What may happen

    def _running(self) -> list[Execution]:
        """Return what runs: one that was started by hand may run beside the one that has the lock, for a moment."""
        states = self.aws.states.executions
        return [self.shop.execution(name) for name, status in states.items() if status == "RUNNING"]

    def _go_on(self) -> None:
        for execution in self._running():
            self.shop.serve()
            execution.advance()
            self._note_end(execution)

    def _note_end(self, execution: Execution) -> None:
        if execution.status == "FAILED":
            self.ended.append(execution)

    def _repeat(self) -> None:
        """A Lambda of any execution runs late, or once more."""
        for execution in self.shop.executions.values():
            if execution.task:
                execution.repeat()

    def _stop(self) -> None:
        for execution in self._running():
            self.shop.stop(execution)
            self.ended.append(execution)

    def _restore(self) -> None:
        for execution in self.ended:
            self.shop.restore(execution.name, execution.status)

    def _stop_and_restore(self) -> None:
        self._stop()
        self._restore()

    def _halt(self) -> None:
        lock = self.shop.lock()
        if lock is not None:
            self.shop.ledger.halt(lock.holder, "an operator said so", self.aws.clock.now())

    def _panic(self) -> None:
        for alarm in ALARMS:
            self.shop.panic(alarm, milliseconds=60_000)

    def _settle(self) -> None:
        self.shop.settle()

    def _start_by_hand(self) -> None:
        if not self._running():
            self.shop.start(f"by-hand-{len(self.aws.states.executions)}")

    def _deploy(self) -> None:
        if self.deploying is None:
            self.versions += 1
            self.deploying = self.shop.stack.deploying(self.shop.stack.template(f"v{self.versions}"))
        self._go_on_deploying()

    def _go_on_deploying(self) -> None:
        assert self.deploying is not None
        try:
            next(self.deploying)
        except StopIteration:
            self.deploying = None
        except DeployFailed:
            self.deploying = None

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "go on": self._go_on, "repeat": self._repeat, "stop": self._stop, "restore": self._restore,
            "stop and restore": self._stop_and_restore,
            "halt": self._halt, "panic": self._panic, "settle": self._settle, "by hand": self._start_by_hand,
            "deploy": self._deploy,
        }  # fmt: skip

    def _do(self, name: str) -> None:
        with suppress(*EXPECTED):
            self._actions()[name]()

    # Rules

    @rule(name=st.sampled_from(["go on", "go on", "go on", "repeat", "stop", "restore", "halt", "settle", "deploy"]))
    def act(self, name: str) -> None:
        self._do(name)

    @rule(
        name=st.sampled_from(["go on", "repeat", "restore", "panic", "settle", "deploy"]),
        by=st.sampled_from(
            ["go on", "repeat", "stop and restore", "stop", "restore", "halt", "panic", "settle", "by hand", "deploy"]
        ),
        nth=st.integers(1, 8),
    )
    def act_interrupted(self, name: str, by: str, nth: int) -> None:
        if name == by and name in ("go on", "deploy"):
            return
        self.aws.interrupt("", lambda: self._do(by), nth=nth)
        self._do(name)
        self.aws.before_call = None

    @rule(
        task=st.sampled_from(["Prepare", "ScaleCanary", "ShiftTraffic", "Evaluate", "Promote"]),
        by=st.sampled_from(["stop and restore", "stop and restore", "panic", "halt", "settle", "repeat"]),
        nth=st.integers(1, 6),
    )
    def a_task_of_a_rollout_is_interrupted(self, task: str, by: str, nth: int) -> None:
        if not self._running() and self.deploying is None:
            self._start_a_rollout()
        for execution in self._running():
            with suppress(*EXPECTED):
                self.shop.run(execution, task)
        self.aws.interrupt("", lambda: self._do(by), nth=nth)
        self._do("go on")
        self.aws.before_call = None

    def _start_a_rollout(self) -> None:
        self.aws.cloudwatch.alarms.update(dict.fromkeys(ALARMS, "OK"))
        self._do("deploy")
        while self.deploying is not None:
            self._do("deploy")
        self._do("settle")

    @rule(tasks=st.integers(5, 40))
    def let_the_rollout_go_on(self, tasks: int) -> None:
        for _ in range(tasks):
            self._do("go on")

    @rule()
    def let_the_deploy_finish(self) -> None:
        while self.deploying is not None:
            self._do("deploy")
        self._do("settle")

    @precondition(lambda self: self.deploying is None)
    @rule(weights=st.sampled_from([(100, 0), (0, 100), (50, 50), (90, 10), (1, 0)]))
    def another_hand_sets_weights(self, weights: tuple[int, int]) -> None:
        with suppress(ApiError):
            self.shop.set_weights(a=weights[0], b=weights[1])
            self.other_hand = True

    @rule(seconds=st.sampled_from([1, 30, 300]))
    def wait(self, seconds: int) -> None:
        self.aws.wait(seconds)

    @rule(alarm=st.sampled_from(ALARMS), state=st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]))
    def set_alarm(self, alarm: str, state: str) -> None:
        self.aws.cloudwatch.alarms[alarm] = state

    # What always holds

    @invariant()
    def nothing_forbidden_happened(self) -> None:
        assert self.watch.violations == []

    @invariant()
    def no_handler_failed_for_want_of_thought(self) -> None:
        errors = [error for execution in self.shop.executions.values() for error in execution.errors]
        assert [error for error in errors if not isinstance(error, RolloutError)] == []

    def teardown(self) -> None:
        try:
            self._come_to_rest()
            assert self.watch.violations == []
        finally:
            self._resources.close()

    def _come_to_rest(self) -> None:
        """Let everything that was begun end, and every event be delivered."""
        while self.deploying is not None:
            self._do("deploy")
        self.shop.wait_until_quiet()
        self._one_hand_again()
        for _ in range(3):
            self._run_to_the_end()
            self._do("restore")
            self._do("settle")
        self._run_to_the_end()
        self._do("restore")
        assert self.shop.unsafe() == []
        self._ledger_says_why()

    def _run_to_the_end(self) -> None:
        for execution in self._running():
            self.shop.run(execution)
            self._note_end(execution)

    def _one_hand_again(self) -> None:
        lock = self.shop.lock()
        if self.other_hand and (lock is None or not lock.canary) and len(self.shop.view().serving_slots()) != 1:
            self.shop.set_weights(a=100, b=0)
            self.shop.wait_until_quiet()

    def _ledger_says_why(self) -> None:
        for name, status in self.aws.states.executions.items():
            record = self.shop.ledger.rollout(name)
            assert record is not None, name
            assert record["outcome"] == PROMOTED if status == "SUCCEEDED" else record["outcome"] in ENDS, record
            assert record["reason"]
        if not self.other_hand:
            (serving,) = [slot for slot in SLOTS if self.shop.weights()[slot] > 0]
            held = self.shop.ledger.release_in(self.shop.models()[serving])
            assert held is not None
            known = self.shop.ledger.release(held.version)
            assert known is not None
            assert known.outcome == PROMOTED, (held, serving)


ENDS = (PROMOTED, ROLLED_BACK)

TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
