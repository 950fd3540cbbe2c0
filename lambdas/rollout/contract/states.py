"""What the state machine keeps between its tasks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Any

from rollout.contract.errors import AGAINST_THE_RELEASE, Inconclusive
from rollout.contract.exposure import Exposure
from rollout.contract.names import NOT_JUDGED, ROLLED_BACK

if TYPE_CHECKING:
    from collections.abc import Mapping


class Next(StrEnum):
    """What an evaluation leads to. The last three end the rollout.

    `RAISE` and `LOWER` change the share within the step. `HOLD_BACK` is to stay in the hold-back.
    """

    STAY = "STAY"
    HOLD_BACK = "HOLD_BACK"
    RAISE = "RAISE"
    LOWER = "LOWER"
    NEXT_STEP = "NEXT_STEP"
    PROMOTE = "PROMOTE"
    REJECT = "REJECT"
    GIVE_UP = "GIVE_UP"
    TAKE_BACK = "TAKE_BACK"


class Awaits(StrEnum):
    """What a step waits for from a person.

    `APPROVAL`: it has passed, and its plan asks for a yes. `DECISION`: its time is over without a decision, and a yes
    takes it as passed.
    """

    APPROVAL = "approval"
    DECISION = "decision"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What `Prepare` found, under `rollout`. The rest is empty until it is known."""

    ready: bool = False
    version: str = ""
    stable: str = ""
    canary: str = ""

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Prepared:
        """Read what `to_json` wrote, or the empty object before the first task."""
        return cls(**payload)

    def to_json(self) -> dict[str, object]:
        """Return plain JSON, without what is not known yet."""
        return {name: value for name, value in vars(self).items() if value != ""}


@dataclass(frozen=True, kw_only=True)
class StepState:
    """How far a step has come, under `step`. Times in seconds since the epoch; `None` is not known yet.

    The next step takes over `exposure`, `judged`, `bracketed`, `next_period` and `held_seconds`.
    """

    index: int
    exposure: Exposure = field(default_factory=Exposure)
    began_at: float = 0
    """When the first share of this step was in force."""
    scaling_since: float | None = None
    scaling_began: float | None = None
    """`scaling_since` begins again whenever the goal rises or instances come; this does not."""
    instances: int = 0
    """Those that the canary needs."""
    found: int = 0
    """Those that it had."""
    over_maximum_since: float | None = None
    """Since when the traffic needs more than `max_instances`."""
    ready: bool = False
    """Whether the canary has them."""
    shift_requested_at: float | None = None
    in_place: bool = False
    """Whether the endpoint has the weights, or the cohort, of this step."""
    shifted_at: float = 0
    """When the present share, or the cohort, was in force."""
    next_period: int = 0
    """The first metric period that the gates have not read: seconds since the epoch, divided by the period.

    0 in a step that has none before its first whole one."""
    seen: int = 0
    """How many periods of this share were seen on each side that should serve. Only these count as baked."""
    newest: int | None = None
    """The newest period that was published on each of these sides, complete or not."""
    newest_of_canary: int | None = None
    """The newest period that was published for the canary."""
    late_seconds: int | None = None
    """How long after its end the newest period came, when it was first there."""
    looked: dict[str, int] = field(default_factory=dict)
    """A digest of each period that has not come yet, by its number: what does not change any more is complete."""
    missing: dict[str, dict[str, int]] = field(default_factory=dict)
    """In how many periods of this step a gate lacked a metric, by gate and by side."""
    requests: int = 0
    """Of the canary, so far."""
    judged: dict[str, Any] | None = None
    """The state of the gates."""
    held_seconds: int = 0
    """How long people have held the rollout in all, as far as its looks have counted it."""
    held_before: int = 0
    """The same when this step began."""
    held_at: float | None = None
    """When the last look found that it is held; `None` when it was not."""
    is_outside: bool = False
    """Whether a rollout that is held waits for a window."""
    awaits_since: float | None = None
    """Since when this step waits for approval."""
    undecided_since: float | None = None
    """Since when this step waits for a person because it has ended without a decision."""
    bracketed: bool = False
    """Whether slow requests were bounded by percentiles rather than counted."""
    next: Next | None = None
    look_after: int = 0
    """How many seconds later the next task looks."""
    waits_to_begin: bool = False
    """Whether no share was given yet, because no window is open. Its instances are looked at again then."""

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> StepState:
        """Read what `to_json` wrote, or what an earlier library wrote with a field more."""
        known = {name: payload[name] for name in cls.__dataclass_fields__ if name in payload}
        exposure = Exposure.parse(known["exposure"]) if "exposure" in known else Exposure()
        return cls(**{**known, "exposure": exposure})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON, without what is not known yet."""
        known = {name: value for name, value in vars(self).items() if value is not None}
        return {**known, "exposure": self.exposure.to_json()}

    def in_force(self, now: float, *, requested_at: float, period_seconds: int) -> StepState:
        """Return the step with the wanted share in force since now.

        Periods that nobody has read yet are read with the share that they had.
        """
        whole_from, is_first = ceil(now / period_seconds), not self.began_at
        return replace(
            self,
            exposure=self.exposure.in_force(changes_from=int(requested_at // period_seconds), whole_from=whole_from),
            in_place=True,
            began_at=now if is_first else self.began_at,
            shifted_at=now,
            next_period=self.next_period or whole_from,
            seen=0,
            requests=0 if is_first else self.requests,
        )


@dataclass(frozen=True, kw_only=True)
class End:
    """How a rollback stands, under `end`. `promoted`: the promotion was decided before the failure."""

    safe: bool = False
    tries: int = 0
    promoted: bool = False
    outcome: str = ""
    error: str = ""
    reason: str = ""

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> End:
        """Read what `to_json` wrote."""
        return cls(**payload)

    def to_json(self) -> dict[str, object]:
        """Return plain JSON: how it ended, or how often it was tried."""
        if not self.safe:
            return {"safe": False, "tries": self.tries}
        return {name: value for name, value in vars(self).items() if name != "tries"}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a task failed, as a Catch of the state machine hands it over."""

    error: str
    cause: str = ""

    @classmethod
    def parse(cls, payload: Mapping[str, str]) -> Failure:
        """Read the error output of Step Functions."""
        return cls(error=payload["Error"], cause=payload.get("Cause", ""))

    @property
    def judged(self) -> bool:
        """Tell whether the release is at fault: its version label is spent.

        >>> Failure(error="GateFailed").judged, Failure(error="Throttled").judged
        (True, False)
        """
        return self.error in AGAINST_THE_RELEASE

    @property
    def outcome(self) -> str:
        """Return how the rollout ends. Evidence that stayed too thin rolls back, unless the plan asks a person.

        >>> [Failure(error=error).outcome for error in ("AlarmRaised", "Inconclusive", "CapacityUnavailable")]
        ['ROLLED_BACK', 'ROLLED_BACK', 'NOT_JUDGED']
        """
        return ROLLED_BACK if self.judged or self.error == Inconclusive.__name__ else NOT_JUDGED

    @property
    def reason(self) -> str:
        """Return the sentence of the failure.

        >>> Failure(error="AlarmRaised", cause='{"errorMessage": "Errors is in ALARM"}').reason
        'Errors is in ALARM'
        >>> Failure(error="States.Timeout").reason
        'States.Timeout'
        """
        try:
            message = json.loads(self.cause)["errorMessage"]
        except (ValueError, KeyError, TypeError):
            message = self.cause
        return message or self.error
