"""The invocation metrics that SageMaker publishes for each variant."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from canary_tools.aws_models.sagemaker.config_rules import publish_period_seconds
from canary_tools.aws_models.sagemaker.variants import Fleet
from canary_tools.clock import Clock

NAMESPACE = "AWS/SageMaker"
_SUB_MINUTE_RESOLUTION = 1
_MINUTE = 60
_HTTP_OK = range(200, 300)
_HTTP_CLIENT_ERROR = range(400, 500)
_HTTP_SERVER_ERROR = range(500, 600)
_COUNTS = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
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
class MetricSource:
    """What publishes invocation metrics: a variant under an endpoint config.

    Attributes:
        period_seconds: how often the metrics are published.
    """

    endpoint_name: str
    variant_name: str
    config_name: str
    period_seconds: int


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


@dataclass
class _Period:
    start: float
    values: defaultdict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    count: int = 0


class InvocationMetrics:
    """Counts invocations per variant and publishes the counts after the end of each period.

    Of two periods without traffic, one is published as zeros and the next one not at all. SageMaker does either, so
    no reader may rely on one of them.

    Args:
        record: stores the published values.
        delay_seconds: from the end of a period until its values are visible.

    Attributes:
        serves: tells whether a variant without traffic is still in service. Publishing ends when it is not.
        on_invocation: each is called with the source and the number of invocations of an observation.
    """

    def __init__(self, *, clock: Clock, record: RecordMetric, delay_seconds: float) -> None:
        self._clock = clock
        self._record = record
        self._delay = delay_seconds
        self._open: dict[MetricSource, _Period] = {}
        self._silent_periods: Counter[MetricSource] = Counter()
        self.serves: Callable[[MetricSource], bool] = lambda _source: True
        self.on_invocation: list[Callable[[MetricSource, int], None]] = []

    def watch(self, source: MetricSource) -> None:
        """Begin to publish for a variant. A second call for the same variant does nothing."""
        if source not in self._open:
            self._begin(source)

    def observe(self, source: MetricSource, invocation: ServedInvocation, *, count: int = 1) -> None:
        """Count one invocation, or `count` equal invocations, at the clock's present time."""
        self.watch(source)
        period = self._open[source]
        period.count += count
        for name, value in _values(invocation).items():
            period.values[name][value] += count
        for listener in self.on_invocation:
            listener(source, count)

    def _begin(self, source: MetricSource) -> None:
        start = self._clock.now() // source.period_seconds * source.period_seconds
        period = self._open[source] = _Period(start)
        self._clock.call_at(start + source.period_seconds, lambda: self._end(source, period))

    def _end(self, source: MetricSource, period: _Period) -> None:
        if not period.count and not self.serves(source):
            del self._open[source]
            return
        self._begin(source)
        if not period.count:
            self._silent_periods[source] += 1
            if self._silent_periods[source] % 2:
                return
            period.values.update({name: Counter({0.0: 1}) for name in _COUNTS})
        self._clock.call_at(period.start + source.period_seconds + self._delay, lambda: self._store(source, period))

    def _store(self, source: MetricSource, period: _Period) -> None:
        variant = {"EndpointName": source.endpoint_name, "VariantName": source.variant_name}
        release = {**variant, "EndpointConfigName": source.config_name}
        resolution = _MINUTE if source.period_seconds >= _MINUTE else _SUB_MINUTE_RESOLUTION
        for name, values in period.values.items():
            for dimensions in (variant, release):
                self._record(
                    namespace=NAMESPACE, name=name, dimensions=dimensions, timestamp=period.start, values=values,
                    unit=_UNITS.get(name, "None"), storage_resolution=resolution,
                )  # fmt: skip


def metric_source(endpoint_name: str, fleet: Fleet, variant_name: str) -> MetricSource:
    """Return the source of a variant's metrics."""
    return MetricSource(
        endpoint_name=endpoint_name,
        variant_name=variant_name,
        config_name=fleet.config_name,
        period_seconds=publish_period_seconds(fleet.config),
    )


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
