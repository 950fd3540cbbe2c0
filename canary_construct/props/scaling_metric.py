"""A metric of the caller that the number of instances follows, as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from canary_construct.border import checked
from canary_construct.props.metric_names import check_dimensions, check_metric_names

if TYPE_CHECKING:
    from collections.abc import Mapping


class MetricStatistic(StrEnum):
    """The statistics that target tracking takes.

    Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_CustomizedMetricSpecification.html
    """

    AVERAGE = "Average"
    MAXIMUM = "Maximum"
    MINIMUM = "Minimum"
    SAMPLE_COUNT = "SampleCount"
    SUM = "Sum"


@checked()
@dataclass(frozen=True, kw_only=True)
class ScalingMetric:
    """A CloudWatch metric of each variant that target tracking keeps at `target`.

    It must have the dimensions `EndpointName` and `VariantName`: each variant follows its own. Twice the instances must
    halve it, as they halve what a GPU has to do.

    Args:
        namespace: of the metric
        metric_name: in the namespace
        target: in the metric's unit, above 0
        statistic: of each minute (`MetricStatistic`); left out, the average
        dimensions: of the metric, besides the two; left out, none

    Raises:
        ValueError: when CloudWatch takes no such name, the target is not above 0 and finite, or `dimensions` has
            endpoint or variant.

    Source:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
    """

    namespace: str
    metric_name: str
    target: float
    statistic: MetricStatistic = MetricStatistic.AVERAGE
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_metric_names(namespace=self.namespace, metric_name=self.metric_name)
        check_target("target", self.target)
        check_dimensions(self.dimensions)


def check_target(name: str, value: float) -> None:
    """Refuse a target that no metric can be kept at.

    Raises:
        ValueError: when it is not above 0 and finite.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0, got {value:g}")
