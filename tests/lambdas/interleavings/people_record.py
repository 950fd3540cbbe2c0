"""What people ordered of which rollout, what the handlers made of it, and which of that is forbidden."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rollout.contract.errors import NotApproved
from rollout.contract.lock import Lock
from rollout.contract.plan import Plan
from rollout.contract.states import Awaits
from rollout.decisions.windows import closed

from tests.lambdas.fakes.aws import Call
from tests.lambdas.interleavings.record import SHIFT, WRITING, Invocation, Record
from tests.lambdas.interleavings.turns import Actor, Effect

GOES_ON = ("NEXT_STEP", "RAISE", "PROMOTE")
FOR_EVER = float("inf")


class Person(Actor):
    """A command, or a button of a page. It may hang for as long as it likes: somebody has closed a laptop.

    Attributes:
        execution, step, what: the rollout, the step and the question that the order is meant for: what was read first.
    """

    def __init__(self, name: str, play: Any, due: float) -> None:
        super().__init__(name, play, due, patience=FOR_EVER)
        self.execution = ""
        self.step: int | None = None
        self.what = ""

    def means(self, lock: Lock) -> None:
        """Note which rollout this one has seen, unless that is known already."""
        if not self.execution:
            self.execution, self.step, self.what = lock.holder, lock.awaits, lock.awaits_what


@dataclass(kw_only=True)
class Read:
    """What the first read of an invocation found in the lock, and whether a window was open then."""

    lock: Lock | None
    is_open: bool


@dataclass(kw_only=True)
class Ordered:
    """What people have ordered so far.

    Attributes:
        yes: each step that somebody approved, with its execution.
        no: why somebody ended an execution.
        skipped: each step whose bake somebody cut short, with its execution.
    """

    yes: set[tuple[str, int]] = field(default_factory=set)
    no: dict[str, str] = field(default_factory=dict)
    skipped: set[tuple[str, int]] = field(default_factory=set)


class PeopleRecord(Record):
    """Knows what people ordered as well, and when a window was open.

    Attributes:
        plan: of every rollout.
        ordered: what people have ordered.
        events: those that AWS has to deliver, for what the lock and Step Functions tell others.
        spoiled: the step of an execution in which the canary fails half of the requests from the first one on.
    """

    def __init__(self, *arguments: Any, plan: Mapping[str, Any], **known: Any) -> None:
        super().__init__(*arguments, **known)
        self.plan = Plan.parse(plan)
        self.ordered = Ordered()
        self.events: list[tuple[str, ...]] = []
        self.spoiled: dict[str, int] = {}
        self._reads: dict[int, Read] = {}
        self._announced_in_a_window: set[tuple[str, int]] = set()

    # Being told

    @contextmanager
    def invocation(self, handler: str, execution: str) -> Iterator[None]:
        with super().invocation(handler, execution):
            by = self._invoked()
            try:
                yield
            finally:
                self._reads.pop(id(by), None)

    def answered(self, handler: str, event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Judge what a task decides, by what it has read in the lock. It still runs."""
        step, read = event.get("step", {}), self._read()
        lock = None if read is None else read.lock
        if lock is None:
            return
        who = f"{handler} of {event['execution']}"
        if handler == "Evaluate" and answer["next"] in GOES_ON:
            self._judge_going_on(f"{who}: {answer['next']} after step {step['index'] + 1}", lock, step["index"])
        begins = handler == "ScaleCanary" and answer["ready"] and not step.get("exposure", {}).get("served")
        if begins and lock.paused is not None:
            self.violations.append(f"{who} lets the first share begin in a pause by {lock.paused.sentence}")

    def failed(self, handler: str, event: Mapping[str, Any], error: Exception) -> None:
        """Judge what a task ends with. It still runs."""
        read = self._read()
        lock, index = None if read is None else read.lock, event.get("step", {}).get("index")
        if isinstance(error, NotApproved) and lock is not None and lock.awaits != index:
            self.violations.append(
                f"{handler} of {event['execution']} ends for want of an answer, and nobody could give one: {error}"
            )
        if isinstance(error, NotApproved) and (event["execution"], index) in self.ordered.yes:
            self.violations.append(f"{handler} of {event['execution']} ends after a yes that was taken: {error}")

    def _judge_going_on(self, what: str, lock: Lock, index: int) -> None:
        if lock.paused is not None:
            self.violations.append(f"{what}, in a pause by {lock.paused.sentence}")
        asks = bool(self.plan.step(index).approval_seconds)
        if asks and (lock.holder, index) not in self.ordered.yes:
            self.violations.append(f"{what}, and nobody has approved that")

    def _invoked(self) -> Invocation | None:
        actor = self._aws.turns.running
        return next((each for each in reversed(self._live) if each.actor is actor), None)

    def _read(self) -> Read | None:
        return self._reads.get(id(self._invoked()))

    # The calls

    def _watch(self, call: Call, effect: Effect) -> dict[str, Any]:
        if call.operation == "StopExecution":
            return self._stop(call, effect)
        if call.service != "dynamodb" or _record_of(call) != "lock":
            return super()._watch(call, effect)
        before = self.lock()
        answer = super()._watch(call, effect)
        if call.operation in WRITING:
            self._note_announcement(call)
            self._judge_order(before, self.lock())
        else:
            self._note_read(before)
        return answer

    def _stop(self, call: Call, effect: Effect) -> dict[str, Any]:
        """Let Step Functions tell that an execution was stopped."""
        name, states = call.parameters["executionArn"].rpartition(":")[2], self._aws.states.executions
        runs = states.get(name) == "RUNNING"
        answer = super()._watch(call, effect)
        if runs:
            self.events.append(("restore", name, "ABORTED"))
        return answer

    def _note_read(self, lock: Lock | None) -> None:
        by, actor = self._invoked(), self._aws.turns.running
        if by is not None:
            self._reads.setdefault(id(by), Read(lock=lock, is_open=self._is_open()))
        if isinstance(actor, Person) and lock is not None:
            actor.means(lock)

    def _is_open(self) -> bool:
        return closed(self.plan.windows, self._aws.clock.now()) is None

    def _note_announcement(self, call: Call) -> None:
        values = call.parameters.get("ExpressionAttributeValues", {})
        if ":share" not in values:
            return
        read = self._read()
        if self._is_open() or (read is not None and read.is_open):
            self._announced_in_a_window.add((values[":me"]["S"], int(values[":share"]["N"])))

    def _judge_raise(self, by: Invocation | None, lock: Lock, percent: float, what: str) -> None:
        super()._judge_raise(by, lock, percent, what)
        now = self.lock()
        if by is None or by.handler != SHIFT or now is None or now.share_number is None:
            return
        if (lock.holder, now.share_number) not in self._announced_in_a_window:
            self.violations.append(f"{what} while no window is open")

    # What people write

    def _judge_order(self, before: Lock | None, lock: Lock | None) -> None:
        """Judge what a person has just written, and keep it in mind."""
        person = self._aws.turns.running
        if before is not None and before.approved_step is not None and (lock is None or lock.approved is None):
            self.ordered.yes.discard((before.holder, before.approved_step))  # another question is asked
        if not isinstance(person, Person) or before is None or lock is None:
            return
        if lock.holder != person.execution:
            self.violations.append(f"{person.name} was meant for {person.execution} and reached {lock.holder}")
        if before.halted:
            self.violations.append(f"{person.name} changed {lock.holder}, which ends: {before.halted}")
        if lock.approved != before.approved:
            self._judge_yes(person, before, lock)
        if lock.cut_short != before.cut_short:
            self._judge_skip(person, before, lock)
        if lock.halted != before.halted:
            self.ordered.no[lock.holder] = lock.halted
            self.events.append(("tell_of_order",))

    def _judge_yes(self, person: Person, before: Lock, lock: Lock) -> None:
        step = lock.approved_step
        if step is None or not person.step == before.awaits == step:
            self.violations.append(
                f"{person.name}, meant for step {person.step}, counts for step {step} while {before.awaits} waits"
            )
        elif (person.what, before.awaits_what) == (Awaits.APPROVAL, Awaits.DECISION):
            self.violations.append(
                f"{person.name} was meant for a step that has passed, and counts for an undecided one"
            )
        else:
            self.ordered.yes.add((lock.holder, step))

    def _judge_skip(self, person: Person, before: Lock, lock: Lock) -> None:
        step = lock.cut_short_step
        if step is None or step != person.step:
            self.violations.append(f"{person.name} was meant for step {person.step}, and counts for step {step}")
        elif before.cut_short_step is not None and before.cut_short_step > step:
            self.violations.append(f"{person.name} for step {step} replaces the one for step {before.cut_short_step}")
        else:
            self.ordered.skipped.add((lock.holder, step))


def _record_of(call: Call) -> str:
    """Return which record of the ledger a call is about; empty where it is about several."""
    key: Mapping[str, Any] = call.parameters.get("Key") or call.parameters.get("Item") or {}
    record: str = key.get("record", {}).get("S", "")
    return record


def judged_at_rest(ordered: Ordered, rollouts: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Return the executions that a person ended and that ended otherwise."""
    return [
        f"{name} was ended by a person ({why}): {rollouts.get(name)}"
        for name, why in ordered.no.items()
        if rollouts.get(name, {}).get("outcome") != "NOT_JUDGED" or not rollouts[name]["reason"].startswith(why)
    ]
