"""Removal goes on whatever fails, and names it."""

import signal

import pytest
from botocore.exceptions import ClientError

from canary_tools.acceptance.interrupts import end_like_ctrl_c, held_off
from canary_tools.acceptance.undoing import Undoing


def test_the_last_thing_made_goes_first_and_a_failure_stops_nothing() -> None:
    gone: list[str] = []

    def fails() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteRole")

    undoing = Undoing()
    undoing.add("first", lambda: gone.append("first"))
    undoing.add("the role", fails)
    undoing.add("last", lambda: gone.append("last"))

    (failure,) = undoing.run()

    assert gone == ["last", "first"]
    assert failure.startswith("the role: ")
    assert "no" in failure
    assert undoing.run() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_and_not_obeyed_while_things_are_removed(number: signal.Signals) -> None:
    said: list[str] = []
    before = signal.getsignal(number)
    with held_off(said.append):
        signal.raise_signal(number)
    assert len(said) == 1
    assert signal.getsignal(number) is before


def test_sigterm_ends_the_walk_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        end_like_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
