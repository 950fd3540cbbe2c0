import threading

import pytest

from canary_tools.clock import RealClock, VirtualClock


def test_virtual_actions_run_in_order_of_time_then_insertion() -> None:
    clock, seen = VirtualClock(100.0), list[str]()
    clock.call_at(130, lambda: seen.append("late"))
    clock.call_at(110, lambda: seen.append("first"))
    clock.call_at(110, lambda: seen.append("second"))
    clock.advance_to(120)
    assert seen == ["first", "second"]
    assert clock.now() == 120


def test_an_action_sees_the_moment_it_was_due() -> None:
    clock, seen = VirtualClock(), list[float]()
    clock.call_at(10, lambda: clock.call_at(clock.now() + 5, lambda: seen.append(clock.now())))
    clock.advance_to(100)
    assert seen == [15.0]


def test_a_moment_that_has_passed_counts_as_now() -> None:
    clock, seen = VirtualClock(50.0), list[float]()
    clock.call_at(10, lambda: seen.append(clock.now()))
    assert clock.next_due() == 50.0
    clock.advance_to(50)
    assert seen == [50.0]


def test_a_virtual_clock_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        VirtualClock(10.0).advance_to(9)


def test_the_wall_clock_runs_what_is_due_and_survives_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise OSError("out of order")

    clock, done = RealClock(), threading.Event()
    clock.call_at(clock.now(), broken)
    clock.call_at(clock.now() + 0.02, done.set)
    assert done.wait(5)
    clock.close()
    assert "out of order" in caplog.text


def test_a_closed_wall_clock_runs_nothing() -> None:
    clock, done = RealClock(), threading.Event()
    clock.call_at(clock.now() + 0.05, done.set)
    clock.close()
    assert not done.wait(0.1)
