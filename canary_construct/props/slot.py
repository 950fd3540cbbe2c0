"""The two production variants. Their names are constant: roles move between them, names never do."""

from __future__ import annotations

from enum import Enum

from rollout.contract.names import SLOT_A, SLOT_B, other_slot


class Slot(Enum):
    """A production variant of the endpoint."""

    A = SLOT_A
    B = SLOT_B

    @property
    def other(self) -> Slot:
        """Return the other slot."""
        return Slot(other_slot(self.value))
