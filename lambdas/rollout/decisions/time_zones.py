"""The clocks of time zones, with their summer time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dateutil import tz  # type: ignore[import-untyped]  # its stubs are a package of their own

if TYPE_CHECKING:
    from datetime import tzinfo


def time_zone(name: str) -> tzinfo | None:
    """Return a time zone of the IANA database; `None` for one that is not in it.

    botocore brings dateutil and its database, which knows the changes of the clock until 2037: Lambda's own image has
    none. A machine that has a database of its own uses that.
    """
    found: tzinfo | None = tz.gettz(name)
    return found
