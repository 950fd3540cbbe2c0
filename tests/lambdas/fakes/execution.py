"""Step Functions' part: one execution that calls the handlers in the order of the state machine.

`tests/infrastructure` proves the order of the real definition; here it only has to be driven task by task.
"""

import json
from collections.abc import Callable
from typing import Any

from rollout import clock
from rollout.contract.errors import DECIDED, WAITED_FOR, NothingToRelease, NotRestored
from rollout.contract.timing import (
    CRASH_REPETITIONS,
    OUTAGE_LONGEST_PAUSE_SECONDS,
    OUTAGE_REPETITIONS,
    ROLLBACK_REPETITIONS,
)
from rollout.handlers import evaluate, prepare, promote, roll_back, scale_canary, shift_traffic, smoke_test

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.context import LAMBDA_MILLISECONDS, FakeContext

Task = Callable[[dict[str, Any], FakeContext], dict[str, Any]]
TASKS: dict[str, Task] = {
    "Prepare": prepare.handler,
    "SmokeTest": smoke_test.handler,
    "ScaleCanary": scale_canary.handler,
    "ShiftTraffic": shift_traffic.handler,
    "Evaluate": evaluate.handler,
    "Promote": promote.handler,
    "RollBack": roll_back.handler,
}
KEPT = ("exposure", "judged", "bracketed", "next_period")
RESULTS = {
    "Prepare": "rollout", "ScaleCanary": "step", "ShiftTraffic": "step", "Evaluate": "step", "RollBack": "end",
}  # fmt: skip


