"""Rules that turn the counts of canary and stable into a verdict, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration

if TYPE_CHECKING:
    from collections.abc import Mapping

MICROSECONDS_PER_MILLISECOND = 1000


@dataclass(frozen=True, kw_only=True, init=False)
class Gate:
    """A comparison of the canary with stable that may be looked at every minute. Made by its factories.

    A gate counts something in every metric period of both variants, and asks whether the canary's rate is worse than
    `ratio` times stable's. All gates of an endpoint share one chance `alpha` of rolling back a healthy release in a
    whole rollout. `alpha_share` is a gate's part of it, relative to the other gates.

    Raises:
        ValueError: when a number is out of its range.
    """

    name: str
    rule: Mapping[str, Any] = field(repr=False)
    source: Mapping[str, Any] = field(repr=False)
    warm_up_seconds: int
    superior: bool

    def __init__(
        self,
        *,
        name: str,
        kind: str,
        event: str,
        ratio: float,
        lower_is_worse: bool,
        min_difference_percent: float,
        alpha_share: float,
        source: Mapping[str, Any],
        warm_up: Duration | None = None,
        superior: bool = False,
    ) -> None:
        _check(name, ratio=ratio, min_difference_percent=min_difference_percent, alpha_share=alpha_share)
        rule = {
            "name": name,
            "kind": kind,
            "direction": "lower_is_worse" if lower_is_worse else "higher_is_worse",
            "event": event,
            "ratio": ratio,
            "min_difference": min_difference_percent / 100,
            "alpha_share": alpha_share,
        }
        warm_up_seconds = 0 if warm_up is None else int(warm_up.to_seconds())
        for attribute, value in (
            ("name", name),
            ("rule", rule),
            ("source", dict(source)),
            ("warm_up_seconds", warm_up_seconds),
            ("superior", superior),
        ):
            object.__setattr__(self, attribute, value)

    @classmethod
    def error_rate(cls, *, ratio: float = 1.25, min_difference_percent: float = 0.05, alpha_share: float = 0.4) -> Gate:
        """Compare failed requests: answers with 5XX, the model's own 5XX, time-outs and broken connections.

        `ratio` (at least 1) is tolerated; so is a difference under `min_difference_percent` percentage points. The
        smallest ratio that can ever be seen is about 1.23 times `ratio`.
        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
        """
        return cls(
            name="errors",
            kind="rare",
            event="failed",
            ratio=_at_least_one("ratio", ratio),
            lower_is_worse=False,
            min_difference_percent=min_difference_percent,
            alpha_share=alpha_share,
            source={"source": "errors"},
        )

    @classmethod
    def latency(
        cls,
        *,
        slow_ms: float = 1000,
        ratio: float = 1.5,
        min_difference_percent: float = 0.5,
        alpha_share: float = 0.3,
        warm_up: Duration | None = None,
    ) -> Gate:
        """Compare slow requests: those whose model latency is above `slow_ms` milliseconds (above 0).

        The first `warm_up` (default 5 minutes) of each step is left out: a cold canary is slow for reasons that are
        not the model.
        """
        if slow_ms <= 0:
            raise ValueError(f"slow_ms must be above 0, got {slow_ms}")
        return cls(
            name="latency",
            kind="share",
            event=f"took more than {slow_ms:g} ms",
            ratio=_at_least_one("ratio", ratio),
            lower_is_worse=False,
            min_difference_percent=min_difference_percent,
            alpha_share=alpha_share,
            source={"source": "slow", "slow_us": round(slow_ms * MICROSECONDS_PER_MILLISECOND)},
            warm_up=Duration.minutes(5) if warm_up is None else warm_up,
        )

    @classmethod
    def conversion(
        cls,
        *,
        namespace: str,
        shown: str,
        converted: str,
        ratio: float = 0.95,
        min_difference_percent: float = 0,
        alpha_share: float = 0.3,
        delay: Duration | None = None,
        superior: bool = False,
    ) -> Gate:
        """Compare conversions, as the application counts them for each variant.

        `shown` and `converted` are metrics in `namespace` with the dimensions `EndpointName` and `VariantName`; their
        sum over a period counts. `ratio` (above 0, at most 1): a canary that converts at least that much as well as
        stable is tolerated. `delay`: how long after being shown a conversion may come.

        `superior`: the release is promoted only when it has been proven to convert better than stable, in the last
        step before 100 %. Without the proof that step lasts until its `max_bake`, and `on_inconclusive` decides.
        An equal release is promoted in at most 5 % of such rollouts. Evidence below `ratio` still rolls back.
        """
        if not 0 < ratio <= 1:
            raise ValueError(f"ratio must be above 0 and at most 1 for conversions, got {ratio}")
        return cls(
            name="conversion",
            kind="share",
            event="converted",
            ratio=ratio,
            lower_is_worse=True,
            min_difference_percent=min_difference_percent,
            alpha_share=alpha_share,
            source=_pair(namespace, shown, converted, dimensions=None, delay=delay),
            superior=superior,
        )

    @classmethod
    def metric(
        cls,
        *,
        name: str,
        namespace: str,
        total: str,
        counted: str,
        ratio: float,
        min_difference_percent: float = 0,
        alpha_share: float = 0.3,
        delay: Duration | None = None,
        dimensions: Mapping[str, str] | None = None,
        event: str = "counted",
        superior: bool = False,
    ) -> Gate:
        """Compare any two counts that the application publishes with the dimensions `EndpointName` and `VariantName`.

        With a `ratio` of 1 or more a higher rate of `counted` in `total` is worse, below 1 a lower one. `dimensions`
        are added to the two; `event` is the verb for what is counted, in the reason that people read. `superior`:
        promoted only when proven better than stable, as with `conversion`.
        """
        return cls(
            name=name,
            kind="share",
            event=event,
            ratio=ratio,
            lower_is_worse=ratio < 1,
            min_difference_percent=min_difference_percent,
            alpha_share=alpha_share,
            source=_pair(namespace, total, counted, dimensions=dimensions, delay=delay),
            superior=superior,
        )

    @property
    def delay_seconds(self) -> int:
        """How old a count is when it is read."""
        return int(self.source.get("delay_seconds", 0))

    def render(self, metric_period_seconds: int, *, superior_step: int | None = None) -> dict[str, Any]:
        """Return the rule as the handlers read it; times count metric periods.

        `superior_step`: the number of the step that a gate which asks for superiority lets pass on a proof only.
        """
        rendered = {**self.rule, "warm_up": -(-self.warm_up_seconds // metric_period_seconds)}
        if self.delay_seconds:
            rendered["delay"] = -(-self.delay_seconds // metric_period_seconds)
        if self.superior:
            rendered["superior_step"] = superior_step
        return rendered


def default_gates() -> list[Gate]:
    """Return the gates of an endpoint whose caller names none: error rate and latency."""
    return [Gate.error_rate(), Gate.latency()]


def _pair(
    namespace: str, total: str, counted: str, *, dimensions: Mapping[str, str] | None, delay: Duration | None
) -> dict[str, Any]:
    return {
        "source": "pair",
        "namespace": namespace,
        "total": total,
        "counted": counted,
        "dimensions": dict(dimensions or {}),
        "delay_seconds": 0 if delay is None else int(delay.to_seconds()),
    }


def _at_least_one(name: str, value: float) -> float:
    if value < 1:
        raise ValueError(f"{name} must be 1 or more where a higher rate is worse, got {value}")
    return value


def _check(name: str, *, ratio: float, min_difference_percent: float, alpha_share: float) -> None:
    if not name:
        raise ValueError("name must not be empty")
    if ratio <= 0:
        raise ValueError(f"ratio must be above 0, got {ratio}")
    if not 0 <= min_difference_percent <= 100:  # noqa: PLR2004 - a percentage
        raise ValueError(f"min_difference_percent must be between 0 and 100, got {min_difference_percent}")
    if alpha_share <= 0:
        raise ValueError(f"alpha_share must be above 0, got {alpha_share}")
