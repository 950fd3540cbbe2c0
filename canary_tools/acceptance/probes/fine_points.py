"""A question to CloudWatch about points under a minute, with a metric of this command's own."""

import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.waiting import wait_for

NAMESPACE, METRIC = "CanaryAcceptance", "Probe"
_PERIOD_SECONDS = 10
_RECENT_SECONDS, _OLD_SECONDS = 600, 4 * 3600
"""Points under a minute are kept for three hours. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html"""
_PATIENCE_SECONDS = 180.0


def asked_from_before_their_time(scene: Scene) -> Said:
    """Ask for a point of a minute ago in a query that starts before points of its kind are kept."""
    cloudwatch, name = scene.client("cloudwatch"), f"{scene.endpoint_name}-{METRIC}"
    datum = {"MetricName": name, "Timestamp": datetime.now(UTC), "Value": 1.0, "StorageResolution": 1}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    wait_for(
        lambda: _points(cloudwatch, name, _RECENT_SECONDS) or None,
        what="a point of a metric of our own",
        seconds=_PATIENCE_SECONDS,
        look_again=1.0,
    )
    try:
        found = _points(cloudwatch, name, _OLD_SECONDS)
    except ClientError as error:
        return Said(sentence=str(error), value="refused")
    return Said(sentence=f"{found} points", value="points" if found else "nothing")


def _points(cloudwatch: Any, name: str, seconds_back: int) -> int:
    now = time.time()
    metric = {"Namespace": NAMESPACE, "MetricName": name}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Sum"}}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query],
        StartTime=datetime.fromtimestamp(now - seconds_back, UTC),
        EndTime=datetime.fromtimestamp(now + _PERIOD_SECONDS, UTC),
    )
    return len(answer["MetricDataResults"][0]["Values"])
