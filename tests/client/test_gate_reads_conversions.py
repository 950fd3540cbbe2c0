"""The counts that the client publishes are those that the gate reads, whole pairs however late users convert."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import Duration
from canary_construct_client import Conversions, MetricDataPublisher
from rollout.contract.exposure import Exposure, Served
from rollout.contract.timing import METRICS_SETTLED_SECONDS
from rollout.evidence.reader import EvidenceReader
from rollout.evidence.window import Window
from rollout.gates import Counts

from canary_construct import Gate
from canary_tools.aws_models.cloudwatch.metric_api import MetricApi
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import RealClock

NOON = 1_800_000_000  # a whole minute
DELAY_MINUTES = 30


class CloudWatch:
    """The sandbox's CloudWatch without its wire: both calls, as boto3's client has them."""

    def __init__(self) -> None:
        self._api = MetricApi(
            store=MetricStore(), clock=RealClock(), undocumented=Undocumented(threshold_statistics=True)
        )

    def put_metric_data(self, **request: Any) -> None:
        self._api.put_metric_data(request)

    def get_paginator(self, operation: str) -> "CloudWatch":
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        times = {name: request[name].timestamp() for name in ("StartTime", "EndTime")}
        answer = self._api.get_metric_data({**request, **times})
        for result in answer["MetricDataResults"]:
            result["Timestamps"] = [datetime.fromtimestamp(moment, UTC) for moment in result["Timestamps"]]
        yield answer


class Clock:
    seconds = float(NOON)

    def __call__(self) -> float:
        return self.seconds


def shop(cloudwatch: CloudWatch, clock: Clock, *, period: int) -> None:
    """Show 40 of stable and 10 of the canary in one period; half and a fifth of them convert 25 minutes later."""
    with Conversions(
        endpoint_name="recommender",
        namespace="Shop",
        shown="Shown",
        converted="Bought",
        storage_resolution=60 if period == 60 else 1,
        publish=MetricDataPublisher(cloudwatch),
        now=clock,
    ) as conversions:
        shown = {
            variant: [conversions.record_shown(variant) for _ in range(count)]
            for variant, count in (("variant-a", 40), ("variant-b", 10))
        }
        clock.seconds += 25 * 60
        for variant, converting in (("variant-a", 20), ("variant-b", 2)):
            for shown_at in shown[variant][:converting]:
                conversions.record_conversion(variant, shown_at=shown_at)


@pytest.mark.parametrize("period", [10, 60])
def test_a_period_s_pair_is_complete_when_the_delay_is_over(period: int) -> None:
    cloudwatch, clock = CloudWatch(), Clock()
    shop(cloudwatch, clock, period=period)
    gate = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.minutes(DELAY_MINUTES))
    reader = EvidenceReader("recommender", sources={gate.name: gate.source}, period_seconds=period, client=cloudwatch)
    due = (NOON + DELAY_MINUTES * 60) // period
    settled = (due + 5) * period + METRICS_SETTLED_SECONDS
    exposure = Exposure(percent=20, served=(Served(0, 20),))
    evidence = reader.read(
        Window(begun=due - 5, first=due - 5, now=settled, step=1, exposure=exposure),
        stable="variant-a",
        canary="variant-b",
    )
    (minute,) = evidence.minutes
    assert minute.number == due
    assert minute.counts_of("conversion") == Counts(10, 2, 40, 20)
