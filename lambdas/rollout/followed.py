"""How many instances the traffic needs by the metrics that scaling follows, such as concurrent requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock
from rollout.contract.errors import Throttled, Unavailable
from rollout.contract.names import INVOCATIONS, SAGEMAKER_NAMESPACE
from rollout.contract.plan import FollowedMetric
from rollout.metrics import MINUTE, query_id, slot_dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.endpoint import EndpointView
    from rollout.world import World

TRAFFIC_WINDOW_SECONDS = 300
_REQUESTS, _PER_INSTANCE = (
    FollowedMetric(namespace=SAGEMAKER_NAMESPACE, name=name, statistic="Sum", target=1)
    for name in (INVOCATIONS, "InvocationsPerInstance")
)
"""Each request adds 1 to the first and 1 / instances to the second. So their ratio is how many instances served.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"""


def followed_instances(world: World, view: EndpointView, *, unknown: float = 0) -> float:
    """Return the instances that the traffic of both slots needs by the metrics that scaling follows.

    Target tracking takes it that twice the instances halve a metric. So a slot needs `instances * metric / target`, and
    the traffic needs what both slots need together. The busiest minute and the metric that asks for most count.

    `unknown`: what a metric asks for of which no minute has come, for each slot with requests.
    """
    follows = world.settings.scaling.follows
    if not follows:
        return 0
    read, now = [_REQUESTS, _PER_INSTANCE, *follows], clock.now()
    queries = [_query(view.name, slot, metric, number) for slot in view.variants for number, metric in enumerate(read)]
    try:
        minutes = world.metrics.by_minute(queries, now - TRAFFIC_WINDOW_SECONDS, now)
    except (Throttled, Unavailable):
        return unknown
    needs = [[_need(read, number, minute, view) for minute in minutes] for number in range(len(read))]
    return max(max((need for need in found if need is not None), default=unknown) for found in needs[2:])


def _query(endpoint: str, slot: str, metric: FollowedMetric, number: int) -> dict[str, object]:
    others = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
    asked = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [*slot_dimensions(endpoint, slot), *others],
    }
    stat = {"Metric": asked, "Period": MINUTE, "Stat": metric.statistic}
    return {"Id": f"{query_id(slot)}_{number}", "MetricStat": stat}


def _need(read: Sequence[FollowedMetric], number: int, minute: Mapping[str, float], view: EndpointView) -> float | None:
    """Return the instances that a metric asks for in a minute. A slot without requests needs none.

    No more instances served than there are now: during a rollout none are taken away.
    """
    need = 0.0
    for slot, variant in view.variants.items():
        requests, per_instance, value = (minute.get(f"{query_id(slot)}_{one}") for one in (0, 1, number))
        if requests == 0 or (requests is None and not variant.serves):
            continue
        if requests is None or value is None:
            return None
        served_by = min(requests / per_instance, variant.instances) if per_instance else variant.instances
        need += served_by * value / read[number].target
    return need
