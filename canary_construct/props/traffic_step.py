"""One step of a rollout, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rollout.contract.plan import Passes, Step

from canary_construct.border import checked

if TYPE_CHECKING:
    from aws_cdk import Duration

    from canary_construct.props.cohort_rule import CohortRule

DEFAULT_BAKE_SECONDS = 30 * 60
MAX_BAKE_FACTOR = 4
DEFAULT_MIN_REQUESTS = 100
SHORTEST_APPROVAL_SECONDS, LONGEST_APPROVAL_SECONDS = 5 * 60, 14 * 24 * 60 * 60


class SaidTimes(NamedTuple):
    """What the caller said of a step's times, in seconds; `None` where nothing was said."""

    bake: int | None
    max_bake: int | None
    approval: int | None

    @classmethod
    def of(cls, bake: Duration | None, max_bake: Duration | None, approval: Duration | None) -> SaidTimes:
        """Return the seconds of the durations."""
        return cls(*(None if time is None else int(time.to_seconds()) for time in (bake, max_bake, approval)))


@checked()
@dataclass(frozen=True, kw_only=True, init=False)
class TrafficStep:
    """One traffic share and the time it is watched.

    It is watched in metric periods that were seen for every slot that should serve. In a paced routing the share rises
    to `percent` little by little, the step `passes` by another rule, and a `bake` that is left out is another one: see
    `TrafficRouting.paced`.

    Args:
        percent: of all requests that go to the canary; 1 to 100
        bake: how long the step is watched; left out, 30 minutes
        max_bake: how long it is watched at most, when too few requests reached canary or stable in `bake`, or an alarm
            is in an unknown state; then `on_inconclusive` decides. Left out, four times `bake`
        min_requests: to the canary and to stable, each; 1 or more, default 100
        approval: how long a step that has passed waits for a person's yes, 5 minutes to 14 days. Meanwhile it keeps its
            share, gates and alarms go on, and what they find ends the rollout. Without a yes in this time the rollout
            is rolled back, and the same version may be tried again. Left out, nobody is asked

    Raises:
        ValueError: when the percentage, a time or the number of requests is out of its range.
    """

    percent: int
    bake_seconds: int
    max_bake_seconds: int
    min_requests: int
    approval_seconds: int
    """0: nobody is asked."""
    rule: CohortRule | None
    """Of a cohort step; its `percent` is 0."""
    passes: Passes
    said: SaidTimes = field(repr=False, compare=False)

    def __init__(
        self,
        *,
        percent: int,
        bake: Duration | None = None,
        max_bake: Duration | None = None,
        min_requests: int = DEFAULT_MIN_REQUESTS,
        approval: Duration | None = None,
    ) -> None:
        if not 1 <= percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percent must be between 1 and 100, got {percent}")
        self._set(
            percent=percent,
            rule=None,
            said=SaidTimes.of(bake, max_bake, approval),
            min_requests=min_requests,
        )

    @classmethod
    def cohort(
        cls,
        rule: CohortRule,
        *,
        bake: Duration | None = None,
        max_bake: Duration | None = None,
        min_requests: int = DEFAULT_MIN_REQUESTS,
        approval: Duration | None = None,
    ) -> TrafficStep:
        """Give the canary the requests that match a rule, and no share of the others.

        The endpoint's weight for the canary stays 0; `EndpointApi` and `canary_construct_client` send what matches.
        The step is watched as any other, with one difference: nothing checks the canary's share of the requests,
        because only the application knows how many match.

        Args:
            rule: which requests match (`CohortRule`)
            bake: how long the step is watched; left out, 30 minutes
            max_bake: how long it is watched at most, when there is too little evidence; left out, four times `bake`
            min_requests: to the canary and to stable, each; 1 or more, default 100
            approval: how long a step that has passed waits for a person's yes, 5 minutes to 14 days; left out, nobody
                is asked
        """
        step = cls.__new__(cls)
        said = SaidTimes.of(bake, max_bake, approval)
        step._set(  # noqa: SLF001 - the same class
            percent=0,
            rule=rule,
            said=said,
            min_requests=min_requests,
        )
        return step

    def paced(
        self, passes: Passes, *, bake_seconds: int, least_max_bake_seconds: int, percent: int | None = None
    ) -> TrafficStep:
        """Return this step as one of a paced routing.

        Args:
            passes: by which rule the step is left
            bake_seconds: taken where the caller left `bake` out
            least_max_bake_seconds: taken where the caller left `max_bake` out, unless four times the bake is more
            percent: the share; left out, the step's own
        """
        step = TrafficStep.__new__(TrafficStep)
        step._set(  # noqa: SLF001 - the same class
            percent=self.percent if percent is None else percent,
            rule=self.rule,
            said=self.said,
            min_requests=self.min_requests,
            passes=passes,
            usual_bake_seconds=bake_seconds,
            least_max_bake_seconds=least_max_bake_seconds,
        )
        return step

    def _set(
        self,
        *,
        percent: int,
        rule: CohortRule | None,
        said: SaidTimes,
        min_requests: int,
        passes: Passes = Passes.EVIDENCE,
        usual_bake_seconds: int = DEFAULT_BAKE_SECONDS,
        least_max_bake_seconds: int = 0,
    ) -> None:
        bake_seconds = usual_bake_seconds if said.bake is None else said.bake
        max_bake_seconds = max(bake_seconds * MAX_BAKE_FACTOR, least_max_bake_seconds)
        for name, value in (
            ("percent", percent),
            ("rule", rule),
            ("bake_seconds", bake_seconds),
            ("max_bake_seconds", max_bake_seconds if said.max_bake is None else said.max_bake),
            ("min_requests", min_requests),
            ("approval_seconds", said.approval or 0),
            ("passes", passes),
            ("said", said),
        ):
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if self.bake_seconds < (0 if self.passes is Passes.BUDGET else 1):
            raise ValueError(f"bake must be longer than 0 s, got {self.bake_seconds} s at {self.title}")
        if self.max_bake_seconds < self.bake_seconds:
            raise ValueError(
                f"max_bake must be at least bake ({self.bake_seconds} s), got {self.max_bake_seconds} s at {self.title}"
            )
        approval = self.said.approval
        if approval is not None and not SHORTEST_APPROVAL_SECONDS <= approval <= LONGEST_APPROVAL_SECONDS:
            raise ValueError(
                f"approval must be between {SHORTEST_APPROVAL_SECONDS} s and {LONGEST_APPROVAL_SECONDS:,} s, got "
                f"{approval:,} s at {self.title}"
            )
        if self.min_requests < 1:
            raise ValueError(f"min_requests must be 1 or more, got {self.min_requests} at {self.title}")

    @property
    def expected_percent(self) -> float:
        """Return the share of all requests that the canary will have."""
        return self.percent if self.rule is None else self.rule.expected_percent

    @property
    def title(self) -> str:
        """Return what people call this step."""
        return self.for_handlers().title

    def for_handlers(self) -> Step:
        """Return the step as the handlers read it."""
        return Step(
            percent=self.percent,
            bake_seconds=self.bake_seconds,
            max_bake_seconds=self.max_bake_seconds,
            min_requests=self.min_requests,
            expected_percent=self.expected_percent,
            cohort=None if self.rule is None else self.rule.for_handlers(),
            passes=self.passes,
            approval_seconds=self.approval_seconds,
        )
