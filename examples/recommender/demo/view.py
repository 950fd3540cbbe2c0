"""The state of a demonstration at one moment."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from examples.recommender.demo.observe import Alarm, Observation
from examples.recommender.demo.recording import Mark, Recording, marks
from examples.recommender.demo.rollouts import Rollout
from examples.recommender.shop.traffic import Request, Summary, grouped, summarise

WINDOW_SECONDS = 10
"""The view counts the requests of the last ten seconds as observed."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What to show at one moment; ``recent`` are the requests of the last ``WINDOW_SECONDS``."""

    phase: str
    elapsed_seconds: float
    total: Summary
    recent: Sequence[Request]
    observation: Observation | None
    marks: Sequence[Mark]
    started_at: float

    @property
    def slots(self) -> Mapping[str, Sequence[Request]]:
        """The recent requests of every slot, as the endpoint describes its slots or as answers name them."""
        answered = grouped(self.recent, lambda request: request.variant)
        known: set[str] = set() if self.observation is None else set(self.observation.slots)
        names = known | {name for name in answered if name is not None}
        return {name: answered.get(name, []) for name in sorted(names)}

    @property
    def rollout(self) -> Rollout | None:
        """The rollout under way; ``None`` between rollouts."""
        rollouts = () if self.observation is None else self.observation.rollouts
        return next((rollout for rollout in rollouts if rollout.running), None)

    @property
    def alarming(self) -> list[str]:
        """The names of the alarms in ALARM."""
        alarms: Mapping[str, Alarm] = {} if self.observation is None else self.observation.alarms
        return sorted(name for name, alarm in alarms.items() if alarm.state == "ALARM")

    @classmethod
    def of(cls, recording: Recording, *, phase: str, started_at: float) -> Self:
        """Make the view of this moment from everything recorded so far."""
        now = time.time()
        return cls(
            phase=phase,
            elapsed_seconds=now - started_at,
            total=summarise(recording.requests),
            recent=[request for request in recording.requests if request.sent_at >= now - WINDOW_SECONDS],
            observation=recording.observations[-1] if recording.observations else None,
            marks=marks(recording),
            started_at=started_at,
        )
