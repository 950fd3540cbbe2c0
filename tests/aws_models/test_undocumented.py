"""The switches for what AWS does not document: what each position does."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.cloudwatch.math_syntax import parse
from canary_tools.aws_models.cloudwatch.math_values import Evaluator
from canary_tools.aws_models.cloudwatch.metric_api import MetricApi
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.cloudwatch.statistics import statistic
from canary_tools.aws_models.sagemaker.invocation_metrics import InvocationMetrics, ServedInvocation
from canary_tools.aws_models.sagemaker.metric_delays import USUAL, DelayRange, around
from canary_tools.aws_models.sagemaker.metric_source import MetricSource
from canary_tools.aws_models.undocumented import (
    EmptyOperand,
    EmptyRange,
    FillOfNothing,
    IdleVariant,
    OldQuery,
    ScalingCollision,
    Undocumented,
    positions_of,
)
from canary_tools.clock import VirtualClock
from tests.aws_models.conftest import VirtualSageMaker

NOW = 1_800_000_000.0
SLOW = DelayRange(30, 180)
SOURCES = [
    MetricSource(endpoint_name="shop", variant_name=f"variant-{slot}", config_name="first", period_seconds=60)
    for slot in "ab"
]


class Publishing:
    """Two variants that serve for an hour; `seen` has what became visible: when, of which variant and metric."""

    def __init__(self, undocumented: Undocumented = Undocumented(), *, requests: int = 9) -> None:  # noqa: B008 - frozen
        clock, draw = VirtualClock(NOW), Random(7)  # noqa: S311 - a simulation, not a secret
        self.seen: list[tuple[float, str, str, int, float, int]] = []
        metrics = InvocationMetrics(
            clock=clock,
            record=lambda **point: self.seen.append(
                (
                    clock.now(), point["dimensions"]["VariantName"], point["name"], len(point["dimensions"]),
                    point["timestamp"], Counter(point["values"]).total(),
                )
            ),
            delay=lambda _source: SLOW.draw(draw),
            undocumented=undocumented,
        )  # fmt: skip
        served = ServedInvocation(model_status=200, model_microseconds=900, overhead_microseconds=40, instance_count=1)
        for minute in range(60):
            clock.advance_to(NOW + 60 * minute)
            for source in SOURCES:
                metrics.watch(source)
                if requests:
                    metrics.observe(source, served, count=requests)
        clock.advance_to(NOW + 60 * 60 - 1)

    def of(self, variant: str, name: str, dimensions: int = 2) -> list[tuple[float, float, int]]:
        return [(at, start, count) for at, slot, metric, size, start, count in self.seen
                if (slot, metric, size) == (variant, name, dimensions)]  # fmt: skip


def test_each_point_has_a_delay_of_its_own() -> None:
    publishing = Publishing()
    late = {
        (variant, name, size): [round(at - start - 60) for at, start, _ in publishing.of(variant, name, size)]
        for variant in ("variant-a", "variant-b")
        for name in ("Invocations", "InvocationModelErrors")
        for size in (2, 3)
    }
    assert all(30 <= seconds <= 180 for delays in late.values() for seconds in delays)
    assert len({tuple(delays) for delays in late.values()}) == len(late)
    assert all(len(set(delays)) > len(delays) / 2 for delays in late.values())
    firsts = {
        slot: {start: at for at, start, _ in publishing.of(slot, "Invocations")} for slot in ("variant-a", "variant-b")
    }
    both = firsts["variant-a"].keys() & firsts["variant-b"].keys()
    assert {firsts["variant-a"][start] < firsts["variant-b"][start] for start in both} == {True, False}


@pytest.mark.parametrize("in_order", [True, False])
def test_a_later_period_may_come_first(*, in_order: bool) -> None:
    points = Publishing(Undocumented(periods_in_order=in_order)).of("variant-a", "Invocations")
    starts = [start for _, start, _ in points]
    assert (starts == sorted(starts)) is in_order


def test_values_in_parts_are_whole_in_the_end() -> None:
    points = Publishing(Undocumented(values_in_parts=True)).of("variant-a", "Invocations")
    whole = [start for start in {start for _, start, _ in points} if start < NOW + 3000]
    for start in whole:
        parts = [(at, count) for at, begin, count in points if begin == start]
        assert [count for _, count in sorted(parts)] in ([5, 4], [4, 5])
    assert len(whole) == 50


@pytest.mark.parametrize(
    ("idle", "published"),
    [(IdleVariant.ZEROS, 57), (IdleVariant.EVERY_OTHER_PERIOD, 28), (IdleVariant.NOTHING, 0)],
)
def test_a_variant_without_requests(idle: IdleVariant, published: int) -> None:
    points = Publishing(Undocumented(idle_variant=idle), requests=0).of("variant-a", "Invocations")
    assert len([start for _, start, _ in points if start < NOW + 57 * 60]) in {published, published - 1, published + 1}
    assert (len(points) == 0) is (published == 0)


def test_delays_are_scaled_around_the_usual_one() -> None:
    assert around(90) == USUAL
    assert around(3) == DelayRange(1, 6)


@pytest.mark.parametrize("ends", [(-1, 5), (6, 5)])
def test_a_range_of_delays_is_checked(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="a delay must be 0 s or more"):
        DelayRange(*ends)


@pytest.mark.parametrize(("empty", "answer"), [(EmptyRange.ZERO, 0.0), (EmptyRange.NOTHING, None)])
@pytest.mark.parametrize("name", ["TC(100:)", "PR(100:)"])
def test_a_range_without_a_sample(name: str, empty: EmptyRange, answer: float | None) -> None:
    undocumented = Undocumented(empty_range=empty)
    assert statistic(Counter({5.0: 3}), name, undocumented) == answer
    assert statistic(Counter({500.0: 3}), "TC(100:)", undocumented) == 3


@pytest.mark.parametrize("fill", FillOfNothing)
def test_fill_of_a_series_without_a_point(fill: FillOfNothing) -> None:
    grid = [0.0, 60.0]
    evaluator = Evaluator(grid, 60, {"none": {}, "one": {60.0: 4.0}}, Undocumented(fill_of_nothing=fill))
    expected = dict.fromkeys(grid, 7.0) if fill is FillOfNothing.SERIES else {}
    assert evaluator.evaluate(parse("FILL(none, 7)")) == expected
    assert evaluator.evaluate(parse("FILL(one, 7)")) == {0.0: 7.0, 60.0: 4.0}


@pytest.mark.parametrize(("empty", "total"), [(EmptyOperand.ZERO, {60.0: 4.0}), (EmptyOperand.DROPS, {})])
def test_arithmetic_with_a_series_without_a_point(empty: EmptyOperand, total: dict[float, float]) -> None:
    series = {"none": {}, "one": {60.0: 4.0}, "other": {0.0: 1.0}}
    evaluator = Evaluator([0.0, 60.0], 60, series, Undocumented(empty_operand=empty))
    assert evaluator.evaluate(parse("one + none")) == total
    assert evaluator.evaluate(parse("one + other")) == {0.0: 1.0, 60.0: 4.0}


def answered(old_query: OldQuery, *, hours_back: float, period: int = 10) -> list[float]:
    """The points that a query finds of a metric with a point a minute ago and one four hours ago."""
    store, clock = MetricStore(), VirtualClock(NOW)
    for moment in (NOW - 60, NOW - 4 * 3600):
        store.record(namespace="N", name="m", dimensions={}, timestamp=moment, values={1.0: 1}, unit="Count",
                     storage_resolution=1)  # fmt: skip
    metric = {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": period, "Stat": "Sum"}
    query = {"MetricDataQueries": [{"Id": "m", "MetricStat": metric}]}
    api = MetricApi(store=store, clock=clock, undocumented=Undocumented(old_query=old_query))
    answer = api.get_metric_data({**query, "StartTime": NOW - hours_back * 3600, "EndTime": NOW})
    return [NOW - moment for moment in answer["MetricDataResults"][0]["Timestamps"]]


def test_a_query_from_before_the_time_of_its_points_answers_nothing_at_all() -> None:
    assert answered(OldQuery.NOTHING, hours_back=2.9) == [60]
    assert answered(OldQuery.NOTHING, hours_back=3.1) == []
    assert answered(OldQuery.NOTHING, hours_back=5, period=60) == [60, 4 * 3600]


def test_a_query_from_before_the_time_of_its_points_may_be_answered_or_refused() -> None:
    assert answered(OldQuery.POINTS, hours_back=5) == [60]
    with pytest.raises(ApiError, match="not kept"):
        answered(OldQuery.REFUSED, hours_back=5)


@pytest.mark.parametrize("in_order", [True, False])
def test_the_order_of_the_described_variants(*, in_order: bool) -> None:
    sagemaker = VirtualSageMaker(undocumented=Undocumented(variants_in_order=in_order))
    sagemaker.serve()
    names = [row["VariantName"] for row in sagemaker.describe()["ProductionVariants"]]
    assert names == sorted(names, reverse=not in_order)


@pytest.mark.parametrize("told", [True, False])
def test_desired_values_may_be_left_out(*, told: bool) -> None:
    sagemaker = VirtualSageMaker(undocumented=Undocumented(desired_values_are_told=told))
    sagemaker.serve()
    row = sagemaker.describe()["ProductionVariants"][0]
    assert {"DesiredWeight" in row, "DesiredInstanceCount" in row} == {told}
    assert row["CurrentWeight"] == 100


def test_a_registration_while_the_endpoint_changes_is_taken_or_refused() -> None:
    for position in ScalingCollision:
        sagemaker = VirtualSageMaker(undocumented=Undocumented(scaling_collision=position))
        sagemaker.serve()
        sagemaker.register("a", 1, 4)
        sagemaker.shift(a=50)
        if position is ScalingCollision.REFUSED:
            with pytest.raises(ApiError, match="Cannot update in-progress endpoint"):
                sagemaker.register("a", 2, 4)
        else:
            sagemaker.register("a", 2, 4)


def test_positions_are_read_by_the_names_in_which_they_are_written() -> None:
    for name, usual in vars(Undocumented()).items():
        for position in positions_of(usual):
            written: Any = position if isinstance(position, bool) else str(position)
            assert Undocumented.parse({name: written}) == replace(Undocumented(), **{name: position})
    assert Undocumented.parse({}) == Undocumented()


@pytest.mark.parametrize(
    ("positions", "sentence"),
    [
        ({"fill": "series"}, "unknown switches: fill; known are threshold_statistics"),
        ({"fill_of_nothing": "zeros"}, "fill_of_nothing must be one of series, nothing, got 'zeros'"),
        ({"fill_of_nothing": []}, r"fill_of_nothing must be one of series, nothing, got \[\]"),
        ({"values_in_parts": 1}, "values_in_parts must be one of False, True, got 1"),
    ],
)
def test_what_is_no_position_is_refused(positions: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Undocumented.parse(positions)
