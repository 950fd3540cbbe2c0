"""CloudWatch through its API, CloudFormation and SNS."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

DIMENSIONS = [{"Name": "EndpointName", "Value": "shop"}, {"Name": "VariantName", "Value": "variant-b"}]


def metric(query_id: str, name: str, stat: str = "Sum", namespace: str = "Shop") -> dict[str, Any]:
    source = {"Namespace": namespace, "MetricName": name, "Dimensions": DIMENSIONS}
    return {"Id": query_id, "MetricStat": {"Metric": source, "Period": 60, "Stat": stat}}


def values(playground: Any, *queries: dict[str, Any]) -> dict[str, list[float]]:
    now = time.time()
    answer = playground.client("cloudwatch").get_metric_data(
        MetricDataQueries=list(queries), StartTime=now - 600, EndTime=now + 60, ScanBy="TimestampAscending"
    )
    return {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}


@pytest.fixture(scope="module")
def published(playground: Any) -> Any:
    moment = time.time() - 120
    data = [
        {"MetricName": "Requests", "Values": [1.0], "Counts": [100.0]},
        {"MetricName": "Errors", "Values": [0.0, 1.0], "Counts": [90.0, 10.0]},
        {"MetricName": "Latency", "Values": [10.0, 20.0, 1000.0], "Counts": [50.0, 49.0, 1.0]},
    ]
    playground.client("cloudwatch").put_metric_data(
        Namespace="Shop", MetricData=[{**datum, "Dimensions": DIMENSIONS, "Timestamp": moment} for datum in data]
    )
    return playground


def test_statistics_percentiles_and_expressions_are_answered(published: Any) -> None:
    found = values(
        published,
        metric("requests", "Requests"),
        metric("errors", "Errors"),
        metric("p50", "Latency", "p50"),
        metric("fast", "Latency", "PR(:20)"),
        {"Id": "rate", "Expression": "100 * errors / requests"},
    )
    assert found == {"requests": [100.0], "errors": [10.0], "p50": [15.0], "fast": [99.0], "rate": [10.0]}


def test_an_unknown_statistic_answers_nothing(published: Any) -> None:
    assert values(published, metric("m1", "Latency", "TM(10%:90%)")) == {"m1": []}


def test_threshold_statistics_of_sagemaker_answer_nothing(playground: Any) -> None:
    playground.sandbox.metrics.record(
        namespace="AWS/SageMaker",
        name="ModelLatency",
        dimensions={item["Name"]: item["Value"] for item in DIMENSIONS},
        timestamp=time.time() - 120,
        values={5.0: 3},
        unit="Microseconds",
    )
    queries = [metric("all", "ModelLatency", "SampleCount", "AWS/SageMaker")]
    queries.append(metric("slow", "ModelLatency", "TC(1:)", "AWS/SageMaker"))
    assert values(playground, *queries) == {"all": [3.0], "slow": []}


def test_a_wrong_expression_is_a_validation_error(playground: Any) -> None:
    with pytest.raises(ClientError, match="not the id of another"):
        values(playground, {"Id": "e1", "Expression": "e1 + 1"})


def test_metric_statistics_and_listing(published: Any) -> None:
    cloudwatch, now = published.client("cloudwatch"), time.time()
    answer = cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="Errors",
        Dimensions=DIMENSIONS,
        StartTime=now - 600,
        EndTime=now,
        Period=60,
        Statistics=["Average", "Maximum"],
    )
    (point,) = answer["Datapoints"]
    assert (point["Average"], point["Maximum"]) == (0.1, 1.0)
    listed = cloudwatch.list_metrics(Namespace="Shop", Dimensions=[{"Name": "VariantName"}])["Metrics"]
    assert [found["MetricName"] for found in listed] == ["Errors", "Latency", "Requests"]


def alarm_stack(threshold: str) -> dict[str, Any]:
    """Numbers as text, as templates may carry them."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "page"}}
    rate = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Metrics": [
                {**metric("errors", "LiveErrors"), "ReturnData": "false"},
                {"Id": "doubled", "Expression": "FILL(errors, 0) * 2"},
            ],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": threshold,
            "EvaluationPeriods": "1",
            "AlarmActions": [{"Ref": "Topic"}],
        },
    }
    rule = {"Fn::Sub": 'ALARM("${Rate.Arn}") OR FALSE'}
    either = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": "either", "AlarmRule": rule}}
    dashboard = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": '{"widgets": []}'}}
    return {
        "Resources": {"Topic": topic, "Rate": rate, "Either": either, "Dashboard": dashboard},
        "Outputs": {"Rate": {"Value": {"Ref": "Rate"}}},
    }


