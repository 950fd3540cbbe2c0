"""The clocks of time zones, with their summer time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dateutil.zoneinfo import get_zonefile_instance  # type: ignore[import-untyped]  # its stubs are a package apart

if TYPE_CHECKING:
    from datetime import tzinfo


def time_zone(name: str) -> tzinfo | None:
    """Return a time zone of the IANA database; `None` for one that is not in it.

    The database is that of dateutil, which botocore brings: Lambda's own image has none, and this one is the same
    wherever the code runs. It knows the changes of the clock until 2037.
    """
    found: tzinfo | None = get_zonefile_instance().get(name)
    return found
