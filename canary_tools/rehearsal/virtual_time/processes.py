"""Runs blocking code on the virtual clock. One process runs at a time, and gives control back when it waits.

Handlers and the state machine's interpreter are ordinary blocking code. Each run has its own thread, but two threads
never run at the same time: the loop that advances the clock resumes one process and waits until it waits or ends. So a
rehearsal has no races, and the same seed gives the same order.
"""

import threading
from collections.abc import Callable
from typing import Any

from canary_tools.clock import VirtualClock

Wake = Callable[[], None]


def _closed() -> threading.Lock:
    """Return a lock that is held: `release` lets one thread pass, and `acquire` passes and holds it again."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Ended(BaseException):
    """Raised inside a process that is ended from outside. A Lambda environment ends like this at its time-out."""


class Processes:
    """All processes of one rehearsal."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.handed_over = _closed()
        self._local = threading.local()
        self._alive: dict[int, Process] = {}
        self._idle: list[_Worker] = []

    def start(self, body: Callable[[], None]) -> "Process":
        """Run `body` as a process. It begins at the present time of the clock, after what is due before it."""
        process = Process(self, body)
        self._alive[id(process)] = process
        self.clock.call_at(self.clock.now(), process.begin)
        return process

    def pause(self, seconds: float) -> None:
        """Let the calling process wait for so many seconds. If nothing else is due until then, only the clock moves."""
        process, until, due = self.current(), self.clock.now() + max(seconds, 0.0), self.clock.next_due()
        if due is not None and due <= until:
            process.wait(lambda wake: self.clock.call_at(until, wake))
        else:
            self.clock.advance_to(until)

    def current(self) -> "Process":
        """Return the calling process.

        Raises:
            RuntimeError: when the caller is no process.
        """
        process: Process | None = getattr(self._local, "process", None)
        if process is None:
            raise RuntimeError("only a process can wait on the virtual clock")
        return process

    def is_process(self) -> bool:
        """Tell whether the caller is a process."""
        return getattr(self._local, "process", None) is not None

    def worker(self) -> "_Worker":
        """Return an idle thread."""
        return self._idle.pop() if self._idle else _Worker(self)

    def enter(self, process: "Process") -> None:
        """Record which process this thread runs."""
        self._local.process = process

    def leave(self, process: "Process", worker: "_Worker | None") -> None:
        """Remove a process that has ended. Its thread becomes idle."""
        self._alive.pop(id(process), None)
        if worker is not None:
            self._idle.append(worker)

    def end_all(self) -> None:
        """End every process that still waits. No thread is left after the rehearsal."""
        for process in list(self._alive.values()):
            process.end_now()
        while self._idle:
            self._idle.pop().end()


class _Worker:
    """A thread that runs one process after another. A new thread for each process would take more time."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._may_go = _closed()
        self._process: Process | None = None
        threading.Thread(target=self._work, name="rehearsal-process", daemon=True).start()

    def begin(self, process: "Process") -> None:
        """Run a process."""
        self._process = process
        self._may_go.release()

    def end(self) -> None:
        """End the idle thread."""
        self._process = None
        self._may_go.release()

    def _work(self) -> None:
        self._may_go.acquire()
        while self._process is not None:
            self._process.run()
            self._processes.handed_over.release()
            self._may_go.acquire()


class Process:
    """One run of blocking code."""

    def __init__(self, processes: Processes, body: Callable[[], None]) -> None:
        self._processes = processes
        self._body = body
        self._may_go = _closed()
        self._waits = 0
        self._is_ordered_to_end = False
        self._failure: BaseException | None = None
        self._worker: _Worker | None = None
        self.done = False

    def begin(self) -> None:
        """Run until the first wait."""
        if self.done or self._is_ordered_to_end:
            self._finish()
            return
        self._worker = self._processes.worker()
        self._worker.begin(self)
        self._await_turn_back()

    def wait(self, arrange: Callable[[Wake], None]) -> None:
        """Give control back until somebody wakes this process. `arrange` gets the function that does so once."""
        self._waits += 1
        this_wait = self._waits
        arrange(lambda: self._resume(this_wait))
        self._processes.handed_over.release()
        self._may_go.acquire()
        if self._is_ordered_to_end:
            raise Ended

    def end(self) -> None:
        """Tell this process to end at its present wait."""
        self._is_ordered_to_end = True
        this_wait = self._waits
        self._processes.clock.call_at(self._processes.clock.now(), lambda: self._resume(this_wait))

    def end_now(self) -> None:
        """End this process before this call returns."""
        self._is_ordered_to_end = True
        while not self.done and self._worker is not None:
            self._resume(self._waits)
        self._finish()

    def _resume(self, wait: int) -> None:
        if self.done or wait != self._waits or self._worker is None:
            return
        self._may_go.release()
        self._await_turn_back()

    def _await_turn_back(self) -> None:
        self._processes.handed_over.acquire()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def run(self) -> None:
        """Run the body to its end, in the calling thread."""
        self._processes.enter(self)
        try:
            self._body()
        except Ended:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which raises it
            self._failure = error
        finally:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        worker, self._worker = self._worker, None
        self._processes.leave(self, worker)


class Signal:
    """Something that processes wait for. It replaces `threading.Event`."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._waiting: list[Wake] = []
        self._is_set = False

    def set(self) -> None:
        """Set it, and wake every process that waits for it."""
        self._is_set = True
        clock = self._processes.clock
        for wake in self._waiting:
            clock.call_at(clock.now(), wake)
        self._waiting.clear()

    def is_set(self) -> bool:
        """Tell whether it was set."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most `timeout` seconds, and tell whether it is set."""
        if not self._is_set:
            self._processes.current().wait(lambda wake: self._arrange(wake, timeout))
        return self._is_set

    def _arrange(self, wake: Wake, timeout: float | None) -> None:
        self._waiting.append(wake)
        if timeout is not None:
            clock = self._processes.clock
            clock.call_at(clock.now() + timeout, wake)


class VirtualTime:
    """Replaces the module `time` in code that sleeps. Processes sleep on the virtual clock, all others in real time."""

    def __init__(self, processes: Processes, real: Any) -> None:
        self._processes = processes
        self._real = real

    def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds."""
        if self._processes.is_process():
            self._processes.pause(seconds)
        else:
            self._real.sleep(seconds)

    def __getattr__(self, name: str) -> Any:
        """Return everything else from the real module."""
        return getattr(self._real, name)
