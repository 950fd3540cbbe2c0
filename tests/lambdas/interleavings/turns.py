"""Functions that run one at a time and stop wherever they wait, until they are given another turn.

Each runs in a thread of its own, but only one of all threads ever runs: the same turns give the same course.
"""

import threading
from collections.abc import Callable
from typing import Any

from canary_tools.aws_models.sagemaker.timing import Timing
from tests.lambdas.fakes.aws import Aws, Call, Parameters

Effect = Callable[[], dict[str, Any]]

PATIENCE_SECONDS = 60
"""For how long (of the virtual clock) a call may hang: the clients give up after about that."""

QUICK = Timing(fleet_update_seconds=30, instance_launch_seconds=10, weight_update_seconds=3)
"""Changes that end while a call hangs, so that others come to their ends meanwhile."""


class Abandoned(BaseException):
    """Ends what nobody will give a turn any more."""


class Actor:
    """One function and where it stands.

    Attributes:
        name: what it does, for people.
        due: when its wait is over.
        patience: for how long (of the virtual clock) it may hang before others go on without it.
        error: what it raised.
        over: whether it came to its end.
    """

    def __init__(
        self, name: str, play: Callable[[], object], due: float, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self.name = name
        self.due = due
        self.patience = patience
        self.error: Exception | None = None
        self.over = False
        self._play = play
        self._turn = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def take_turn(self) -> None:
        """Run until it waits, or to its end; called by the conductor's thread."""
        if self._thread.ident is None:
            self._thread.start()
        self._turn.release()
        self._done.acquire()

    def wait_for_turn(self, due: float) -> None:
        """Stop until the next turn; called by its own thread."""
        if not self._abandoned:
            self.due = due
            self._done.release()
            self._turn.acquire()
        if self._abandoned:
            raise Abandoned

    def abandon(self) -> None:
        """Unwind it, without any further call."""
        self._abandoned = True
        if self._thread.ident is not None and not self.over:
            self.take_turn()
            self._thread.join()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self._play()
        except Exception as error:  # noqa: BLE001 - whoever began it looks at it
            self.error = error
        except Abandoned:
            pass
        self.over = True
        self._done.release()


class Turns:
    """Who is under way, in the order in which they began; who ended with an error; who runs."""

    def __init__(self) -> None:
        self.under_way: list[Actor] = []
        self.failed: list[Actor] = []
        self.running: Actor | None = None

    def give(self, actor: Actor) -> None:
        """Let one go on until it waits again; first those whose calls would hang for longer than any call can."""
        for other in sorted(self.under_way, key=lambda each: each.due):
            while other is not actor and not other.over and other.due + other.patience < actor.due:
                self._let_run(other)
        if not actor.over:
            self._let_run(actor)

    def abandon(self) -> None:
        """Unwind all."""
        for actor in self.under_way:
            actor.abandon()
        self.under_way.clear()

    def _let_run(self, actor: Actor) -> None:
        self.running = actor
        try:
            actor.take_turn()
        finally:
            self.running = None
        if actor.over:
            self.under_way.remove(actor)
            if actor.error is not None:
                self.failed.append(actor)


class AwsInTurns(Aws):
    """An AWS before each of whose calls, and in each pause between two looks, others may have their turns.

    Attributes:
        watch: sees each call at the moment of its effect, and brings that about.
    """

    def __init__(self) -> None:
        super().__init__(QUICK)
        self.turns = Turns()
        self._next_calls: dict[Actor, str] = {}
        self.watch: Callable[[Call, Effect], dict[str, Any]] = lambda _call, effect: effect()

    def answer(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]:
        """Answer a call once its caller has the turn."""
        caller = self.turns.running
        if caller is not None:
            self._next_calls[caller] = operation
        try:
            return super().answer(service, operation, parameters)
        finally:
            if caller is not None:
                del self._next_calls[caller]

    def next_call(self, actor: Actor) -> str:
        """Return the operation that one is about to call; empty where it waits for something else."""
        return self._next_calls.get(actor, "")

    def wait(self, seconds: float) -> None:
        due = self.clock.now() + seconds
        if self.turns.running is not None:
            self.turns.running.wait_for_turn(due)
        self.clock.advance_to(max(due, self.clock.now()))

    def _effect(self, call: Call) -> dict[str, Any]:
        return self.watch(call, lambda: super(AwsInTurns, self)._effect(call))
