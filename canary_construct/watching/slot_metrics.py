"""CloudWatch metrics of one slot.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from rollout.contract.names import ENDPOINT_DIMENSION, INVOCATIONS, SAGEMAKER_NAMESPACE, VARIANT_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canary_construct.props.slot import Slot


@dataclass(frozen=True, kw_only=True)
class SlotMetrics:
    """The metrics of one slot of one endpoint, at one period."""

    endpoint_name: str
    slot: Slot
    period_seconds: int

    def metric(self, name: str, *, statistic: str = "Sum") -> cloudwatch.Metric:
        """Return one metric as SageMaker publishes it."""
        return cloudwatch.Metric(
            namespace=SAGEMAKER_NAMESPACE,
            metric_name=name,
            dimensions_map={ENDPOINT_DIMENSION: self.endpoint_name, VARIANT_DIMENSION: self.slot.value},
            statistic=statistic,
            period=self._period(),
            label=f"{self.slot.value} {name}",
        )

    def error_rate(self, *, min_requests: int = 1) -> cloudwatch.MathExpression:
        """Return failed requests in percent of all requests; 0 in a period with fewer than `min_requests`.

        The metric of model errors counts the model's own 4XX and 5XX. The 4XX are subtracted: they are the caller's.
        """
        n, e5, em, e4 = self._ids("n", "e5", "em", "e4")
        by_model = f"{em} - {e4}"
        return self._expression(
            f"IF({n} >= {min_requests}, 100 * IF({e5} > {by_model}, {e5}, {by_model}) / {n}, 0)",
            label="errors (%)",
            metrics={
                n: self.metric(INVOCATIONS),
                e5: self.metric("Invocation5XXErrors"),
                em: self.metric("InvocationModelErrors"),
                e4: self.metric("Invocation4XXErrors"),
            },
        )

    def refused_rate(self) -> cloudwatch.MathExpression:
        """Return answers with 4XX in percent of all requests."""
        n, e4 = self._ids("n", "e4")
        return self._expression(
            f"IF({n} > 0, 100 * {e4} / {n}, 0)",
            label="refused (%)",
            metrics={n: self.metric(INVOCATIONS), e4: self.metric("Invocation4XXErrors")},
        )

    def latency_ms(self, percentile: float, *, min_requests: int = 1) -> cloudwatch.MathExpression:
        """Return a percentile of the model latency in milliseconds; 0 in a period with fewer than `min_requests`.

        CloudWatch has microseconds. The number of requests is the number of samples of the same metric, so that both
        come at the same time.

        Raises:
            ValueError: when the percentile is not above 0 and below 100.
        """
        if not 0 < percentile < 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percentile must be above 0 and below 100, got {percentile:g}")
        s, p = self._ids("s", f"p{percentile:g}".replace(".", "_"))
        return self._expression(
            f"IF({s} >= {min_requests}, {p} / 1000, 0)",
            label=f"p{percentile:g} latency (ms)",
            metrics={
                s: self.metric("ModelLatency", statistic="SampleCount"),
                p: self.metric("ModelLatency", statistic=f"p{percentile:g}"),
            },
        )

    def traffic_share(self) -> cloudwatch.MathExpression:
        """Return this slot's requests in percent of the endpoint's. A slot without requests may publish no metric."""
        other = SlotMetrics(endpoint_name=self.endpoint_name, slot=self.slot.other, period_seconds=self.period_seconds)
        (own,), (others,) = self._ids("n"), other._ids("n")
        requests, total = f"FILL({own}, 0)", f"(FILL({own}, 0) + FILL({others}, 0))"
        return self._expression(
            f"IF({total} > 0, 100 * {requests} / {total}, 0)",
            label="share of requests (%)",
            metrics={own: self.metric(INVOCATIONS), others: other.metric(INVOCATIONS)},
        )

    def published_rate(
        self, namespace: str, *, counted: str, total: str, dimensions: Mapping[str, str]
    ) -> cloudwatch.MathExpression:
        """Return what the application counts for this slot, in percent of another count of it."""
        n, c = self._ids("n", "c")
        of_slot = {**dimensions, ENDPOINT_DIMENSION: self.endpoint_name, VARIANT_DIMENSION: self.slot.value}

        def published(name: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace=namespace, metric_name=name, dimensions_map=of_slot, statistic="Sum", period=self._period()
            )

        return self._expression(
            f"IF({n} > 0, 100 * {c} / {n}, 0)",
            label=f"{counted} (%)",
            metrics={n: published(total), c: published(counted)},
        )

    def instances(self) -> cloudwatch.MathExpression:
        """Return the number of instances that answered: requests divided by requests per instance."""
        n, i = self._ids("n", "i")
        return self._expression(
            f"IF({i} > 0, {n} / {i}, 0)",
            label="instances",
            metrics={n: self.metric(INVOCATIONS), i: self.metric("InvocationsPerInstance")},
        )

    def _ids(self, *names: str) -> list[str]:
        """Return identifiers that differ from the other slot's, for graphs that show both."""
        return [f"{name}_{self.slot.name.lower()}" for name in names]

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
