"""One step of a rollout, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract.plan import Step

if TYPE_CHECKING:
    from aws_cdk import Duration

    from canary_construct.props.cohort_rule import CohortRule

DEFAULT_BAKE_SECONDS = 30 * 60
MAX_BAKE_FACTOR = 4
DEFAULT_MIN_REQUESTS = 100


@dataclass(frozen=True, kw_only=True, init=False)
class TrafficStep:
    """One traffic share and the time it is watched.

    `percent` (1 to 100) of all requests go to the canary. It is watched for `bake`, in metric periods that were seen
    for every slot that should serve. If fewer than `min_requests` reached the canary or stable in this time, or an
    alarm is in an unknown state, it is watched longer, up to `max_bake` (default: four times `bake`); then
    `on_inconclusive` decides.

    Raises:
        ValueError: when the percentage, a time or the number of requests is out of its range.
    """

    percent: int
    bake_seconds: int
    max_bake_seconds: int
    min_requests: int
    rule: CohortRule | None
    """Of a cohort step; its `percent` is 0."""

    def __init__(
        self,
        *,
        percent: int,
        bake: Duration | None = None,
        max_bake: Duration | None = None,
        min_requests: int = DEFAULT_MIN_REQUESTS,
    ) -> None:
        if not 1 <= percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percent must be between 1 and 100, got {percent}")
        self._set(percent, None, bake=bake, max_bake=max_bake, min_requests=min_requests)

    @classmethod
    def cohort(
        cls,
        rule: CohortRule,
        *,
        bake: Duration | None = None,
        max_bake: Duration | None = None,
        min_requests: int = DEFAULT_MIN_REQUESTS,
    ) -> TrafficStep:
        """Give the canary the requests that match a rule, and no share of the others.

        The endpoint's weight for the canary stays 0; `EndpointApi` and `canary_construct_client` send what matches.
        The step is watched as any other, with one difference: nothing checks the canary's share of the requests,
        because only the application knows how many match.
        """
        step = cls.__new__(cls)
        step._set(0, rule, bake=bake, max_bake=max_bake, min_requests=min_requests)  # noqa: SLF001 - the same class
        return step

    def _set(
        self,
        percent: int,
        rule: CohortRule | None,
        *,
        bake: Duration | None,
        max_bake: Duration | None,
        min_requests: int,
    ) -> None:
        bake_seconds = DEFAULT_BAKE_SECONDS if bake is None else int(bake.to_seconds())
        max_bake_seconds = bake_seconds * MAX_BAKE_FACTOR if max_bake is None else int(max_bake.to_seconds())
        for name, value in (
            ("percent", percent),
            ("rule", rule),
            ("bake_seconds", bake_seconds),
            ("max_bake_seconds", max_bake_seconds),
            ("min_requests", min_requests),
        ):
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if self.bake_seconds < 1:
            raise ValueError(f"bake must be longer than 0 s, got {self.bake_seconds} s at {self.title}")
        if self.max_bake_seconds < self.bake_seconds:
            raise ValueError(
                f"max_bake must be at least bake ({self.bake_seconds} s), got {self.max_bake_seconds} s at {self.title}"
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
        )
