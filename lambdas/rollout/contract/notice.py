"""What the handlers tell the world: one event on the default bus for each change of a rollout.

The detail of every event fits `canary_construct/events/rollout-event.v1.schema.json`; docs/events.md explains it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
"""Of the detail. A field may be added under the same number; none is taken away or changes its meaning."""


class Happened(StrEnum):
    """What happened to a rollout."""

    STARTED = "Started"
    STEP = "Step"
    HELD = "Held"
    NEEDS_APPROVAL = "Needs Approval"
    RESUMED = "Resumed"
    PROMOTED = "Promoted"
    ROLLED_BACK = "Rolled Back"
    NOT_JUDGED = "Not Judged"
    NEEDS_ATTENTION = "Needs Attention"

    @property
    def detail_type(self) -> str:
        """Return the detail type of the event.

        >>> Happened.ROLLED_BACK.detail_type
        'Canary Rollout Rolled Back'
        """
        return f"Canary Rollout {self.value}"

    @property
    def anchor(self) -> str:
        """Return the section of docs/runbook.md.

        >>> Happened.ROLLED_BACK.anchor
        'rolled-back'
        """
        return self.value.lower().replace(" ", "-")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One event. `version` and `execution` are empty where no rollout is known.

    `reason`: a sentence for people. `which`: tells it from others of its kind in the same rollout; empty where a
    rollout has one of them at most. `more`: what only this kind of event tells.
    """

    happened: Happened
    endpoint: str
    reason: str
    version: str = ""
    execution: str = ""
    which: str = ""
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Return what tells this event from all others of its rollout.

        >>> Notice(happened=Happened.STEP, endpoint="shop", reason="", which="2").mark
        'Step 2'
        """
        return f"{self.happened.value} {self.which}".rstrip()

    def detail(self, at: str) -> dict[str, object]:
        """Return the detail of the event. `at`: when it is told, in ISO 8601.

        An event may come twice. Then it has the same `id`.
        """
        return {
            "schema": SCHEMA,
            "id": f"{self.endpoint}/{self.execution or at}/{self.mark}",
            "at": at,
            "endpoint": self.endpoint,
            "version": self.version,
            "execution": self.execution,
            "reason": self.reason,
            **self.more,
        }
