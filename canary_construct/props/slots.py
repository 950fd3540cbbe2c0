"""The two production variants. Their names are constant: roles move between them, names never do."""

from __future__ import annotations

from enum import Enum


class Slot(Enum):
    """A production variant of the endpoint."""

    A = "variant-a"
    B = "variant-b"

    @property
    def other(self) -> Slot:
        """Return the other slot."""
        return Slot.B if self is Slot.A else Slot.A


CALLER = "caller"
"""Where the plan lists the alarms that are no slot's own."""

TAG = "canary-construct:endpoint"
"""Tags every model and endpoint config, so that those that CloudFormation kept can be swept."""
