"""What a rollout costs, at list prices of us-east-1 in US dollars.

Sources: https://aws.amazon.com/sagemaker/pricing/ (real-time inference),
https://aws.amazon.com/step-functions/pricing/, https://aws.amazon.com/lambda/pricing/ (arm64),
https://aws.amazon.com/dynamodb/pricing/on-demand/ and https://aws.amazon.com/cloudwatch/pricing/
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

WRITTEN_DOWN = "2026-11-28"
"""When these prices were written down."""
_WRITTEN_DOWN: Mapping[str, float] = {
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.c5.large": 0.102,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.g4dn.xlarge": 0.7364,
    "ml.g5.xlarge": 1.408,
}
COPIED = "2024-06-11"
"""When these were written down by AWS's own samples. Source:
https://github.com/aws-samples/foundation-model-benchmarking-tool (src/fmbench/configs/pricing.yml, commit 00ef155d)"""
_COPIED: Mapping[str, float] = {
    "ml.g4dn.12xlarge": 4.89,
    "ml.g5.2xlarge": 1.515,
    "ml.g5.12xlarge": 7.09,
    "ml.g5.24xlarge": 10.18,
    "ml.g5.48xlarge": 20.36,
    "ml.g6.2xlarge": 1.222,
    "ml.g6.12xlarge": 5.752,
    "ml.g6.16xlarge": 4.246,
    "ml.g6.24xlarge": 8.344,
    "ml.g6.48xlarge": 16.688,
    "ml.inf2.xlarge": 0.99,
    "ml.inf2.8xlarge": 2.36,
    "ml.inf2.24xlarge": 7.79,
    "ml.inf2.48xlarge": 15.58,
}
INSTANCE_HOUR: Mapping[str, float] = {**_COPIED, **_WRITTEN_DOWN}
STATE_TRANSITION = 0.000025
LAMBDA_REQUEST = 0.0000002
LAMBDA_MEGABYTE_SECOND = 0.0000133334 / 1024
DYNAMODB_CALL = 0.000000625
METRIC_READ = 0.00001
STATISTICS_OF_A_METRIC = 5
"""So many statistics of one metric are read for the price of one in a call of `GetMetricData`."""
ALARM_METRIC_MONTH = 0.10
"""Of one metric of an alarm at standard resolution; an alarm on an expression pays for each metric in it."""
DASHBOARD_MONTH = 3.0

SECONDS_PER_HOUR = 3600


def instances(instance_type: str, instance_seconds: float) -> float | None:
    """Return what instances cost; `None` for a type whose price is not known here.

    >>> instances("ml.m5.xlarge", 7200), instances("ml.p9.large", 7200)
    (0.46, None)
    """
    hour = INSTANCE_HOUR.get(instance_type)
    return None if hour is None else hour * instance_seconds / SECONDS_PER_HOUR


def as_of(instance_type: str) -> str | None:
    """Return when the price of a type was written down; `None` for a type whose price is not known here.

    >>> as_of("ml.m5.xlarge"), as_of("ml.g6.2xlarge"), as_of("ml.p9.large")
    ('2026-11-28', '2024-06-11', None)
    """
    if instance_type in _WRITTEN_DOWN:
        return WRITTEN_DOWN
    return COPIED if instance_type in _COPIED else None


def metrics_read(queries: Sequence[Mapping[str, Any]]) -> int:
    """Return how many metrics a call of `GetMetricData` is charged for: not by calls, nor by what is found.

    >>> statistics = ["p50", "p90", "p99", "Maximum", "Sum", "SampleCount"]
    >>> latency = {"MetricName": "ModelLatency", "Dimensions": [{"Name": "VariantName", "Value": "variant-a"}]}
    >>> metrics_read([{"MetricStat": {"Metric": latency, "Stat": statistic}} for statistic in statistics])
    2
    """
    asked = Counter(repr(query["MetricStat"]["Metric"]) for query in queries)
    return sum(ceil(statistics / STATISTICS_OF_A_METRIC) for statistics in asked.values())


def orchestration(
    *,
    state_transitions: int,
    lambda_requests: int,
    lambda_megabyte_seconds: float,
    ledger_calls: int,
    metrics: int,
) -> float:
    """Return what state machine, handlers, ledger and metric reads cost. `metrics`: as `metrics_read` counts them."""
    return (
        STATE_TRANSITION * state_transitions
        + LAMBDA_REQUEST * lambda_requests
        + LAMBDA_MEGABYTE_SECOND * lambda_megabyte_seconds
        + DYNAMODB_CALL * ledger_calls
        + METRIC_READ * metrics
    )
