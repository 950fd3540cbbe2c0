import json
import random
from typing import Any

import pytest

from canary_construct import AlarmThresholds
from canary_construct.slot_alarms import EVALUATION_PERIODS
from canary_tools.sandbox.cloudwatch.math_syntax import parse
from canary_tools.sandbox.cloudwatch.math_values import Evaluator
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


def expressions(alarm: dict[str, Any]) -> dict[str, str]:
    return {query["Id"]: query["Expression"] for query in alarm["Metrics"] if "Expression" in query}


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
    alarm = alarm_b(resources, "ErrorRate")
    names = {name: stat["Metric"]["MetricName"] for name, stat in metrics(alarm).items()}
    assert {name: metric for name, metric in names.items() if name.endswith("_b")} == {
        "n_b": "Invocations",
        "e5_b": "Invocation5XXErrors",
        "em_b": "InvocationModelErrors",
        "e4_b": "Invocation4XXErrors",
    }
    by_model = "(FILL(em_b, 0) - FILL(e4_b, 0))"
    assert expressions(alarm)["failed_b"] == f"IF(FILL(e5_b, 0) > {by_model}, FILL(e5_b, 0), {by_model})"


@pytest.mark.parametrize(
    ("canary", "stable", "beyond"),
    [
        ((100, 60), (900, 9), 59.0),
        ((100, 60), (900, 540), 0.0),
        ((40, 28), (40, 15), 0.0),
        ((4000, 2800), (4000, 1500), 32.5),
        ((25, 20), (25, 1), 76.0),
        ((24, 24), (900, 9), 0.0),
        ((100, 60), (24, 24), 0.0),
        ((30, 15), (24, 12), 0.0),
        ((26, 8), (24, 0), 0.0),
        ((250, 150), (24, 24), 60.0),
        ((100, 60), None, 60.0),
        (None, (900, 9), None),
        ((10**9, 10**9), (10**9, 0), 100.0),
    ],
)
def test_the_error_rate_is_compared_with_the_other_slots_by_more_than_chance(
    resources: Resources,
    canary: tuple[int, int] | None,
    stable: tuple[int, int] | None,
    beyond: float | None,
) -> None:
    assert watched(alarm_b(resources, "ErrorRate"), a=stable, b=canary) == beyond


def test_an_outage_of_both_slots_raises_no_alarm_however_few_requests_and_however_bad(resources: Resources) -> None:
    alarm, draw, rounds = alarm_b(resources, "ErrorRate"), random.Random(7), 2_000  # noqa: S311 - a fixed seed
    threshold = alarm["Threshold"]
    raised = 0
    for _ in range(rounds):
        rate, requests = draw.uniform(0.2, 0.8), (draw.randint(10, 100), draw.randint(25, 100))
        slots = [(count, sum(draw.random() < rate for _ in range(count))) for count in requests]
        value = watched(alarm, a=slots[0], b=slots[1])
        assert value is not None
        raised += value > threshold
    assert raised <= 1


def watched(alarm: dict[str, Any], *, a: tuple[int, int] | None, b: tuple[int, int] | None) -> float | None:
    """Return what the alarm compares with its threshold in one period; slots are requests and failures."""
    series: dict[str, dict[float, float]] = {}
    for slot, counts in (("a", a), ("b", b)):
        requests, failed = ({}, {}) if counts is None else ({0.0: float(counts[0])}, {0.0: float(counts[1])})
        series |= {f"n_{slot}": requests, f"em_{slot}": failed, f"e5_{slot}": {}, f"e4_{slot}": {}}
    values = expressions(alarm)
    for name in ("failed_a", "failed_b"):
        found = Evaluator((0.0,), 60, series).evaluate(parse(values[name]))
        assert isinstance(found, dict)
        series[name] = found
    result = Evaluator((0.0,), 60, series).evaluate(parse(expression(alarm)))
    assert isinstance(result, dict)
    return result.get(0.0)


def test_latency_is_compared_with_the_other_slots_where_that_has_enough_requests(resources: Resources) -> None:
    assert expression(alarm_b(resources, "Latency")) == (
        "IF(n_b >= 25, p99_b / 1000 - IF(FILL(n_a, 0) >= 25 || FILL(n_a, 0) * 10 >= n_b, p99_a / 1000, 0), 0)"
    )


def test_latency_is_the_99th_percentile(resources: Resources) -> None:
    assert metrics(alarm_b(resources, "Latency"))["p99_b"]["Stat"] == "p99"


def alarm_b(resources: Resources, kind: str) -> dict[str, Any]:
    return named(resources, f"AlarmsB{kind}", ALARM)


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


def test_an_alarm_stays_within_ten_metrics_and_ten_expressions(resources: Resources) -> None:
    for alarm in of_type(resources, ALARM).values():
        assert len(metrics(alarm["Properties"])) <= 10
        assert len(expressions(alarm["Properties"])) <= 10


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