class Execution:
    """One rollout.

    Attributes:
        task: the next one; empty when the execution is over.
        errors: every exception of a task.
        failure: why it rolls back, as a Catch hands it over.
    """

    def __init__(self, aws: Aws, name: str, plan: dict[str, Any]) -> None:
        self._aws = aws
        self.name = name
        self.task = "Prepare"
        self.failure: dict[str, str] | None = None
        self.tries = 0
        self._busy = False
        self.errors: list[Exception] = []
        self._input = {"plan": plan, "execution": name, "started_at": clock.iso(clock.now())}
        self._state: dict[str, Any] = {"rollout": {}, "step": {"index": 0}, "end": {"tries": 0}}

    @property
    def status(self) -> str:
        return self._aws.states.executions[self.name]

    @property
    def step(self) -> dict[str, Any]:
        """The state of the current traffic step."""
        step: dict[str, Any] = self._state["step"]
        return step

    def run(self, until: str = "", *, tasks: int = 500) -> None:
        """Run until a task is next, or to the end."""
        while self.task and self.task != until:
            assert tasks > 0, f"the execution goes round in circles at {self.task}"
            tasks -= 1
            self.advance()

    def advance(self) -> None:
        """Run one task, and wait as the state machine does before the next one."""
        if self.status != "RUNNING":
            self.task = ""
            return
        assert not self._busy, "Step Functions runs one task of an execution at a time"
        self._busy = True
        try:
            answer = TASKS[self.task](self._event(), FakeContext())
        except Exception as error:  # noqa: BLE001 - Step Functions catches everything
            self.errors.append(error)
            if self.status == "RUNNING":
                self._fail(error)
            return
        finally:
            self._busy = False
        if self.status == "RUNNING":
            self._go_on(answer)

    def repeat(self, *, milliseconds: int = LAMBDA_MILLISECONDS) -> dict[str, Any]:
        """Run the next task without going on, as when Step Functions loses its answer."""
        return self.invocation(milliseconds=milliseconds)()

    def invocation(self, *, milliseconds: int = LAMBDA_MILLISECONDS) -> Callable[[], dict[str, Any]]:
        """Return an invocation of the next task with the input of now, whenever it begins to run."""
        task, event = TASKS[self.task], self._event()
        return lambda: task(event, FakeContext(milliseconds))

    def fail_with(self, error: str, message: str = "") -> None:
        """Let the present task fail, without a message as when its Lambda dies."""
        self.failure = {"Error": error, "Cause": json.dumps({"errorMessage": message}) if message else ""}
        self._go_to("RollBack")

    def _event(self) -> dict[str, Any]:
        return json.loads(json.dumps({**self._input, **self._state, "failure": self.failure}))  # type: ignore[no-any-return]

    def _fail(self, error: Exception) -> None:
        name = type(error).__name__
        if self.tries < self._repetitions(name):
            self.tries += 1
            self._aws.wait(min(2.0**self.tries, 300 if self.task == "RollBack" else OUTAGE_LONGEST_PAUSE_SECONDS))
        elif self.task == "RollBack":
            self._give_up(error)
        elif name == NothingToRelease.__name__:
            self._end("SUCCEEDED")
        else:
            self.failure = {"Error": name, "Cause": json.dumps({"errorMessage": str(error)})}
            self._go_to("RollBack")

    def _give_up(self, error: Exception) -> None:
        """End as `NotRestored`, or as `RollBackDied`: the error is the one that the rollback began with."""
        assert self.failure is not None
        said = json.dumps({"errorMessage": str(error)})
        cause = said if isinstance(error, NotRestored) else self.failure["Cause"]
        self._aws.states.told[self.name] = {"error": self.failure["Error"], "cause": cause}
        self._end("FAILED")

    def _repetitions(self, error: str) -> int:
        if self.task == "RollBack":
            return 0 if error == NotRestored.__name__ else ROLLBACK_REPETITIONS
        if error in DECIDED:
            return 0
        return OUTAGE_REPETITIONS if error in WAITED_FOR else CRASH_REPETITIONS

    def _go_on(self, answer: dict[str, Any]) -> None:
        answer = json.loads(json.dumps(answer))
        if self.task in RESULTS:
            self._state[RESULTS[self.task]] = answer
        match self.task:
            case "Prepare":
                self._poll("SmokeTest", done=answer["ready"])
            case "SmokeTest":
                self._go_to("ScaleCanary")
            case "ScaleCanary":
                self._come_again("ShiftTraffic", done=answer["ready"])
            case "ShiftTraffic":
                self._shifted(answer)
            case "Evaluate":
                self._judged(answer["next"])
            case "Promote" if answer.get("holds_back"):
                self._next_step()
            case "Promote":
                self._end("SUCCEEDED")
            case "RollBack":
                self._rolled_back(safe=answer["safe"], promoted=answer.get("promoted", False))

    def _shifted(self, answer: dict[str, Any]) -> None:
        self._come_again("Evaluate", done=answer["in_place"])
        if answer["in_place"]:
            self._bake()
        elif answer["waits_to_begin"]:
            self._go_to("ScaleCanary")

    def _judged(self, verdict: str) -> None:
        if verdict == "NEXT_STEP":
            self._next_step()
        elif verdict == "HOLD_BACK":
            self._aws.wait(self._input["plan"]["hold_back"]["interval_seconds"])  # type: ignore[index]
        elif verdict == "RAISE":
            self._go_to("ScaleCanary")
        elif verdict == "LOWER":
            self._go_to("ShiftTraffic")
        elif verdict == "PROMOTE":
            self._go_to("Promote")
        else:
            self._bake()

    def _next_step(self) -> None:
        kept = {name: self.step[name] for name in KEPT if name in self.step}
        held = {
            name: self.step["held_seconds"] for name in ("held_seconds", "held_before") if "held_seconds" in self.step
        }
        self._state["step"] = {"index": self.step["index"] + 1, **kept, **held}
        self._go_to("ScaleCanary")

    def _rolled_back(self, *, safe: bool, promoted: bool) -> None:
        if safe:
            self._end("SUCCEEDED" if promoted else "FAILED")
        else:
            self._poll("", done=False)

    def _poll(self, following: str, *, done: bool) -> None:
        if done:
            self._go_to(following)
        else:
            self.tries = 0
            self._aws.wait(self._input["plan"]["poll_seconds"])  # type: ignore[index]

    def _come_again(self, following: str, *, done: bool) -> None:
        if done:
            self._go_to(following)
        else:
            self.tries = 0
            self._bake()

    def _bake(self) -> None:
        self._aws.wait(self.step["look_after"])

    def _go_to(self, task: str) -> None:
        self.task, self.tries = task, 0

    def _end(self, status: str) -> None:
        self.task = ""
        if self.status == "RUNNING":
            self._aws.states.executions[self.name] = status
