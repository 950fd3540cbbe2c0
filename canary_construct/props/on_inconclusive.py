"""What to do when a step has used all its time and there is too little evidence."""

from __future__ import annotations

from enum import Enum


class OnInconclusive(Enum):
    """What happens when `max_bake` is over and there is too little evidence. There is no "proceed"."""

    ROLL_BACK = "ROLL_BACK"
