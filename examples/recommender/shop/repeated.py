"""Something that is done again and again, beside everything else."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Repeated:
    """Calls a function in a thread of its own while the ``with`` block lasts, ``every_seconds`` after the last call.

    The end of the block waits for a call that is under way.
    """

    def __init__(self, call: Callable[[], None], *, every_seconds: float, name: str) -> None:
        self._call = call
        self._every_seconds = every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _repeat(self) -> None:
        while not self._stopping.wait(self._every_seconds):
            self._call()
