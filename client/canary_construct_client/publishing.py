"""Where documents of the embedded metric format go."""

import json
import sys
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from canary_construct_client.embedded_metrics import Document, metric_data

METRICS_A_REQUEST = 500
"""PutMetricData takes 1,000 metrics and 1 MB.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""


def print_documents(documents: Sequence[Document]) -> None:
    """Print one document a line to standard output, which Lambda, ECS and the CloudWatch agent hand to CloudWatch Logs.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
    """
    lines = "".join(json.dumps(document, separators=(",", ":")) + "\n" for document in documents)
    sys.stdout.write(lines)
    sys.stdout.flush()


class MetricDataPublisher:
    """Sends the same counts with PutMetricData, for an application whose log does not reach CloudWatch Logs.

    `client` is boto3's `cloudwatch`. The call that publishes waits as long as its time-outs and repetitions let it.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, documents: Sequence[Document]) -> None:
        """Send the documents, in as few requests as the limits allow."""
        for namespace, group in groupby(documents, key=_namespace):
            data = [datum for document in group for datum in metric_data(document)]
            for first in range(0, len(data), METRICS_A_REQUEST):
                self._client.put_metric_data(Namespace=namespace, MetricData=data[first : first + METRICS_A_REQUEST])


def _namespace(document: Document) -> str:
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return str(directive["Namespace"])
