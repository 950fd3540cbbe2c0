"""What publishes invocation metrics."""

from dataclasses import dataclass

from canary_tools.aws_models.sagemaker.config_rules import publish_period_seconds
from canary_tools.aws_models.sagemaker.variants import Fleet


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


def metric_source(endpoint_name: str, fleet: Fleet, variant_name: str) -> MetricSource:
    """Return the source of a variant's metrics."""
    return MetricSource(
        endpoint_name=endpoint_name,
        variant_name=variant_name,
        config_name=fleet.config_name,
        period_seconds=publish_period_seconds(fleet.config),
    )
