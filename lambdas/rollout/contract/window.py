"""When a rollout may raise the canary's share, as the plan says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Window:
    """Opens at each of `minutes` after midnight by the clock of `time_zone`, and stays open for `duration_seconds`.

    On days that are in all three of `months` (1 to 12), `days` (of the month, 1 to 31) and `weekdays` (Monday is 0).
    `title`: what people call it. `time_zone`: a name of the IANA database.
    """

    title: str
    minutes: Sequence[int]
    days: Sequence[int]
    months: Sequence[int]
    weekdays: Sequence[int]
    duration_seconds: int
    time_zone: str

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Window:
        """Read what `to_json` wrote."""
        lists = {name: tuple(payload[name]) for name in ("minutes", "days", "months", "weekdays")}
        return cls(**{**payload, **lists})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON."""
        return {name: value if isinstance(value, (str, int)) else list(value) for name, value in vars(self).items()}
