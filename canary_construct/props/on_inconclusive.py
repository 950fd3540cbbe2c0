"""What to do with a step that used up its time without enough evidence."""

from __future__ import annotations

from enum import Enum


class OnInconclusive(Enum):
    """What happens when `max_bake` is over and the evidence is still too thin. There is no "proceed"."""

    ROLL_BACK = "ROLL_BACK"
