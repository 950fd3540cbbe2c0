"""Documents in CloudWatch's embedded metric format: log lines from which CloudWatch Logs extracts metrics.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
(at most 100 metrics and 30 dimensions in a document, 100 values a metric, 1 MB)
"""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

_MILLISECONDS = 1000


def document(
    *,
    namespace: str,
    dimensions: Mapping[str, str],
    counts: Mapping[str, int],
    at: float,
    storage_resolution: int,
) -> Document:
    """Return one document: counts of one moment (seconds since the epoch) for one set of dimensions.

    The time stamp is that of the metrics, which may be earlier than that of the log line.
    """
    definitions = [{"Name": name, "Unit": "Count", "StorageResolution": storage_resolution} for name in counts]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": definitions}
    return {
        "_aws": {"Timestamp": round(at * _MILLISECONDS), "CloudWatchMetrics": [directive]},
        **dimensions,
        **counts,
    }


def metric_data(document: Document) -> list[dict[str, Any]]:
    """Return what a document says as `MetricData` of PutMetricData; the namespace stands in the document."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    (names,) = directive["Dimensions"]
    return [
        {
            "MetricName": metric["Name"],
            "Dimensions": [{"Name": name, "Value": document[name]} for name in names],
            "Timestamp": document["_aws"]["Timestamp"] / _MILLISECONDS,
            "Value": document[metric["Name"]],
            "Unit": metric["Unit"],
            "StorageResolution": metric["StorageResolution"],
        }
        for metric in directive["Metrics"]
    ]
