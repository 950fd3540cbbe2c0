import json
from typing import Any

import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Template

from canary_construct import AlarmThresholds, Gate
from canary_construct.watching.slot_alarms import EVALUATION_PERIODS
from canary_tools.aws_models.cloudwatch.math_syntax import parse
from canary_tools.aws_models.cloudwatch.math_values import Evaluator
from tests.infrastructure.synthesis import (
    ENDPOINT,
    Resources,
    declare,
    named,
    of_type,
    properties,
    rendered,
    resources_of,
    stack,
    text,
)

pytestmark = pytest.mark.xdist_group("graph")

ALARM = "AWS::CloudWatch::Alarm"
KINDS = ("ErrorRate", "Latency")
SLOTS = {"A": "variant-a", "B": "variant-b"}


@pytest.fixture(scope="module")
def strict() -> Resources:
    thresholds = AlarmThresholds(error_rate_percent=1, p99_latency_ms=250, min_requests=40)
    return resources_of(alarm_thresholds=thresholds, metric_period=10)


def expression(alarm: dict[str, Any]) -> str:
    (written,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    return str(written)


def metrics(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {query["Id"]: query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query}


@pytest.mark.parametrize("letter", SLOTS)
@pytest.mark.parametrize(("kind", "datapoints"), [("ErrorRate", 1), ("Latency", 2)])
def test_an_alarm_goes_off_above_its_limit_in_m_of_n_periods_and_not_in_silence(
    resources: Resources, letter: str, kind: str, datapoints: int
) -> None:
    alarm = named(resources, f"Alarms{letter}{kind}", ALARM)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["EvaluationPeriods"] == EVALUATION_PERIODS
    assert alarm["DatapointsToAlarm"] == datapoints


def test_a_slot_has_two_alarms_and_an_endpoint_twelve_alarm_metrics(resources: Resources) -> None:
    """Each metric of an alarm is paid for. Source: https://aws.amazon.com/cloudwatch/pricing/."""
    alarms = of_type(resources, ALARM).values()
    assert len(alarms) == len(SLOTS) * len(KINDS)
    assert sum(len(metrics(alarm["Properties"])) for alarm in alarms) == 12


@pytest.mark.parametrize(("letter", "slot"), SLOTS.items())
def test_every_metric_of_an_alarm_is_of_its_slot_at_the_metric_period(
    strict: Resources, letter: str, slot: str
) -> None:
    for kind in KINDS:
        for metric in metrics(named(strict, f"Alarms{letter}{kind}", ALARM)).values():
            dimensions = {d["Name"]: d["Value"] for d in metric["Metric"]["Dimensions"]}
            assert dimensions == {"EndpointName": ENDPOINT, "VariantName": slot}
            assert metric["Metric"]["Namespace"] == "AWS/SageMaker"
            assert metric["Period"] == 10


def test_the_thresholds_are_in_percent_and_milliseconds(strict: Resources) -> None:
    thresholds = [named(strict, f"AlarmsA{kind}", ALARM)["Threshold"] for kind in KINDS]
    assert thresholds == [1, 250]


def test_an_alarm_says_what_a_person_would_say(strict: Resources) -> None:
    told = [named(strict, f"AlarmsB{kind}", ALARM)["AlarmDescription"] for kind in KINDS]
    assert told == [
        "variant-b: more than 1 % of 40 or more requests in a metric period failed",
        "variant-b: p99 of the model latency of 40 or more requests in a metric period is above 250 ms",
    ]
    assert [expression(named(strict, f"AlarmsB{kind}", ALARM)) for kind in KINDS] == [
        "IF(n_b >= 40, 100 * IF(e5_b > em_b - e4_b, e5_b, em_b - e4_b) / n_b, 0)",
        "IF(s_b >= 40, p99_b / 1000, 0)",
    ]


def test_errors_count_the_endpoints_and_the_models_own_but_not_the_callers(resources: Resources) -> None:
    found = metrics(alarm_b(resources, "ErrorRate"))
    assert {name: (stat["Metric"]["MetricName"], stat["Stat"]) for name, stat in found.items()} == {
        "n_b": ("Invocations", "Sum"),
        "e5_b": ("Invocation5XXErrors", "Sum"),
        "em_b": ("InvocationModelErrors", "Sum"),
        "e4_b": ("Invocation4XXErrors", "Sum"),
    }


def test_latency_is_the_99th_percentile_of_as_many_samples(resources: Resources) -> None:
    found = metrics(alarm_b(resources, "Latency"))
    assert {name: (stat["Metric"]["MetricName"], stat["Stat"]) for name, stat in found.items()} == {
        "s_b": ("ModelLatency", "SampleCount"),
        "p99_b": ("ModelLatency", "p99"),
    }


@pytest.mark.parametrize(
    ("n", "e5", "em", "e4", "percent"),
    [
        (100, 60, 0, 0, 60.0),
        (100, 0, 60, 0, 60.0),
        (100, 60, 60, 0, 60.0),
        (100, 0, 60, 60, 0.0),
        (100, 5, 60, 50, 10.0),
        (24, 24, 0, 0, 0.0),
        (25, 25, 0, 0, 100.0),
        (0, 0, 0, 0, 0.0),
        (None, None, None, None, None),
    ],
)
def test_the_error_rate_is_failed_requests_of_enough(
    resources: Resources, n: float | None, e5: float | None, em: float | None, e4: float | None, percent: float | None
) -> None:
    series = {"n_b": at_0(n), "e5_b": at_0(e5), "em_b": at_0(em), "e4_b": at_0(e4)}
    assert evaluated(alarm_b(resources, "ErrorRate"), series) == percent


@pytest.mark.parametrize(("samples", "p99_us", "p99_ms"), [(25, 15e6, 15e3), (24, 15e6, 0.0), (None, None, None)])
def test_latency_is_in_milliseconds_of_enough(
    resources: Resources, samples: float | None, p99_us: float | None, p99_ms: float | None
) -> None:
    assert evaluated(alarm_b(resources, "Latency"), {"s_b": at_0(samples), "p99_b": at_0(p99_us)}) == p99_ms


def at_0(value: float | None) -> dict[float, float]:
    return {} if value is None else {0.0: float(value)}


def evaluated(alarm: dict[str, Any], series: dict[str, dict[float, float]]) -> float | None:
    """Return the value of the alarm's expression in one period."""
    result = Evaluator((0.0,), 60, dict(series)).evaluate(parse(expression(alarm)))
    assert isinstance(result, dict)
    return result.get(0.0)


def alarm_b(resources: Resources, kind: str) -> dict[str, Any]:
    return named(resources, f"AlarmsB{kind}", ALARM)


def test_the_dashboard_puts_the_slots_side_by_side_and_shows_every_alarm(resources: Resources) -> None:
    widgets = json.loads(text(properties(resources, "AWS::CloudWatch::Dashboard")["DashboardBody"]))["widgets"]
    heading, *shown = widgets
    titles = [widget["properties"]["title"] for widget in shown]
    assert titles == [
        "Rollout of recommender",
        "Share of requests of recommender",
        "Requests of recommender",
        "Errors of recommender",
        "Latency p99 of recommender",
        "Refused requests of recommender",
        "Instances of recommender",
        "Alarms of the variants of recommender",
    ]
    rollout, *graphs, alarms = shown
    assert rollout["type"] == "custom"
    assert all("variant-a" in str(graph) and "variant-b" in str(graph) for graph in graphs)
    assert len(alarms["properties"]["alarms"]) == 4
    assert "`variant-a` has release **<" in heading["properties"]["markdown"]
    assert ".VersionA>" in heading["properties"]["markdown"]


def test_the_dashboard_shows_thresholds_conversions_and_the_alarms_of_the_caller() -> None:
    shop = stack()
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Complaints")
    given, added = (
        cloudwatch.Alarm(shop, name, metric=metric, threshold=1, evaluation_periods=1) for name in ("Given", "Added")
    )
    conversion = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought")
    thresholds = AlarmThresholds(error_rate_percent=7, p99_latency_ms=900)
    endpoint = declare(shop, alarms=[given], gates=[conversion], alarm_thresholds=thresholds)
    endpoint.add_alarm(added)

    body = text(named(rendered(shop), "Dashboard", "AWS::CloudWatch::Dashboard")["DashboardBody"])

    shown = {widget["properties"].get("title", ""): widget["properties"] for widget in json.loads(body)["widgets"]}
    limits = [shown[f"{kind} of recommender"]["annotations"]["horizontal"] for kind in ("Errors", "Latency p99")]
    assert [[line["value"] for line in lines] for lines in limits] == [[7], [900]]
    assert "Bought" in str(shown["conversion: Bought of Shown of recommender"]["metrics"])
    assert body.count('"Alarm that rolls back of recommender"') == 2


def test_a_deploy_prints_endpoint_dashboard_and_command() -> None:
    shop = stack()
    declare(shop)
    outputs = Template.from_stack(shop).to_json()["Outputs"]
    told = {name[:-8]: text(output["Value"]) for name, output in outputs.items()}
    assert told == {
        "RecommenderEndpointOutput": "recommender",
        "RecommenderDashboardOutput": "https://console.aws.amazon.com/cloudwatch/home?region=<AWS::Region>"
        "#dashboards/dashboard/recommender-<AWS::Region>",
        "RecommenderCommandOutput": "canary --region <AWS::Region> --endpoint recommender watch",
    }
