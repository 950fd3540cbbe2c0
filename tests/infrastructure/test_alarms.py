import json
from typing import Any

import pytest

from canary_construct import AlarmThresholds
from canary_construct.slot_alarms import EVALUATION_PERIODS
from tests.infrastructure.synthesis import ENDPOINT, Resources, named, of_type, properties, resources_of, text

pytestmark = pytest.mark.xdist_group("graph")

ALARM = "AWS::CloudWatch::Alarm"
KINDS = ("ErrorRate", "Latency", "Throughput")


@pytest.fixture(scope="module")
def strict() -> Resources:
    thresholds = AlarmThresholds(
        error_rate_percent=1, p99_latency_ms=250, traffic_share_deviation_percent=20, min_requests=40
    )
    return resources_of(alarm_thresholds=thresholds, metric_period=10)


def expression(alarm: dict[str, Any]) -> str:
    (returned,) = [query["Expression"] for query in alarm["Metrics"] if query.get("ReturnData", True)]
    return str(returned)


def metrics(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {query["Id"]: query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query}


@pytest.mark.parametrize("letter", ["A", "B"])
@pytest.mark.parametrize(
    ("kind", "datapoints", "periods"), [("ErrorRate", 1, 1), ("Latency", 2, 3), ("Throughput", 3, 3)]
)
def test_an_alarm_goes_off_above_its_limit_in_m_of_n_periods_and_not_in_silence(
    resources: Resources, letter: str, kind: str, datapoints: int, periods: int
) -> None:
    alarm = named(resources, f"Alarms{letter}{kind}", ALARM)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["EvaluationPeriods"] == periods <= EVALUATION_PERIODS
    assert alarm.get("DatapointsToAlarm", periods) == datapoints


@pytest.mark.parametrize("letter", ["A", "B"])
def test_every_metric_of_an_alarm_is_of_this_endpoint_at_the_metric_period(strict: Resources, letter: str) -> None:
    for kind in KINDS:
        for metric in metrics(named(strict, f"Alarms{letter}{kind}", ALARM)).values():
            dimensions = {d["Name"]: d["Value"] for d in metric["Metric"]["Dimensions"]}
            assert dimensions["EndpointName"] == ENDPOINT
            assert dimensions["VariantName"] in {"variant-a", "variant-b"}
            assert metric["Period"] == 10


def test_the_thresholds_are_in_percent_and_milliseconds(strict: Resources) -> None:
    thresholds = [named(strict, f"AlarmsA{kind}", ALARM)["Threshold"] for kind in KINDS]
    assert thresholds == [1, 250, 20]


def test_errors_count_the_endpoints_and_the_models_own_but_not_the_callers(resources: Resources) -> None:
    names = {name: stat["Metric"]["MetricName"] for name, stat in metrics(alarm_b(resources, "ErrorRate")).items()}
    assert {name: metric for name, metric in names.items() if name.endswith("_b")} == {
        "n_b": "Invocations",
        "e5_b": "Invocation5XXErrors",
        "em_b": "InvocationModelErrors",
        "e4_b": "Invocation4XXErrors",
    }
    assert _failed("b") in expression(alarm_b(resources, "ErrorRate"))


def test_errors_and_latency_are_compared_with_the_other_slots_where_that_has_enough_requests(
    resources: Resources,
) -> None:
    assert expression(alarm_b(resources, "ErrorRate")) == (
        f"IF(n_b >= 25, {_failed('b')} - IF(FILL(n_a, 0) >= 25, {_failed('a')}, 0), 0)"
    )
    assert expression(alarm_b(resources, "Latency")) == (
        "IF(n_b >= 25, p99_b / 1000 - IF(FILL(n_a, 0) >= 25, p99_a / 1000, 0), 0)"
    )


def test_latency_is_the_99th_percentile(resources: Resources) -> None:
    assert metrics(alarm_b(resources, "Latency"))["p99_b"]["Stat"] == "p99"


def alarm_b(resources: Resources, kind: str) -> dict[str, Any]:
    return named(resources, f"AlarmsB{kind}", ALARM)


def _failed(slot: str) -> str:
    by_model = f"(FILL(em_{slot}, 0) - FILL(e4_{slot}, 0))"
    return f"100 * IF(FILL(e5_{slot}, 0) > {by_model}, FILL(e5_{slot}, 0), {by_model}) / n_{slot}"


def test_throughput_compares_the_share_of_requests_with_the_weight_that_the_rollout_publishes(
    resources: Resources,
) -> None:
    alarm = named(resources, "AlarmsAThroughput", ALARM)
    total = "(FILL(n_a, 0) + n_b)"
    assert expression(alarm) == (
        f"IF({total} * w_a / 100 >= 25, 100 * ABS(100 * FILL(n_a, 0) / {total} - w_a) / w_a, 0)"
    )
    assert metrics(alarm)["w_a"]["Metric"]["Namespace"] == "CanaryConstruct"


@pytest.mark.parametrize("kind", KINDS)
def test_no_alarm_speaks_with_fewer_requests_than_its_floor(strict: Resources, kind: str) -> None:
    assert ">= 40" in expression(named(strict, f"AlarmsB{kind}", ALARM))


def test_an_alarm_stays_within_ten_metrics(resources: Resources) -> None:
    assert all(len(alarm["Properties"]["Metrics"]) <= 10 for alarm in of_type(resources, ALARM).values())


def test_the_dashboard_puts_the_slots_side_by_side_and_shows_every_alarm(resources: Resources) -> None:
    body = json.loads(text(properties(resources, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    titles = [widget["properties"]["title"] for widget in body["widgets"]]
    assert titles == [
        "Share of requests",
        "Weight during a rollout",
        "Errors",
        "Latency p99",
        "Requests",
        "Instances",
        "Alarms",
    ]
    *graphs, alarms = body["widgets"]
    assert all("variant-a" in str(graph) and "variant-b" in str(graph) for graph in graphs)
    assert len(alarms["properties"]["alarms"]) == 6
