"""What to do when a step has used all its time and there is too little evidence, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from canary_construct.border import checked
from canary_construct.props.traffic_step import LONGEST_APPROVAL_SECONDS, SHORTEST_APPROVAL_SECONDS

if TYPE_CHECKING:
    from aws_cdk import Duration


@checked()
@dataclass(frozen=True, kw_only=True)
class OnInconclusive:
    """What happens when `max_bake` of a step is over and there is too little evidence. There is no "proceed".

    - `ROLL_BACK`: the rollout is rolled back
    - `HOLD`: the step keeps its share for a day and asks a person, `hold_for` for another time. Gates, alarms and the
      brake go on, and what they find ends the rollout. `canary approve` takes the step as passed, `canary reject` and
      `canary abort` end the rollout. Without an answer it is rolled back, and the same version may be tried again

    Nobody is asked about a gate that has failed, nor about a canary of which nothing is seen any more.

    Args:
        hold_seconds: how long a person is waited for; 0: nobody is asked, or 300 to 1,209,600

    Raises:
        ValueError: when the time is out of its range.
    """

    ROLL_BACK: ClassVar[OnInconclusive]
    HOLD: ClassVar[OnInconclusive]

    hold_seconds: int = 0
    """How long a person is waited for; 0: nobody is asked."""

    def __post_init__(self) -> None:
        if self.hold_seconds:
            _held(self.hold_seconds)

    @classmethod
    def hold_for(cls, duration: Duration) -> Self:
        """Hold each such step for so long.

        Args:
            duration: 5 minutes to 14 days

        Raises:
            ValueError: when the duration is out of its range, or is known at deploy time only.
        """
        return cls(hold_seconds=_held(int(duration.to_seconds())))


def _held(seconds: int) -> int:
    if not SHORTEST_APPROVAL_SECONDS <= seconds <= LONGEST_APPROVAL_SECONDS:
        raise ValueError(
            f"on_inconclusive must hold a step for {SHORTEST_APPROVAL_SECONDS} s to {LONGEST_APPROVAL_SECONDS:,} s, "
            f"got {seconds:,} s"
        )
    return seconds


OnInconclusive.ROLL_BACK = OnInconclusive()
OnInconclusive.HOLD = OnInconclusive(hold_seconds=24 * 60 * 60)
