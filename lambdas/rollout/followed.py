"""How many instances the traffic needs by the metrics that scaling follows, such as concurrent requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout import clock
from rollout.contract.errors import Throttled, Unavailable
from rollout.contract.names import INVOCATIONS, SAGEMAKER_NAMESPACE
from rollout.contract.plan import FollowedMetric
from rollout.metrics import MINUTE, query_id, slot_dimensions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollout.contract.plan import Scaling
    from rollout.contract.scalings import Scalings
    from rollout.endpoint import EndpointView
    from rollout.world import World

TRAFFIC_WINDOW_SECONDS = 300
_REQUESTS, _PER_INSTANCE = (
    FollowedMetric(namespace=SAGEMAKER_NAMESPACE, name=name, statistic="Sum", target=1)
    for name in (INVOCATIONS, "InvocationsPerInstance")
)
"""Each request adds 1 to the first and 1 / instances to the second. So their ratio is how many instances served.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"""


def followed_instances(
    world: World, view: EndpointView, scalings: Scalings, *, slots: Sequence[str], full: str = ""
) -> dict[str, float]:
    """Return how many instances of each slot the traffic of both needs, by the metrics that its scaling follows.

    Target tracking takes it that twice the instances halve a metric. So the work in a minute is `instances * metric` of
    both slots together, and `work / target` instances of a kind do it. The busiest minute and the metric that asks for
    most count.

    `full`: the slot whose instances are taken to be at their targets, for a metric of which no minute has come.
    """
    follows = {slot: scalings.of(slot).follows for slot in slots}
    metrics = _each_once(metric for followed in follows.values() for metric in followed)
    works = _works(world, view, metrics) if metrics else []

    def need(metric: FollowedMetric) -> float:
        work = works[metrics.index(_without_target(metric))]
        if work is None:
            work = view.variants[full].instances * _target(scalings.of(full), metric) if full else 0
        return work / metric.target

    return {slot: max(map(need, followed), default=0) for slot, followed in follows.items()}


def _without_target(metric: FollowedMetric) -> FollowedMetric:
    return replace(metric, target=1)


def _each_once(metrics: Iterable[FollowedMetric]) -> list[FollowedMetric]:
    found: list[FollowedMetric] = []
    for metric in map(_without_target, metrics):
        if metric not in found:
            found.append(metric)
    return found


def _target(scaling: Scaling, metric: FollowedMetric) -> float:
    """Return the target that a slot has for a metric; the metric's own if its scaling follows others."""
    same = [each.target for each in scaling.follows if _without_target(each) == _without_target(metric)]
    return max(same, default=metric.target)


def _works(world: World, view: EndpointView, metrics: Sequence[FollowedMetric]) -> list[float | None]:
    """Return the work of the busiest minute by each metric; `None`: no minute of it has come."""
    read, now = [_REQUESTS, _PER_INSTANCE, *metrics], clock.now()
    queries = [_query(view.name, slot, metric, number) for slot in view.variants for number, metric in enumerate(read)]
    try:
        minutes = world.metrics.by_minute(queries, now - TRAFFIC_WINDOW_SECONDS, now)
    except (Throttled, Unavailable):
        return [None for _ in metrics]
    works = [[_work(number, minute, view) for minute in minutes] for number in range(len(read))]
    return [max((work for work in found if work is not None), default=None) for found in works[2:]]


def _query(endpoint: str, slot: str, metric: FollowedMetric, number: int) -> dict[str, object]:
    others = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
    asked = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [*slot_dimensions(endpoint, slot), *others],
    }
    stat = {"Metric": asked, "Period": MINUTE, "Stat": metric.statistic}
    return {"Id": f"{query_id(slot)}_{number}", "MetricStat": stat}


def _work(number: int, minute: Mapping[str, float], view: EndpointView) -> float | None:
    """Return the work of both slots in a minute. A slot without requests has none.

    No more instances served than there are now: during a rollout none are taken away.
    """
    work = 0.0
    for slot, variant in view.variants.items():
        requests, per_instance, value = (minute.get(f"{query_id(slot)}_{one}") for one in (0, 1, number))
        if requests == 0 or (requests is None and not variant.serves):
            continue
        if requests is None or value is None:
            return None
        served_by = min(requests / per_instance, variant.instances) if per_instance else variant.instances
        work += served_by * value
    return work
