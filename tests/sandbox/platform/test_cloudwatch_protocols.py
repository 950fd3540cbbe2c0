"""The same calls in each protocol that a client may speak."""

import time
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

PROTOCOLS = ["json", "query", "smithy-rpc-v2-cbor"]


@pytest.fixture(params=PROTOCOLS)
def cloudwatch(request: pytest.FixtureRequest, playground: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of its own, which knows one protocol only."""
    monkeypatch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", [request.param])
    return boto3.Session().client(
        "cloudwatch",
        endpoint_url=playground.sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_metric_data_goes_in_and_comes_out(cloudwatch: Any, request: pytest.FixtureRequest) -> None:
    now, dimensions = time.time(), [{"Name": "Test", "Value": request.node.name}]
    moment = datetime.fromtimestamp(now - 120, UTC)
    datum = {"MetricName": "m & n", "Dimensions": dimensions, "Timestamp": moment}
    cloudwatch.put_metric_data(Namespace="Wire", MetricData=[{**datum, "Values": [1.0, 2.0], "Counts": [1.0, 3.0]}])
    metric = {"Namespace": "Wire", "MetricName": "m & n", "Dimensions": dimensions}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
            {"Id": "e1", "Expression": "m1 * 2"},
        ],
        StartTime=now - 600,
        EndTime=now,
    )
    (result,) = answer["MetricDataResults"]
    assert result["Values"] == [14.0]
    assert result["Timestamps"][0] == moment.replace(second=0, microsecond=0)


def test_alarms_are_put_and_described(cloudwatch: Any, request: pytest.FixtureRequest) -> None:
    name = request.node.name
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Wire",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1.5,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=["arn:aws:sns:us-east-1:000000000000:page"],
    )
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["EvaluationPeriods"], alarm["Threshold"], alarm["ActionsEnabled"]) == (2, 1.5, True)
    assert alarm["StateUpdatedTimestamp"].timestamp() == pytest.approx(time.time(), abs=30)


def test_refusals_have_their_code_and_sentence(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match=r"ResourceNotFound.*alarm gone does not exist"):
        cloudwatch.set_alarm_state(AlarmName="gone", StateValue="OK", StateReason="none")
