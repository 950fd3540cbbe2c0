"""How often SageMaker publishes its metrics, in seconds."""

from __future__ import annotations

METRIC_PERIODS = (10, 30, 60)


def check_metric_period(metric_period: int) -> None:
    """Refuse a period that SageMaker or the alarms do not know.

    Raises:
        ValueError: when it is not 10, 30 or 60.
    """
    if metric_period not in METRIC_PERIODS:
        raise ValueError(f"metric_period must be 10, 30 or 60 seconds, got {metric_period}")
