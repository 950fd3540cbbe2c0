"""CloudWatch metrics of one slot.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from rollout.contract.names import (
    ENDPOINT_DIMENSION,
    INVOCATIONS,
    OWN_NAMESPACE,
    SAGEMAKER_NAMESPACE,
    TRAFFIC_SHARE,
    VARIANT_DIMENSION,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canary_construct.props.slot import Slot

COMPARABLE_PART = 10
"""A slot is compared with one that has at least a tenth of its requests, however few those are."""
CHANCE_SIGMAS = 4
"""Two slots that fail alike differ by more in about one of 30,000 periods; an outage of both lasts for some dozen."""


@dataclass(frozen=True, kw_only=True)
class SlotMetrics:
    """The metrics of one slot of one endpoint, at one period.

    Request counts that an alarm divides by are never filled: a period that is not published yet would count as one
    without requests, and the newest period, which an alarm looks at, would always look healthy.
    """

    endpoint_name: str
    slot: Slot
    period_seconds: int

    def metric(self, name: str, *, statistic: str = "Sum", namespace: str = SAGEMAKER_NAMESPACE) -> cloudwatch.Metric:
        """Return one metric as it is published."""
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map={ENDPOINT_DIMENSION: self.endpoint_name, VARIANT_DIMENSION: self.slot.value},
            statistic=statistic,
            period=self._period(),
            label=f"{self.slot.value} {name}",
        )

    def error_rate(self) -> cloudwatch.MathExpression:
        """Return failed requests in percent of all.

        Model errors contain the model's own 4XX, which belong to the caller, and its 5XX.
        """
        requests, failed, metrics = self._requests_and_failed()
        return self._expression(
            f"IF({requests} > 0, 100 * {failed} / {requests}, 0)", label="errors (%)", metrics=metrics
        )

    def error_rate_beyond_other(self, *, min_requests: int) -> cloudwatch.MathExpression:
        """Return how many percentage points more of its requests fail than of the other slot's.

        What harms both slots cancels: 0 where the difference is within `CHANCE_SIGMAS` standard errors of slots that
        fail alike. 0 also in periods with fewer requests than `min_requests`; the other slot counts as faultless in
        periods in which it has too few to compare with. While only a part of a period is published there is no value.
        """
        n, failed, metrics = self._requests_and_failed()
        others, others_failed, other_metrics = self._of_other()._requests_and_failed()  # noqa: SLF001 - the same class
        rate, other_rate = f"100 * {failed} / {n}", f"100 * {others_failed} / {others}"
        apart = f"({failed} * {others} - {others_failed} * {n})"
        both, both_failed = f"({n} + {others})", f"({failed} + {others_failed})"
        by_chance = f"{CHANCE_SIGMAS**2} * {n} * {others} * {both_failed} * ({both} - {both_failed})"
        beyond = f"IF({apart} * {apart} * {both} > {by_chance}, {rate} - {other_rate}, 0)"
        (others_errors,) = self._of_other()._ids("em")  # noqa: SLF001 - the same class
        return self._once_published(
            f"IF({n} >= {min_requests}, IF({_comparable(n, others, min_requests)}, {beyond}, {rate}), 0)",
            own=n,
            of_other=(others, others_errors),
            label="errors beyond the other slot (percentage points)",
            metrics=metrics | other_metrics,
        )

    def latency_ms(self, percentile: float) -> cloudwatch.MathExpression:
        """Return a percentile of the model latency in milliseconds; CloudWatch has it in microseconds.

        Raises:
            ValueError: when the percentile is not above 0 and below 100.
        """
        requests, latency, metrics = self._requests_and_latency(percentile)
        return self._expression(
            f"IF({requests} > 0, {latency}, 0)", label=f"p{percentile:g} latency (ms)", metrics=metrics
        )

    def latency_ms_beyond_other(self, percentile: float, *, min_requests: int) -> cloudwatch.MathExpression:
        """Return how many milliseconds a percentile of the model latency is above the other slot's.

        Periods with few requests, and half-published ones, count as in `error_rate_beyond_other`.
        """
        requests, latency, metrics = self._requests_and_latency(percentile)
        others, other_latency, other_metrics = self._of_other()._requests_and_latency(percentile)  # noqa: SLF001 - the same class
        other = f"IF({_comparable(requests, others, min_requests)}, {other_latency}, 0)"
        return self._once_published(
            f"IF({requests} >= {min_requests}, {latency} - {other}, 0)",
            own=requests,
            of_other=tuple(other_metrics),
            label=f"p{percentile:g} latency beyond the other slot (ms)",
            metrics=metrics | other_metrics,
        )

    def traffic_share(self) -> cloudwatch.MathExpression:
        """Return this slot's requests in percent of the endpoint's."""
        requests, total, metrics = self._requests_and_total()
        return self._expression(
            f"IF({total} > 0, 100 * {requests} / {total}, 0)", label="share of requests (%)", metrics=metrics
        )

    def traffic_share_deviation(self, *, min_requests: int) -> cloudwatch.MathExpression:
        """Return how far the share of requests is from the weight, in percent of the weight.

        The weight is published by the rollout while it watches a step; 0 while fewer than `min_requests` requests are
        expected in a period.
        """
        requests, total, metrics = self._requests_and_total(others_published=True)
        (w,) = self._ids("w")
        return self._expression(
            f"IF({total} * {w} / 100 >= {min_requests}, 100 * ABS(100 * {requests} / {total} - {w}) / {w}, 0)",
            label="deviation of share from weight (%)",
            metrics={**metrics, w: self.weight()},
        )

    def weight(self) -> cloudwatch.Metric:
        """Return the slot's weight as a rollout publishes it while it watches a step, in percent."""
        return self.metric(TRAFFIC_SHARE, statistic="Average", namespace=OWN_NAMESPACE)

    def instances(self) -> cloudwatch.MathExpression:
        """Return the instances that answered, from requests and requests per instance."""
        n, i = self._ids("n", "i")
        return self._expression(
            f"IF({i} > 0, {n} / {i}, 0)",
            label="instances",
            metrics={n: self.metric(INVOCATIONS), i: self.metric("InvocationsPerInstance")},
        )

    def _once_published(
        self,
        expression: str,
        *,
        own: str,
        of_other: Sequence[str],
        label: str,
        metrics: Mapping[str, cloudwatch.IMetric],
    ) -> cloudwatch.MathExpression:
        """Return an expression without the periods of which a slot that serves has published nothing or a part.

        The slots are published one after the other. Where one is late, what harms both would look like the fault of
        the one that is not. Whether the other slot serves is said by the weight that a rollout publishes; without a
        rollout, it does not. To divide by zero leaves a period out, and an alarm then judges by the ones before.
        Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html and
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        """
        (w,) = self._ids("w")
        alone = f"FILL(FILL({w}, REPEAT), 100) >= 100"
        compared = " && ".join(f"(FILL({name}, -1) >= 0)" for name in of_other)
        return self._expression(
            f"({expression}) / ((FILL({own}, -1) >= 0) && (({alone}) || ({compared})))",
            label=label,
            metrics={**metrics, w: self.weight()},
        )

    def _requests_and_failed(self) -> tuple[str, str, dict[str, cloudwatch.IMetric]]:
        """Return the identifiers of the slot's requests and of those that failed, and what is behind them."""
        n, failed, e5, em, e4 = self._ids("n", "failed", "e5", "em", "e4")
        by_model = f"(FILL({em}, 0) - FILL({e4}, 0))"
        counted = self._expression(
            f"IF(FILL({e5}, 0) > {by_model}, FILL({e5}, 0), {by_model})",
            label="failed requests",
            metrics={
                e5: self.metric("Invocation5XXErrors"),
                em: self.metric("InvocationModelErrors"),
                e4: self.metric("Invocation4XXErrors"),
            },
        )
        return n, failed, {n: self.metric(INVOCATIONS), failed: counted}

    def _requests_and_latency(self, percentile: float) -> tuple[str, str, dict[str, cloudwatch.IMetric]]:
        """Return the slot's requests and a percentile of its latency in milliseconds, and the metrics in them."""
        if not 0 < percentile < 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percentile must be above 0 and below 100, got {percentile:g}")
        n, p = self._ids("n", f"p{percentile:g}".replace(".", "_"))
        metrics: dict[str, cloudwatch.IMetric] = {
            n: self.metric(INVOCATIONS),
            p: self.metric("ModelLatency", statistic=f"p{percentile:g}"),
        }
        return n, f"{p} / 1000", metrics

    def _requests_and_total(self, *, others_published: bool = False) -> tuple[str, str, dict[str, cloudwatch.IMetric]]:
        """Return the slot's requests and the endpoint's as expressions, and the metrics in them.

        A slot without requests may publish nothing. Where an alarm asks, the other slot must have published.
        """
        other = self._of_other()
        own, others = self._ids("n")[0], other._ids("n")[0]  # noqa: SLF001 - the same class
        metrics: dict[str, cloudwatch.IMetric] = {own: self.metric(INVOCATIONS), others: other.metric(INVOCATIONS)}
        of_others = others if others_published else f"FILL({others}, 0)"
        return f"FILL({own}, 0)", f"(FILL({own}, 0) + {of_others})", metrics

    def _ids(self, *names: str) -> list[str]:
        """Return identifiers that do not meet the other slot's in one graph."""
        return [f"{name}_{self.slot.name.lower()}" for name in names]

    def _of_other(self) -> SlotMetrics:
        return SlotMetrics(endpoint_name=self.endpoint_name, slot=self.slot.other, period_seconds=self.period_seconds)

    def _expression(
        self, expression: str, *, label: str, metrics: Mapping[str, cloudwatch.IMetric]
    ) -> cloudwatch.MathExpression:
        return cloudwatch.MathExpression(
            expression=expression,
            using_metrics=dict(metrics),
            label=f"{self.slot.value} {label}",
            period=self._period(),
        )

    def _period(self) -> Duration:
        return Duration.seconds(self.period_seconds)


def _comparable(requests: str, others: str, min_requests: int) -> str:
    """Return the condition that the other slot has requests enough to compare with."""
    return f"FILL({others}, 0) >= {min_requests} || FILL({others}, 0) * {COMPARABLE_PART} >= {requests}"
