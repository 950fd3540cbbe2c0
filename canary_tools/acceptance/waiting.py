"""Waiting for something to be seen."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None], *, what: str, seconds: float, look_again: float) -> Found:
    """Look until there is something, and return it.

    Raises:
        TimeoutError: there was nothing within `seconds`; the message names `what`.
    """
    until = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(look_again)
    return found
