"""One endpoint whose rollouts wait for people and windows, and the people: their commands and their dashboard."""

from collections.abc import Callable, Mapping
from enum import StrEnum, auto
from functools import partial
from typing import Any

from rollout.contract.errors import HeldTooLong, NotApproved
from rollout.contract.names import PROMOTED
from rollout.contract.window import Window
from rollout.decisions.windows import closed
from rollout.handlers import show_rollout, take_order
from rollout.watching.reading import Reader
from rollout.watching.target import Target

from canary_tools.cli.promoting import promote, promotion
from canary_tools.cli.refusals import CannotAct, in_sentences
from canary_tools.cli.session import Session
from canary_tools.rehearsal.people import COMMANDS
from tests.cli.fake import Operated
from tests.lambdas.fakes import boto_clients
from tests.lambdas.fakes.execution import Execution, Task
from tests.lambdas.fakes.settings import ENDPOINT, STATE_MACHINE, step
from tests.lambdas.fakes.stack import STACK_ID
from tests.lambdas.interleavings.course import Course
from tests.lambdas.interleavings.people_record import PeopleRecord, Person, judged_at_rest
from tests.lambdas.interleavings.turns import Actor
from tests.watching.looks import PARAMETERS, Context, orders_in

HOUR = 3600
PEOPLE = ("ann", "bob")
ORDERS = ("approve", "reject", "pause", "resume", "promote", "abort")
ENDING = {"reject": "approval refused by ", "abort": "aborted by "}
"""With which words the reason of a rollout begins that somebody ended so."""
BUTTONS = tuple(order for order in ORDERS if order != "promote")
LOOK = "somebody looks at the dashboard"
MINUTES_OPEN = 40
OPEN = Window(
    title="the first 40 minutes of every hour",
    minutes=tuple(range(0, 24 * 60, 60)),
    days=tuple(range(1, 32)),
    months=tuple(range(1, 13)),
    weekdays=tuple(range(7)),
    duration_seconds=MINUTES_OPEN * 60,
    time_zone="UTC",
)
APPROVAL_SECONDS = 1800
BAKE = {"bake_seconds": 600, "max_bake_seconds": 1200}
"""The second look finds that a step has passed; the first one does when somebody has cut the bake short."""
STEPS = (
    step(10, **BAKE, approval_seconds=APPROVAL_SECONDS), step(50, **BAKE, approval_seconds=APPROVAL_SECONDS),
    step(100, bake_seconds=300),
)  # fmt: skip
HELD = {
    "windows": [OPEN.to_json()], "windows_seconds": HOUR, "hold_seconds": HOUR, "hold_interval_seconds": 600,
    "evaluation_interval_seconds": 420, "undecided_seconds": 1800,
}  # fmt: skip
TARGET = Target(
    endpoint=ENDPOINT, stack_id=STACK_ID, construct="shop/Shop", ledger="", state_machine_arn=STATE_MACHINE
)  # fmt: skip
HALF = 0.5
MOST_TASKS = 200


class Stands(StrEnum):
    """Where a rollout stands with the task that is next."""

    FIRST = auto()
    """It is the first one of that kind in the step."""
    BAKED = auto()
    """One look was made; the next one finds that the step has passed."""
    ASKS = auto()
    """The step has passed, and a yes is waited for."""


