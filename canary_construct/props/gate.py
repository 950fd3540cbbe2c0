"""Rules that turn the counts of canary and stable into a verdict, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_cdk import Duration, Token
from rollout.contract.gate_rules import (
    Direction,
    FailedRequests,
    GateRule,
    Kind,
    PublishedCounts,
    RefusedRequests,
    SlowRequests,
    Source,
)

from canary_construct.border import checked
from canary_construct.props.metric_names import check_dimensions, check_metric_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME = re.compile(r"(?=.*\S)[^\x00-\x1f\x7f]{1,64}")
MICROSECONDS_PER_MILLISECOND = 1000
LONGEST_MS = 8 * 60 * 1000
"""Of a stream; any other request has 60 seconds. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-test-endpoints.html"""


@checked()
@dataclass(frozen=True, kw_only=True)
class Gate:
    """A comparison of the canary with stable, made in every metric period. Made by its factories.

    A gate counts something for both variants and asks whether the canary's rate is worse than `ratio` times stable's.
    All gates of an endpoint share `alpha`: the chance that a healthy release is rolled back in a whole rollout.
    `alpha_share` is a gate's part of it, relative to the other gates.

    Args:
        rule: what is compared, and what is tolerated
        source: where the counts come from
        warm_up_seconds: at the beginning of each step that is left out
        superior: whether the release must be proven better than stable
        asked_in_cohorts: whether it is compared in cohort steps, whose callers are chosen

    Raises:
        ValueError: when a number is out of its range.
    """

    rule: GateRule
    source: Source = field(repr=False)
    warm_up_seconds: int = 0
    superior: bool = False
    asked_in_cohorts: bool = True

    @property
    def name(self) -> str:
        """The gate's name in the plan, the ledger and every reason."""
        return self.rule.name

    @classmethod
    def error_rate(cls, *, ratio: float = 1.25, min_difference_percent: float = 0.05, alpha_share: float = 0.4) -> Gate:
        """Compare failed requests: answers with 5XX, the model's own 5XX, time-outs and broken connections.

        The smallest ratio that can ever be seen is about 1.23 times `ratio`. Where failed requests are compared,
        refused ones are as well: `Gate.refused_requests` sets what is tolerated of those.
        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html

        Args:
            ratio: of the canary's rate to stable's that is tolerated; at least 1, default 1.25
            min_difference_percent: a difference below this is tolerated too; 0 to 100 percentage points, default 0.05
            alpha_share: the gate's part of `alpha`, relative to the other gates; default 0.4
        """
        rule = GateRule(
            name="errors",
            event="failed",
            ratio=_at_least_one("ratio", ratio),
            min_difference=_part("min_difference_percent", min_difference_percent),
            alpha_share=alpha_share,
        )
        return cls(rule=rule, source=FailedRequests())

    @classmethod
    def refused_requests(
        cls, *, ratio: float = 1.25, min_difference_percent: float = 0.1, alpha_share: float = 0.1
    ) -> Gate:
        """Compare requests that were not served though nothing failed: answers with 4XX, streams that broke off.

        A caller is at fault for a 4XX, but callers meet canary and stable by chance: a difference is the release's, as
        when it refuses what its predecessor accepted. More of them at both hold no step up. Not asked in a cohort step,
        whose callers are chosen. An endpoint that compares failed requests has this gate without being told.
        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html

        Args:
            ratio: of the canary's rate to stable's that is tolerated; at least 1, default 1.25
            min_difference_percent: a difference below this is tolerated too; 0 to 100 percentage points, default 0.1.
                100 tolerates every one
            alpha_share: the gate's part of `alpha`, relative to the other gates; default 0.1
        """
        rule = GateRule(
            name="refused",
            event="were refused or broke off",
            ratio=_at_least_one("ratio", ratio),
            min_difference=_part("min_difference_percent", min_difference_percent),
            alpha_share=alpha_share,
            of_callers=True,
        )
        return cls(rule=rule, source=RefusedRequests(), asked_in_cohorts=False)

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
        """Compare slow requests: of those that the model served, those whose latency is above `slow_ms`.

        Args:
            slow_ms: from which on a request is slow, in milliseconds; 0.001 to 480,000, default 1000
            ratio: of the canary's share of slow requests to stable's that is tolerated; at least 1, default 1.5
            min_difference_percent: a difference below this is tolerated too; 0 to 100 percentage points, default 0.5
            alpha_share: the gate's part of `alpha`, relative to the other gates; default 0.3
            warm_up: how long the canary is not compared at the beginning of each step, or of a paced rollout, since a
                cold one is slow for reasons that are not the model. When its fleet grows by a quarter, what is slow is
                not held against it for as long; left out, 5 minutes
        """
        if not 1 / MICROSECONDS_PER_MILLISECOND <= slow_ms <= LONGEST_MS:
            raise ValueError(
                f"slow_ms must be between 0.001 and {LONGEST_MS:,} milliseconds, got {slow_ms:,}; a request has 8 "
                "minutes at most, and SageMaker's own ModelLatency is in microseconds"
            )
        rule = GateRule(
            name="latency",
            kind=Kind.SHARE,
            event=f"took more than {slow_ms:g} ms",
            ratio=_at_least_one("ratio", ratio),
            min_difference=_part("min_difference_percent", min_difference_percent),
            alpha_share=alpha_share,
            of_served=True,
        )
        return cls(
            rule=rule,
            source=SlowRequests(slow_us=round(slow_ms * MICROSECONDS_PER_MILLISECOND)),
            warm_up_seconds=_seconds(Duration.minutes(5) if warm_up is None else warm_up),
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

        Args:
            namespace: of the two metrics, your own. They have the dimensions `EndpointName` and `VariantName`
            shown: the metric of what was shown; its sum over a period counts
            converted: the metric of what of it converted; its sum over a period counts
            ratio: a canary that converts at least that much as well as stable is tolerated; above 0, at most 1, default
                0.95
            min_difference_percent: a difference below this is tolerated too; 0 to 100 percentage points, default 0
            alpha_share: the gate's part of `alpha`, relative to the other gates; default 0.3
            delay: how long after being shown a conversion may come; left out, 0. At most 8,100 s at a `metric_period`
                under 60 s, because CloudWatch keeps such periods for 3 hours
            superior: the release is promoted only when it has been proven to convert better than stable, in the last
                step before 100 %. Without the proof that step lasts until its `max_bake`, and `on_inconclusive`
                decides. An equal release is promoted in at most 5 % of such rollouts. Evidence below `ratio` still
                rolls back. Default `False`
        """
        if not 0 < ratio <= 1:
            raise ValueError(f"ratio must be above 0 and at most 1 for conversions, got {ratio}")
        rule = GateRule(
            name="conversion",
            kind=Kind.SHARE,
            direction=Direction.LOWER_IS_WORSE,
            event="converted",
            ratio=ratio,
            min_difference=_part("min_difference_percent", min_difference_percent),
            alpha_share=alpha_share,
        )
        _check_counts(namespace, shown=shown, converted=converted)
        source = PublishedCounts(namespace=namespace, total=shown, counted=converted, delay_seconds=_seconds(delay))
        return cls(rule=rule, source=source, superior=superior)

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

        Args:
            name: the gate's, in the plan, the ledger and every reason; 1 to 64 characters
            namespace: of the two metrics, your own
            total: the metric of all that is counted; its sum over a period counts
            counted: the metric of those that are compared; its sum over a period counts
            ratio: of the canary's rate to stable's that is tolerated. With 1 or more a higher rate of `counted` in
                `total` is worse, below 1 a lower one
            min_difference_percent: a difference below this is tolerated too; 0 to 100 percentage points, default 0
            alpha_share: the gate's part of `alpha`, relative to the other gates; default 0.3
            delay: how old a count is when it is read; left out, 0
            dimensions: of the metrics, besides the two; left out, none
            event: the verb for what is counted, in the reason that people read; default "counted"
            superior: promoted only when proven better than stable, as with `conversion`; default `False`

        Raises:
            ValueError: when a number is out of its range, or the two counts cannot be an application's.
        """
        _check_name(name)
        check_dimensions(dimensions or {})
        _check_counts(namespace, total=total, counted=counted)
        rule = GateRule(
            name=name,
            kind=Kind.SHARE,
            direction=Direction.LOWER_IS_WORSE if ratio < 1 else Direction.HIGHER_IS_WORSE,
            event=event,
            ratio=ratio,
            min_difference=_part("min_difference_percent", min_difference_percent),
            alpha_share=alpha_share,
        )
        source = PublishedCounts(
            namespace=namespace,
            total=total,
            counted=counted,
            dimensions=dict(dimensions or {}),
            delay_seconds=_seconds(delay),
        )
        return cls(rule=rule, source=source, superior=superior)

    @property
    def delay_seconds(self) -> int:
        """How old a count is when it is read."""
        return self.source.delay_seconds if isinstance(self.source, PublishedCounts) else 0

    def rule_in_periods(
        self,
        metric_period_seconds: int,
        *,
        superior_step: int | None = None,
        cohort_steps: tuple[int, ...] = (),
        spreads: Sequence[float] = (),
    ) -> GateRule:
        """Return the rule as the judge reads it: its times count metric periods.

        Args:
            metric_period_seconds: of the endpoint
            superior_step: the number of the step that passes only with a proof, if this gate asks for superiority
            cohort_steps: the numbers of the steps in which users are chosen
            spreads: how far these may differ by the draw, in the same order
        """
        return replace(
            self.rule,
            warm_up=-(-self.warm_up_seconds // metric_period_seconds),
            delay=-(-self.delay_seconds // metric_period_seconds),
            superior_step=superior_step if self.superior else None,
            unasked_steps=() if self.asked_in_cohorts else cohort_steps,
            spreads=tuple(spreads),
        )


def _check_name(name: str) -> None:
    """Refuse what cannot be the key of a gate in the plan, and a word in every reason."""
    if Token.is_unresolved(name) or not _NAME.fullmatch(name):
        raise ValueError(f"name of a gate must be 1 to 64 characters in one line, known at synth, got {name!r}")


def _check_counts(namespace: str, **metrics: str) -> None:
    """Refuse what no application can publish, and a count of itself.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
    """
    if not namespace.strip() or namespace.startswith("AWS/"):
        raise ValueError(f"namespace must be one of your own, without AWS/ at its beginning, got {namespace!r}")
    check_metric_names(namespace=namespace, **metrics)
    if len(set(metrics.values())) < len(metrics):
        raise ValueError(f"{' and '.join(metrics)} must be two metrics, got {next(iter(metrics.values()))!r} for both")


def default_gates() -> list[Gate]:
    """Return the gates of an endpoint whose caller names none: error rate and latency."""
    return [Gate.error_rate(), Gate.latency()]


def _at_least_one(name: str, value: float) -> float:
    if value < 1:
        raise ValueError(f"{name} must be 1 or more where a higher rate is worse, got {value}")
    return value


def _part(name: str, percent: float) -> float:
    if not 0 <= percent <= 100:  # noqa: PLR2004 - a percentage
        raise ValueError(f"{name} must be between 0 and 100, got {percent}")
    return percent / 100


def _seconds(duration: Duration | None) -> int:
    return 0 if duration is None else int(duration.to_seconds())
