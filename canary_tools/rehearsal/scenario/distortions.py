"""Metric values that no healthy service publishes."""

from collections.abc import Callable, Mapping

Values = Mapping[float, int]
Distortion = Callable[[str, Values], Values]

LARGEST = 2.0**360
"""The largest value that CloudWatch takes; it refuses what is no number. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""
ERRORS_OF_A_REQUEST = 10.0


def _negative(_name: str, values: Values) -> Values:
    return {-value: count for value, count in values.items()}


def _more_errors_than_requests(name: str, values: Values) -> Values:
    return {ERRORS_OF_A_REQUEST: sum(values.values())} if "Error" in name else values


def _enormous(_name: str, values: Values) -> Values:
    return {LARGEST: sum(values.values())}


DISTORTIONS: Mapping[str, Distortion] = {
    "negate-metrics": _negative,
    "inflate-errors": _more_errors_than_requests,
    "blow-up-metrics": _enormous,
}
"""What happens to the values of a metric, by the name of the control that begins it."""
