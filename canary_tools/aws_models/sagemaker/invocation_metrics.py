"""The invocation metrics that SageMaker publishes for each variant."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rollout.contract.names import SAGEMAKER_NAMESPACE

from canary_tools.aws_models.sagemaker.metric_delays import MetricDelay
from canary_tools.aws_models.sagemaker.metric_source import MetricSource
from canary_tools.aws_models.undocumented import IdleVariant, Undocumented
from canary_tools.clock import Clock

_SUB_MINUTE_RESOLUTION = 1
_MINUTE = 60
_MICROSECONDS = 1_000_000
_HTTP_OK = range(200, 300)
_HTTP_CLIENT_ERROR = range(400, 500)
_HTTP_SERVER_ERROR = range(500, 600)
_CONCURRENCY = "ConcurrentRequestsPerModel"
_COUNTS = (_CONCURRENCY, "Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}


class RecordMetric(Protocol):
    """Stores the observations of one publish period; `MetricStore.record` is one."""

    def __call__(
        self,
        *,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        timestamp: float,
        values: Mapping[float, int],
        unit: str,
        storage_resolution: int,
    ) -> None:
        """Store the observations; the parameters are those of `MetricStore.record`."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServedInvocation:
    """One request that a variant has served.

    Attributes:
        model_status: HTTP status of the model's answer; 0 for a time-out or a broken connection.
        model_microseconds: from handing the request to the container until its answer.
        overhead_microseconds: the time that SageMaker itself added.
        instance_count: the variant's instances in service.
    """

    model_status: int
    model_microseconds: int
    overhead_microseconds: int
    instance_count: int

    def busy_seconds(self, count: int) -> float:
        """Return for how long so many equal invocations together keep the model busy."""
        return count * self.model_microseconds / _MICROSECONDS


@dataclass
class _Period:
    start: float
    values: defaultdict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    count: int = 0
    busy_seconds: float = 0.0
    """Of the model's instances on average: for how long they worked on requests, counted once for each request."""


class InvocationMetrics:
    """Counts invocations per variant and publishes the counts after the end of each period.

    Concurrent requests are published once a period, as their average over it; SageMaker does so every ten seconds.
    The points of one period come one by one: each metric of each variant has a delay of its own, drawn anew for each
    period. A metric with an endpoint config as its third dimension is another metric.

    Args:
        record: stores the published values.
        delay: draws how long after the end of its period a point becomes visible.

    Attributes:
        serves: tells whether a variant without traffic is still in service. Publishing ends when it is not.
        on_invocation: each is called with the source, an invocation and how many equal ones there were.
    """

    def __init__(self, *, clock: Clock, record: RecordMetric, delay: MetricDelay, undocumented: Undocumented) -> None:
        self._clock = clock
        self._record = record
        self._delay = delay
        self._undocumented = undocumented
        self._open: dict[MetricSource, _Period] = {}
        self._silent_periods: Counter[MetricSource] = Counter()
        self._newest: dict[MetricSource, dict[tuple[str, int], float]] = {}
        self.serves: Callable[[MetricSource], bool] = lambda _source: True
        self.on_invocation: list[Callable[[MetricSource, ServedInvocation, int], None]] = []

    def watch(self, source: MetricSource) -> None:
        """Begin to publish for a variant. A second call for the same variant does nothing."""
        if source not in self._open:
            self._begin(source)

    def observe(self, source: MetricSource, invocation: ServedInvocation, *, count: int = 1) -> None:
        """Count one invocation, or `count` equal invocations, at the clock's present time."""
        self.watch(source)
        period = self._open[source]
        period.count += count
        period.busy_seconds += invocation.busy_seconds(count) / invocation.instance_count
        for name, value in _values(invocation).items():
            period.values[name][value] += count
        for listener in self.on_invocation:
            listener(source, invocation, count)

    def _begin(self, source: MetricSource) -> None:
        start = self._clock.now() // source.period_seconds * source.period_seconds
        period = self._open[source] = _Period(start)
        self._clock.call_at(start + source.period_seconds, lambda: self._end(source, period))

    def _end(self, source: MetricSource, period: _Period) -> None:
        if not period.count and not self.serves(source):
            del self._open[source]
            self._newest.pop(source, None)
            return
        self._begin(source)
        if period.count:
            period.values[_CONCURRENCY][period.busy_seconds / source.period_seconds] += 1
            self._publish(source, period)
        elif self._publishes_zeros(source):
            period.values.update({name: Counter({0.0: 1}) for name in _COUNTS})
            self._publish(source, period)

    def _publishes_zeros(self, source: MetricSource) -> bool:
        self._silent_periods[source] += 1
        idle = self._undocumented.idle_variant
        every_other = idle is IdleVariant.EVERY_OTHER_PERIOD and self._silent_periods[source] % 2 == 0
        return idle is IdleVariant.ZEROS or every_other

    def _publish(self, source: MetricSource, period: _Period) -> None:
        variant = {"EndpointName": source.endpoint_name, "VariantName": source.variant_name}
        release = {**variant, "EndpointConfigName": source.config_name}
        for name, values in period.values.items():
            for dimensions in (variant, release):
                for part in self._parts(values):
                    self._store_later(source, name, dimensions, period.start, part)

    def _parts(self, values: Counter[float]) -> list[Counter[float]]:
        if not self._undocumented.values_in_parts:
            return [values]
        first = Counter({value: (count + 1) // 2 for value, count in values.items()})
        return [first, values - first]

    def _store_later(
        self, source: MetricSource, name: str, dimensions: Mapping[str, str], start: float, values: Counter[float]
    ) -> None:
        resolution = _MINUTE if source.period_seconds >= _MINUTE else _SUB_MINUTE_RESOLUTION
        self._clock.call_at(
            self._visible(source, (name, len(dimensions)), start + source.period_seconds),
            lambda: self._record(
                namespace=SAGEMAKER_NAMESPACE, name=name, dimensions=dimensions, timestamp=start, values=values,
                unit=_UNITS.get(name, "None"), storage_resolution=resolution,
            ),
        )  # fmt: skip

    def _visible(self, source: MetricSource, metric: tuple[str, int], end: float) -> float:
        visible = end + self._delay(source)
        if not self._undocumented.periods_in_order:
            return visible
        newest = self._newest.setdefault(source, {})
        newest[metric] = max(visible, newest.get(metric, visible))
        return newest[metric]


def _values(invocation: ServedInvocation) -> dict[str, float]:
    """Return the value of each metric for one invocation.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """
    status = invocation.model_status
    return {
        "Invocations": 1.0,
        "InvocationsPerInstance": 1.0 / invocation.instance_count,
        "Invocation4XXErrors": float(status in _HTTP_CLIENT_ERROR),
        "Invocation5XXErrors": float(status in _HTTP_SERVER_ERROR),
        "InvocationModelErrors": float(status not in _HTTP_OK),
        "ModelLatency": float(invocation.model_microseconds),
        "OverheadLatency": float(invocation.overhead_microseconds),
    }
