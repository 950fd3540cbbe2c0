"""The requests of both slots in the newest metric periods, as CloudWatch counts them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollout.contract.names import INVOCATIONS, SAGEMAKER_NAMESPACE, SLOTS
from rollout.metrics import query_id, slot_dimensions

LOOK_BACK_SECONDS = 15 * 60


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Requests by slot in one metric period. `ended_at`: its end, in seconds since the epoch."""

    ended_at: float
    requests: Mapping[str, float]

    def percent(self, slot: str) -> float | None:
        """Return a slot's part of all requests; `None` without requests."""
        total = sum(self.requests.values())
        return None if not total else 100 * self.requests.get(slot, 0.0) / total


def newest_counts(client: Any, endpoint: str, *, period: int, now: float) -> list[Counts]:
    """Return the metric periods of the last quarter of an hour that have come, the newest first.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """
    answer = client.get_metric_data(
        MetricDataQueries=[_query(endpoint, slot, period) for slot in SLOTS],
        StartTime=datetime.fromtimestamp(now - LOOK_BACK_SECONDS, UTC),
        EndTime=datetime.fromtimestamp(now, UTC),
    )
    slots = {query_id(slot): slot for slot in SLOTS}
    found: defaultdict[float, dict[str, float]] = defaultdict(dict)
    for result in answer["MetricDataResults"]:
        for begun, value in zip(result["Timestamps"], result["Values"], strict=True):
            found[begun.timestamp() + period][slots[result["Id"]]] = value
    return [Counts(ended_at=end, requests=found[end]) for end in sorted(found, reverse=True)]


def complete(counts: Sequence[Counts], serving: Sequence[str]) -> Counts | None:
    """Return the newest period that every slot with weight has published; `None` when there is none."""
    return next((each for each in counts if set(serving) <= set(each.requests)), None)


def _query(endpoint: str, slot: str, period: int) -> dict[str, Any]:
    metric = {
        "Namespace": SAGEMAKER_NAMESPACE,
        "MetricName": INVOCATIONS,
        "Dimensions": slot_dimensions(endpoint, slot),
    }
    return {"Id": query_id(slot), "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}
