"""What an endpoint lets others do, see and hear."""

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from rollout.contract.events import Shown

from canary_construct import CanaryEndpoint, Slot
from tests.infrastructure.synthesis import (
    Resources,
    declare,
    named,
    only,
    properties,
    rendered,
    stack,
    statements,
    text,
)

pytestmark = pytest.mark.xdist_group("graph")
VIEWERS = ("Looker", "Presser")


@pytest.fixture(scope="module")
def shop() -> Stack:
    return stack()


@pytest.fixture(scope="module")
def endpoint(shop: Stack) -> CanaryEndpoint:
    return declare(shop, notification_topic=sns.Topic(shop, "Releases"))


@pytest.fixture(scope="module")
def resources(shop: Stack, endpoint: CanaryEndpoint) -> Resources:
    users = {name: iam.User(shop, name) for name in ("Shopper", "Operator", "Application", *VIEWERS)}
    endpoint.grant_view_dashboard(users["Looker"])
    endpoint.grant_operate_on_dashboard(users["Presser"])
    endpoint.grant_invoke(users["Shopper"])
    endpoint.grant_operate(users["Operator"])
    endpoint.grant_read_cohort(users["Application"])
    endpoint.on_rollout_event("Watch", target=targets.SnsTopic(sns.Topic(shop, "Watchers")), description="for the wall")
    return rendered(shop)


def allowed(resources: Resources, user: str) -> dict[str, list[str]]:
    return {
        action: statement["Resource"] for statement in statements(resources, user) for action in statement["Action"]
    }


def test_who_may_invoke_may_do_nothing_else(resources: Resources) -> None:
    name, _ = only(resources, "AWS::SageMaker::Endpoint")
    assert allowed(resources, "Shopper") == {"sagemaker:InvokeEndpoint": [f"<{name}>"]}


def test_who_operates_may_watch_start_and_abort_and_nothing_else(resources: Resources) -> None:
    machine_properties = properties(resources, "AWS::StepFunctions::StateMachine")
    table, _ = only(resources, "AWS::DynamoDB::Table")
    may = allowed(resources, "Operator")
    only_read = {
        "application-autoscaling:DescribeScalableTargets",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "servicequotas:ListServiceQuotas",
        "tag:GetResources",
    }
    assert {action for action, resources in may.items() if resources == ["*"]} == only_read
    assert set(may) - only_read == {
        "cloudformation:DescribeStacks",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "states:DescribeExecution",
        "states:DescribeStateMachine",
        "states:GetExecutionHistory",
        "states:ListExecutions",
        "states:StartExecution",
        "states:StopExecution",
    }
    declared = machine_properties["StateMachineName"]
    assert may["dynamodb:UpdateItem"] == [f"<{table}.Arn>"]
    assert [arn.rpartition("/")[2] for arn in may["sagemaker:DescribeEndpoint"]] == ["recommender"]
    assert [arn.rpartition(":")[2] for arn in may["states:StartExecution"]] == [declared]
    assert [arn.rpartition(":execution:")[2] for arn in may["states:StopExecution"]] == [f"{declared}:*"]


def test_an_operator_reads_the_configs_of_this_endpoint_only(resources: Resources) -> None:
    (configs,) = [s for s in statements(resources, "Operator") if "sagemaker:DescribeEndpointConfig" in s["Action"]]
    assert configs["Condition"] == {"StringEquals": {"aws:ResourceTag/canary-construct:endpoint": "recommender"}}


def test_tools_find_the_endpoint_by_the_tags_of_its_state_machine(resources: Resources) -> None:
    table, _ = only(resources, "AWS::DynamoDB::Table")
    tags = {tag["Key"]: text(tag["Value"]) for tag in properties(resources, "AWS::StepFunctions::StateMachine")["Tags"]}
    assert tags == {
        "canary-construct:endpoint": "recommender",
        "canary-construct:ledger": f"<{table}>",
        "canary-construct:stack-id": "<AWS::StackId>",
        "canary-construct:construct": "Shop/Recommender",
    }


