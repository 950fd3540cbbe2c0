"""The metrics of the requests: what SageMaker publishes, and what the application counts."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from rollout.contract.gate_rules import PublishedCounts, Source

from canary_tools.aws_models.cloudwatch.metric_store import STANDARD_RESOLUTION, MetricStore
from canary_tools.aws_models.sagemaker.invocation_metrics import InvocationMetrics, ServedInvocation
from canary_tools.aws_models.sagemaker.metric_delays import MetricDelay
from canary_tools.aws_models.sagemaker.metric_source import MetricSource, metric_source
from canary_tools.aws_models.sagemaker.variants import Fleet, Variant
from canary_tools.clock import VirtualClock
from canary_tools.rehearsal.scenario import Scenario, behaviour_at
from canary_tools.rehearsal.scenario.distortions import Distortion, Values
from canary_tools.rehearsal.traffic import JUST_BEFORE, Served, Users
from canary_tools.rehearsal.traffic.latency import CENTRES_MS

_MICROSECONDS = 1000
_OVERHEAD_MICROSECONDS = 2000
_OK = 200
_FAILED = 500
_REFUSED = 400


class Gaps:
    """Keeps metric data out of the store while the scenario says that they are missing.

    `distortions`: what happens to the values at present, by release.
    """

    def __init__(self, store: MetricStore, scenario: Scenario, who: Callable[[str], str]) -> None:
        self._store = store
        self._missing = scenario.missing
        self._who = who
        self.zero = float("inf")
        self.distortions: dict[str, Distortion] = {}

    def record(
        self, *, timestamp: float, name: str, values: Values, dimensions: Mapping[str, str], **point: Any
    ) -> None:
        """Store the values of one publish period, unless they are missing."""
        second, who = timestamp - self.zero, self._who(dimensions["VariantName"])
        if any(missing.holds(second, who, name) for missing in self._missing):
            return
        if who in self.distortions:
            values = self.distortions[who](name, values)
        self._store.record(timestamp=timestamp, name=name, values=values, dimensions=dimensions, **point)


class Publisher:
    """Gathers what variants answered, and hands it over once a publish period."""

    def __init__(
        self,
        *,
        clock: VirtualClock,
        metrics: InvocationMetrics,
        gaps: Gaps,
        users: Users,
        scenario: Scenario,
        sources: Mapping[str, Source],
        period_seconds: int,
        delay: MetricDelay,
        canary_model: Any,
        generator: np.random.Generator,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._gaps = gaps
        self._users = users
        self._scenario = scenario
        self._pairs = [source for source in sources.values() if isinstance(source, PublishedCounts)]
        self._period = period_seconds
        self._delay = delay
        self._canary_model = canary_model
        self._generator = generator
        self._gathered: dict[tuple[MetricSource, int, str], Served] = {}
        users.listeners.append(self._gather)

    def begin(self) -> None:
        """Publish at the end of every period; must begin after the users do."""
        now = self._clock.now()
        self._clock.call_at(now - now % self._period + self._period - JUST_BEFORE / 2, self._hand_over)

    def _gather(self, fleet: Fleet, variant: Variant, served: Served) -> None:
        source = metric_source(self._users.endpoint_name, fleet, variant.name)
        key = (source, max(variant.current_count, 1), variant.model_name)
        self._gathered.setdefault(key, Served()).add(served)

    def _hand_over(self) -> None:
        self._clock.call_at(self._clock.now() + self._period, self._hand_over)
        start = float(round(self._clock.now())) - self._period
        for (source, instances, model), served in self._gathered.items():
            for invocation, count in _invocations(served, instances):
                self._metrics.observe(source, invocation, count=count)
            self._count_conversions(source, model, served, start)
        self._gathered.clear()

    def _count_conversions(self, source: MetricSource, model: str, served: Served, start: float) -> None:
        """Publish the application's own counts: requests answered, and those that converted."""
        if not self._pairs or not served.requests:
            return
        who = "canary" if model == self._canary_model() else "stable"
        rate = behaviour_at(self._scenario, who, self._users.second()).conversion_rate
        shown = served.requests - served.failed - served.refused
        converted = int(self._generator.binomial(shown, rate))
        for pair in self._pairs:
            dimensions = {"EndpointName": source.endpoint_name, "VariantName": source.variant_name}
            for name, value in ((pair.total, shown), (pair.counted, converted)):
                visible = start + self._period + self._delay(source)
                self._store_at(visible, pair.namespace, name, {**dimensions, **pair.dimensions}, value, start)

    def _store_at(
        self, visible: float, namespace: str, name: str, dimensions: Mapping[str, str], value: int, start: float
    ) -> None:
        self._clock.call_at(
            visible,
            lambda: self._gaps.record(
                namespace=namespace,
                name=name,
                dimensions=dimensions,
                timestamp=start,
                values={float(value): 1},
                unit="Count",
                storage_resolution=STANDARD_RESOLUTION if self._period >= STANDARD_RESOLUTION else 1,
            ),
        )


def _invocations(served: Served, instances: int) -> Iterator[tuple[ServedInvocation, int]]:
    counts = {(_OK, index): count for index, count in enumerate(served.latency.tolist()) if count}
    usual = int(np.searchsorted(np.cumsum(served.latency), served.latency.sum() / 2))
    counts |= {(status, usual): n for status, n in ((_FAILED, served.failed), (_REFUSED, served.refused)) if n}
    for (status, index), count in counts.items():
        microseconds = round(CENTRES_MS[min(index, len(CENTRES_MS) - 1)] * _MICROSECONDS)
        yield (
            ServedInvocation(
                model_status=status,
                model_microseconds=microseconds,
                overhead_microseconds=_OVERHEAD_MICROSECONDS,
                instance_count=instances,
            ),
            count,
        )
