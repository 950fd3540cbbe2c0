import json
import random
from typing import Any

import pytest

from canary_construct import AlarmThresholds
from canary_construct.watching.slot_alarms import EVALUATION_PERIODS
from canary_tools.aws_models.cloudwatch.math_syntax import parse
from canary_tools.aws_models.cloudwatch.math_values import Evaluator
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
        "w_b": "TrafficShare",
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


@pytest.mark.parametrize(
    ("weight", "stable", "beyond"),
    [
        (50.0, (100, 60), 0.0),
        (50.0, None, None),
        (50.0, (100, None), None),
        (0.0, None, None),
        (100.0, None, 60.0),
        (100.0, (100, None), 60.0),
        (None, None, 60.0),
    ],
)
def test_the_error_rate_waits_for_a_slot_that_serves(
    resources: Resources, weight: float | None, stable: tuple[int, int | None] | None, beyond: float | None
) -> None:
    """A weight of 0 is a cohort's; none is published without a rollout."""
    assert watched(alarm_b(resources, "ErrorRate"), a=stable, b=(100, 60), weight=weight) == beyond


def test_the_weight_counts_until_the_next_one_is_published(resources: Resources) -> None:
    series = slot_series(a=None, b=None) | {"n_b": {60.0: 100.0}, "em_b": {60.0: 60.0}, "w_b": {0.0: 50.0}}
    assert evaluated(alarm_b(resources, "ErrorRate"), series, moments=(0.0, 60.0)) is None


def watched(
    alarm: dict[str, Any],
    *,
    a: tuple[int, int | None] | None,
    b: tuple[int, int | None] | None,
    weight: float | None = None,
) -> float | None:
    """Return what the alarm compares with its threshold in one period; slots are requests and failures."""
    return evaluated(alarm, slot_series(a=a, b=b) | {"w_b": at_0(weight)})


def slot_series(*, a: tuple[int, int | None] | None, b: tuple[int, int | None] | None) -> dict[str, dict[float, float]]:
    series: dict[str, dict[float, float]] = {}
    for slot, counts in (("a", a), ("b", b)):
        requests, failed = (None, None) if counts is None else counts
        series |= {f"n_{slot}": at_0(requests), f"em_{slot}": at_0(failed), f"e5_{slot}": {}, f"e4_{slot}": {}}
    return series


def at_0(value: float | None) -> dict[float, float]:
    return {} if value is None else {0.0: float(value)}


def evaluated(
    alarm: dict[str, Any], series: dict[str, dict[float, float]], *, moments: tuple[float, ...] = (0.0,)
) -> float | None:
    """Return the newest value of the alarm's expression."""
    known = dict(series)
    watched = expression(alarm)
    for name, formula in expressions(alarm).items():
        if formula != watched:
            found = Evaluator(moments, 60, known).evaluate(parse(formula))
            assert isinstance(found, dict)
            known[name] = found
    result = Evaluator(moments, 60, known).evaluate(parse(watched))
    assert isinstance(result, dict)
    return result.get(moments[-1])


def test_latency_is_compared_with_the_other_slots_where_that_has_enough_requests(resources: Resources) -> None:
    assert expression(alarm_b(resources, "Latency")).startswith(
        "(IF(n_b >= 25, p99_b / 1000 - IF(FILL(n_a, 0) >= 25 || FILL(n_a, 0) * 10 >= n_b, p99_a / 1000, 0), 0)) / "
    )


@pytest.mark.parametrize(
    ("weight", "stable", "beyond"),
    [
        (50.0, {"n": 100, "p99": 12_000_000}, 3000.0),
        (50.0, {"n": 100}, None),
        (50.0, {}, None),
        (50.0, {"n": 0}, None),
        (100.0, {}, 15_000.0),
        (None, {}, 15_000.0),
    ],
)
def test_latency_waits_for_a_slot_that_serves(
    resources: Resources, weight: float | None, stable: dict[str, float], beyond: float | None
) -> None:
    series = {
        "n_b": {0.0: 100.0}, "p99_b": {0.0: 15_000_000.0}, "w_b": at_0(weight),
        "n_a": at_0(stable.get("n")), "p99_a": at_0(stable.get("p99")),
    }  # fmt: skip
    assert evaluated(alarm_b(resources, "Latency"), series) == beyond


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