def test_an_operator_reads_and_writes_the_records_of_this_endpoint_only(resources: Resources) -> None:
    (ledger,) = [s for s in statements(resources, "Operator") if "dynamodb:UpdateItem" in s["Action"]]
    assert ledger["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["recommender"]}}


def test_who_may_read_the_cohort_reads_records_of_this_endpoint_and_nothing_else(resources: Resources) -> None:
    (ledger,) = statements(resources, "Application")
    assert ledger["Action"] == ["dynamodb:GetItem"]
    assert ledger["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["recommender"]}}


def test_rollout_events_are_those_of_this_endpoint(resources: Resources) -> None:
    watch = named(resources, "RecommenderWatch", "AWS::Events::Rule")
    assert watch["EventPattern"] == {"source": ["canary-construct"], "detail": {"endpoint": ["recommender"]}}
    assert watch["Description"] == "for the wall"
    assert "Watchers" in text(watch["Targets"][0]["Arn"])


def test_the_dashboard_calls_a_function_that_reads_and_its_buttons_one_that_acts(resources: Resources) -> None:
    body = json.loads(text(properties(resources, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    (widget,) = [each["properties"] for each in body["widgets"] if each["type"] == "custom"]
    assert "ShowRollout" in widget["endpoint"]
    assert set(widget["params"]) == set(Shown.__annotations__) - {"describe", "widgetContext"}
    assert widget["params"]["endpoint"] == "recommender"
    assert "TakeOrder" in widget["params"]["orders"]
    assert widget["updateOn"] == {"refresh": True, "resize": False, "timeRange": False}
    assert {action for each in statements(resources, "ShowRolloutRole") for action in each["Action"]} == {
        "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "dynamodb:GetItem", "dynamodb:Query",
        "logs:CreateLogStream", "logs:PutLogEvents", "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig",
        "states:DescribeExecution", "states:DescribeStateMachine", "states:GetExecutionHistory",
    }  # fmt: skip
    machine, _ = only(resources, "AWS::StepFunctions::StateMachine")
    name = text(resources[machine]["Properties"]["StateMachineName"])
    (start,) = [each for each in statements(resources, "TakeOrderRole") if "states:StartExecution" in each["Action"]]
    assert start["Action"] == ["states:StartExecution"]
    assert text(start["Resource"][0]).endswith(f":stateMachine:*-{name.rpartition('-')[2]}")


def test_who_may_look_may_not_press_the_buttons(resources: Resources) -> None:
    looks, presses = (set(allowed(resources, user)["lambda:InvokeFunction"]) for user in VIEWERS)
    assert all("ShowRollout" in text(arn) for arn in looks)
    assert any("TakeOrder" in text(arn) for arn in presses)
    assert not any("TakeOrder" in text(arn) for arn in looks)
    assert set(allowed(resources, "Looker")) == set(allowed(resources, "Presser")) == {"lambda:InvokeFunction"}


def test_every_event_of_the_endpoint_goes_to_the_topic(resources: Resources) -> None:
    rule = named(resources, "Notification", "AWS::Events::Rule")
    assert rule["EventPattern"] == {"source": ["canary-construct"], "detail": {"endpoint": ["recommender"]}}
    permission = named(resources, "AnnounceRules", "AWS::Lambda::Permission")
    assert rule["Name"].endswith(text(permission["SourceArn"]).partition("*")[2])
    (target,) = rule["Targets"]
    assert "CanaryHandlersAnnounce" in text(target["Arn"])
    template = text(target["InputTransformer"]["InputTemplate"])
    assert '"detail":<detail>' in template
    assert "#dashboards/dashboard/recommender-" in template
    assert "#/v2/executions/details/arn:" in template
    assert set(target["InputTransformer"]["InputPathsMap"].values()) == {"$.detail-type", "$.detail"}


def test_the_announcer_may_publish_to_the_topic_and_nothing_else(resources: Resources) -> None:
    may = [statement["Action"] for statement in statements(resources, "AnnounceRole")]
    assert [actions for actions in may if "logs:PutLogEvents" not in actions] == [["sns:Publish"]]


def test_a_stack_without_a_topic_has_no_announcer() -> None:
    quiet = stack()
    declare(quiet)
    assert not [name for name in rendered(quiet) if "Announce" in name]


def test_a_rollout_event_without_a_target_is_a_rule_to_add_targets_to() -> None:
    rule = declare(Stack(App(), "Quiet")).on_rollout_event("Watch")
    assert rule.rule_arn


def metric_json(metric: cloudwatch.IMetric) -> dict[str, Any]:
    shop = stack()
    cloudwatch.Alarm(shop, "Alarm", metric=metric, threshold=1, evaluation_periods=1)
    return properties(rendered(shop), "AWS::CloudWatch::Alarm")


def test_a_metric_is_of_one_slot(endpoint: CanaryEndpoint) -> None:
    (query,) = metric_json(endpoint.metric("OverheadLatency", slot=Slot.B, statistic="p50"))["Metrics"]
    assert query["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "OverheadLatency",
            "Dimensions": [
                {"Name": "EndpointName", "Value": "recommender"},
                {"Name": "VariantName", "Value": "variant-b"},
            ],
        },
        "Period": 60,
        "Stat": "p50",
    }


def test_named_metrics_are_sums_rates_milliseconds_and_percent(endpoint: CanaryEndpoint) -> None:
    invocations = metric_json(endpoint.metric_invocations(slot=Slot.A))["Metrics"]
    assert invocations[0]["MetricStat"]["Stat"] == "Sum"
    latency = metric_json(endpoint.metric_latency(slot=Slot.A, percentile=99.9))["Metrics"]
    assert latency[0]["Expression"] == "IF(s_a >= 1, p99_9_a / 1000, 0)"
    errors = metric_json(endpoint.metric_error_rate(slot=Slot.A))["Metrics"]
    assert errors[0]["Expression"].startswith("IF(n_a >= 1, 100 * ")
    share = metric_json(endpoint.metric_traffic_share(slot=Slot.B))["Metrics"]
    total = "(FILL(n_b, 0) + FILL(n_a, 0))"
    assert share[0]["Expression"] == f"IF({total} > 0, 100 * FILL(n_b, 0) / {total}, 0)"


@pytest.mark.parametrize("percentile", [0, 100, -1])
def test_an_impossible_percentile_is_refused(endpoint: CanaryEndpoint, percentile: float) -> None:
    with pytest.raises(ValueError, match=f"^percentile must be above 0 and below 100, got {percentile}$"):
        endpoint.metric_latency(slot=Slot.A, percentile=percentile)


def test_the_endpoint_says_what_it_is_made_of(shop: Stack, endpoint: CanaryEndpoint, resources: Resources) -> None:
    name, _ = only(resources, "AWS::SageMaker::Endpoint")
    machine, _ = only(resources, "AWS::StepFunctions::StateMachine")
    assert endpoint.endpoint_name == "recommender"
    assert shop.resolve(endpoint.endpoint_arn) == {"Ref": name}
    assert shop.resolve(endpoint.state_machine.state_machine_arn) == {"Ref": machine}
    assert len(endpoint.alarms) == 4
    assert shop.resolve(endpoint.ledger.table_name)["Ref"].startswith("CanaryHandlersLedger")
    assert endpoint.dashboard.node.path == "Shop/Recommender/Dashboard"