def test_alarms_of_a_stack_change_state_tell_their_topic_and_the_bus(playground: Any) -> None:
    cloudwatch, sqs, sns = (playground.client(name) for name in ("cloudwatch", "sqs", "sns"))
    inbox = playground.inbox("alarms", {"source": ["aws.cloudwatch"]})
    assert playground.deploy("alarms", alarm_stack("5")) == "CREATE_COMPLETE"
    assert playground.deploy("alarms", alarm_stack("7.5"), update=True) == "UPDATE_COMPLETE"
    name = playground.client("cloudformation").describe_stacks(StackName="alarms")["Stacks"][0]["Outputs"][0]
    alarm = name["OutputValue"]
    url = sqs.create_queue(QueueName="pages")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="page")["TopicArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    described = cloudwatch.describe_alarms(AlarmNames=[alarm, "either"])
    assert [found["Threshold"] for found in described["MetricAlarms"]] == [7.5]
    assert described["CompositeAlarms"] == []
    both = cloudwatch.describe_alarms(AlarmNames=[alarm, "either"], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert [found["AlarmName"] for found in both["CompositeAlarms"]] == ["either"]

    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="drill")
    (message,) = playground.eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert json.loads(json.loads(message["Body"])["Message"])["NewStateValue"] == "ALARM"
    told = [(event["detail"]["alarmName"], event["detail"]["state"]["value"]) for event in inbox()]
    assert told == [("either", "OK"), (alarm, "ALARM"), ("either", "ALARM")]
    history = cloudwatch.describe_alarm_history(AlarmName="either")["AlarmHistoryItems"]
    assert history[0]["HistorySummary"] == "Alarm updated from OK to ALARM"

    playground.client("cloudformation").delete_stack(StackName="alarms")
    playground.eventually(lambda: not cloudwatch.describe_alarms(AlarmNamePrefix=alarm)["MetricAlarms"])


def test_tags_of_an_alarm_can_be_read_and_changed(playground: Any) -> None:
    cloudwatch = playground.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="tagged",
        Namespace="Shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["tagged"])["MetricAlarms"]
    cloudwatch.tag_resource(ResourceARN=alarm["AlarmArn"], Tags=[{"Key": "level", "Value": "1"}])
    cloudwatch.untag_resource(ResourceARN=alarm["AlarmArn"], TagKeys=["team"])
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "level", "Value": "1"}]
    cloudwatch.disable_alarm_actions(AlarmNames=["tagged"])
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["tagged"])["MetricAlarms"]
    assert alarm["ActionsEnabled"] is False


def test_an_alarm_invokes_a_function_that_permits_it(playground: Any) -> None:
    code = 'import boto3\ndef handle(event, context):\n    boto3.client("ssm").put_parameter(Name=event["AlarmName"], '
    code += 'Value=event["NewStateValue"], Type="String")\n'
    function = playground.function("woken", code, role=playground.role("woken", "ssm:PutParameter"))
    playground.client("lambda").add_permission(
        FunctionName="woken",
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
    )
    cloudwatch, ssm = playground.client("cloudwatch"), playground.client("ssm")
    cloudwatch.put_metric_alarm(
        AlarmName="waking",
        Namespace="Shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[function],
    )
    cloudwatch.set_alarm_state(AlarmName="waking", StateValue="ALARM", StateReason="drill")
    (parameter,) = playground.eventually(lambda: ssm.get_parameters(Names=["waking"])["Parameters"])
    assert parameter["Value"] == "ALARM"
