"""The one place where handlers ask for the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> float:
    """Return seconds since the epoch."""
    return time.time()


def pause(seconds: float) -> None:
    """Wait between two looks at a service that is still working."""
    time.sleep(seconds)


def seconds_of(moment: str) -> float:
    """Return seconds since the epoch of a time in ISO 8601.

    >>> seconds_of("1970-01-01T00:01:00Z")
    60.0
    """
    return datetime.fromisoformat(moment).timestamp()


def iso(timestamp: float) -> str:
    """Write a time as the ledger stores it.

    >>> iso(0)
    '1970-01-01T00:00:00.000Z'
    """
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