class PeopleCourse(Course):
    """An endpoint with people at the wheel. Its second and third share need a yes; it rises in windows only."""

    record: PeopleRecord

    def __init__(self) -> None:
        super().__init__(STEPS)
        self.shop.plan |= HELD
        self.record.events = self.events
        operated = Operated(self.shop)
        asked = {"DescribeStateMachine": operated.definition, "GetExecutionHistory": operated.history}
        self.aws.answer_also("stepfunctions", asked)
        self._page: dict[str, dict[str, Any]] = {}
        self._asked = ""

    def _new_record(self) -> PeopleRecord:
        plan = {**self.shop.plan, **HELD}
        return PeopleRecord(self.aws, wanted=self._wanted, needed=self._needed, plan=plan)

    def begin_rollout(self, task: str, index: int, stands: Stands = Stands.FIRST) -> Execution:
        """Let the next release be rolled out until this task of this step is next. Each step before is approved."""
        execution = self.shop.release(self._next_version())
        assert execution is not None
        self.bring(execution, task, index, stands)
        return execution

    def bring(self, execution: Execution, task: str, index: int, stands: Stands) -> None:
        """Let a rollout go on until this task of this step is next. Each step before is approved."""
        for _ in range(MOST_TASKS):
            if execution.task == task and execution.step["index"] == index and self._stands(execution, stands):
                break
            if self.waits:
                self.finish(self.begin("ann: approve"))
            self.shop.serve()
            execution.advance()
            self.look()
        else:
            raise AssertionError(execution.failure)
        self.shop.wait_until_quiet()
        self.look()

    def _stands(self, execution: Execution, stands: Stands) -> bool:
        if stands is Stands.ASKS:
            return self.waits
        return stands is Stands.FIRST or bool(execution.step.get("seen"))

    @property
    def waits(self) -> bool:
        """Tell whether a step waits for a yes that nobody has given."""
        lock = self.record.lock()
        return lock is not None and lock.awaits is not None and lock.approved is None

    def see_it_end(self) -> None:
        """Let the rollout end that runs. People who are under way stay where they are."""
        self.begin("stop")
        for _ in range(MOST_TASKS):
            actor = self.begin("event") or self.begin("task")
            if actor is None:
                return
            self.finish(actor)

    def until_the_window_closes(self, seconds: float) -> None:
        """Let time pass until so many seconds before the end of the window that is open, or of the next one."""
        outside = closed([OPEN], self.aws.clock.now())
        if outside is not None:
            self.aws.wait(outside.seconds(self.aws.clock.now()))
        left = OPEN.duration_seconds - self.aws.clock.now() % HOUR
        self.aws.wait(max(0.0, left - seconds))

    def until_the_time_is_over(self, execution: Execution, seconds: float) -> None:
        """Let time pass until so many seconds before nobody can answer the question any more that a step asks."""
        since = execution.step.get("awaits_since") or self.aws.clock.now()
        self.aws.wait(max(0.0, since + APPROVAL_SECONDS - seconds - self.aws.clock.now()))

    def spoil(self, execution: Execution) -> None:
        """Let the canary fail half of its requests in all of a bake that nobody has looked at yet."""
        self.shop.failure_rates = dict.fromkeys(self._canary(), HALF)
        self.record.spoiled[execution.name] = execution.step["index"]

    def alarm_is_unknown(self) -> None:
        """Nobody knows the state of the caller's alarm. It holds the step, and its time goes on."""
        self.aws.cloudwatch.alarms["business"] = "INSUFFICIENT_DATA"

    # What people do

    def happenings(self) -> Mapping[str, Callable[[], Actor | None]]:
        commands = {f"{who}: {what}": partial(self._command, who, what) for who in PEOPLE for what in ORDERS}
        buttons = {f"button: {what}": partial(self._press, what) for what in BUTTONS}
        own = {"alarm is unknown": self.alarm_is_unknown, LOOK: self._look_at_the_dashboard}
        return {**super().happenings(), **commands, **buttons, **own}

    def _command(self, who: str, what: str) -> Person:
        """Let somebody give a command."""
        person = Person(f"{what} by {who}", lambda: self._order(person, what), self.aws.clock.now())
        self.under_way.append(person)
        return person

    def _order(self, person: Person, what: str) -> None:
        """Do what the command does; a refusal is an ordinary end."""
        session = Session(region=boto_clients.REGION, who=f"arn:aws:sts::1:assumed-role/{person.name}", client=_client)
        target = Target(**{**vars(TARGET), "ledger": self.aws.table.name})
        try:
            with in_sentences():
                reader = Reader(session, target)
                if what == "promote":
                    asked = promotion(reader)
                    person.step = asked.step
                    promote(session, reader, asked, reason="")
                else:
                    COMMANDS[what](session, reader, "")
        except CannotAct:
            return
        if what in ENDING:
            self.record.ordered.no.setdefault(person.execution, ENDING[what])

    def _look_at_the_dashboard(self) -> None:
        shown = show_rollout.handler({**PARAMETERS, "widgetContext": {}}, None)  # type: ignore[typeddict-item]
        lock = self.record.lock()
        self._page, self._asked = orders_in(str(shown)), "" if lock is None else lock.awaits_what

    def _press(self, what: str) -> Person | None:
        """Let somebody press a button of the page that was shown last, however long ago that was."""
        order = self._page.get(what)
        if order is None:
            return None
        person = Person(f"button {what}", lambda: _pressed(order), self.aws.clock.now())
        person.execution, person.step, person.what = order["execution"], order["step"], self._asked
        self.under_way.append(person)
        return person

    # Judging

    def _noted(self, name: str, task: Task) -> Task:
        def told(event: dict[str, Any], context: Any) -> dict[str, Any]:
            try:
                answer = task(event, context)
            except Exception as error:
                self.record.failed(name, event, error)
                raise
            self.record.answered(name, event, answer)
            return answer

        return super()._noted(name, told)

    def _handle(self, invoke: Callable[[], None], actor: Actor) -> None:
        before = self.record.lock()
        super()._handle(invoke, actor)
        now = self.record.lock()
        if not actor.name.startswith("tell_of_order") or before is None or now is None or not now.canary:
            return
        if now.holder == before.holder and before.is_ended_by_a_person and not now.sealed:
            self.record.seen_at_zero(now.holder)

    def look(self) -> None:
        super().look()
        self._judge(self._passed_though_spoiled())

    def _passed_though_spoiled(self) -> list[str]:
        """Return the rollouts that went on with a canary that failed half of the requests of a whole step."""
        return [
            f"{name} went on after step {index + 1}, in which its canary failed half of the requests"
            for name, index in self.record.spoiled.items()
            if self.shop.execution(name).step["index"] > index or self._is_promoted(name)
        ]

    def _is_promoted(self, name: str) -> bool:
        lock = self.record.lock()
        return lock is not None and lock.holder == name and lock.sealed

    def _wrong_endings(self) -> list[str]:
        rollouts = self.shop.rollouts()
        late = {NotApproved.__name__, HeldTooLong.__name__}
        timed_out = [
            f"{name} ended for want of an answer: {rollouts.get(name)}"
            for name, execution in self.shop.executions.items()
            if execution.failure is not None
            and execution.failure["Error"] in late
            and rollouts.get(name, {}).get("outcome") in {None, PROMOTED}
        ]
        return [*super()._wrong_endings(), *judged_at_rest(self.record.ordered, rollouts), *timed_out]


def _client(service: str) -> Any:
    return boto_clients.client(service)


def _pressed(order: Mapping[str, Any]) -> None:
    take_order.handler({**order, "widgetContext": {"forms": {"all": {}}}}, Context())  # type: ignore[typeddict-item, arg-type]
