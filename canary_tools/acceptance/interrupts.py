"""Ctrl-C: it ends the walk, and never what removes things."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


def end_like_ctrl_c() -> None:
    """Let SIGTERM end the program as Ctrl-C does, so that everything is removed."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@contextmanager
def held_off(tell: Callable[[str], None]) -> Iterator[None]:
    """Answer Ctrl-C and SIGTERM with a sentence while the block runs."""

    def answer(_number: int, _frame: FrameType | None) -> None:
        tell("everything is being removed, which takes a while; afterwards you read what is left")

    before = {number: signal.signal(number, answer) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
