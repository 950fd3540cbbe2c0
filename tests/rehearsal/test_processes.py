import threading
from collections.abc import Iterator

import pytest

from canary_tools.clock import VirtualClock
from canary_tools.rehearsal.virtual_time.processes import Processes, Signal


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes(VirtualClock(0.0))
    yield processes
    processes.end_all()


def run(processes: Processes, until: float = 100.0) -> None:
    processes.clock.advance_to(until)


def test_processes_interleave_by_the_clock_alone(processes: Processes) -> None:
    seen: list[tuple[str, float]] = []

    def body(name: str, pause: float) -> None:
        for _ in range(3):
            processes.pause(pause)
            seen.append((name, processes.clock.now()))

    processes.start(lambda: body("slow", 3.0))
    processes.start(lambda: body("fast", 2.0))
    run(processes)
    assert seen == [("fast", 2.0), ("slow", 3.0), ("fast", 4.0), ("slow", 6.0), ("fast", 6.0), ("slow", 9.0)]


def test_a_signal_wakes_whoever_waits(processes: Processes) -> None:
    signal, woken = Signal(processes), list[float]()

    def wait() -> None:
        assert signal.wait(50.0)
        woken.append(processes.clock.now())

    processes.start(wait)
    processes.clock.call_at(7.0, signal.set)
    run(processes)
    assert woken == [7.0]


def test_a_wait_ends_at_its_time_out(processes: Processes) -> None:
    signal, answers = Signal(processes), list[tuple[bool, float]]()
    processes.start(lambda: answers.append((signal.wait(5.0), processes.clock.now())))
    processes.clock.call_at(9.0, signal.set)
    run(processes)
    assert answers == [(False, 5.0)]


def test_a_process_that_is_ended_stops_where_it_waits(processes: Processes) -> None:
    seen: list[str] = []

    def body() -> None:
        seen.append("begun")
        processes.pause(10.0)
        seen.append("went on")

    process = processes.start(body)
    processes.clock.call_at(5.0, process.end)
    run(processes)
    assert process.done
    assert seen == ["begun"]


def test_an_error_in_a_process_reaches_the_loop(processes: Processes) -> None:
    def body() -> None:
        raise KeyError("lost")

    processes.start(body)
    with pytest.raises(KeyError, match="lost"):
        run(processes)


def test_no_thread_outlives_its_rehearsal(processes: Processes) -> None:
    for _ in range(5):
        processes.start(lambda: processes.pause(1000.0))
    processes.clock.call_at(500.0, lambda: None)
    processes.clock.call_at(1500.0, lambda: None)
    run(processes, until=600.0)
    processes.end_all()
    assert not [thread for thread in threading.enumerate() if thread.name == "rehearsal-process" and _lives(thread)]


def _lives(thread: threading.Thread) -> bool:
    thread.join(5.0)
    return thread.is_alive()
