from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_tools.aws_models.cloudwatch.metric_history import MetricHistory
from canary_tools.aws_models.cloudwatch.metric_store import MetricKey, MetricStore
from canary_tools.aws_models.cloudwatch.queries import Window
from canary_tools.aws_models.cloudwatch.statistics import statistic
from canary_tools.aws_models.undocumented import EmptyRange, Undocumented

VALUES = Counter({1.0: 5, 2.0: 3, 10.0: 2})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 10),
        ("Sum", 31),
        ("Average", 3.1),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p0", 1),
        ("p50", 1.5),
        ("p100", 10),
        ("TC(1:2)", 3),
        ("TC(:2)", 8),
        ("PR(2:)", 20),
        ("TM(10%:90%)", None),
        ("p101", None),
        ("IQM", None),
    ],
)
def test_statistics_come_from_the_values(name: str, expected: float | None) -> None:
    assert statistic(VALUES, name) == expected


def test_no_values_have_no_statistic() -> None:
    assert statistic(Counter(), "Average") is None


@given(st.dictionaries(st.floats(0, 1e6), st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 100))
def test_percentiles_stay_between_the_extremes(values: dict[float, int], percent: int) -> None:
    found = statistic(Counter(values), f"p{percent}")
    assert found is not None
    assert min(values) - 1e-6 <= found <= max(values) + 1e-6


@pytest.mark.parametrize("store", [MetricStore(), MetricHistory()])
def test_a_statistic_that_was_asked_for_counts_the_values_that_came_since(store: MetricStore) -> None:
    def highest(period: int) -> dict[float, float]:
        key = MetricKey.of("N", "m", {})
        return store.statistics(key, "Maximum", start=0, end=120, period=period, undocumented=Undocumented())

    for moment, value in ((0.0, 1.0), (60.0, 2.0), (60.0, 5.0), (0.0, 7.0)):
        before = highest(60)
        store.record(namespace="N", name="m", dimensions={}, timestamp=moment, values={value: 1}, unit="Count")
        assert highest(60) == {**before, moment: value}
    assert highest(120) == {0.0: 7.0}
    assert highest(1) == {0.0: 7.0, 60.0: 5.0}


def test_a_statistic_is_known_by_how_empty_ranges_count() -> None:
    store = MetricStore()
    store.record(namespace="N", name="m", dimensions={}, timestamp=0, values={1.0: 1}, unit="Count")
    answers = {
        empty: store.statistics(
            MetricKey.of("N", "m", {}),
            "TC(5:)",
            start=0,
            end=60,
            period=60,
            undocumented=Undocumented(empty_range=empty),
        )
        for empty in EmptyRange
    }
    assert answers == {EmptyRange.ZERO: {0.0: 0.0}, EmptyRange.NOTHING: {}}


def test_metrics_with_other_dimensions_are_other_metrics() -> None:
    store = MetricStore()
    for variant, value in (("variant-a", 1.0), ("variant-b", 9.0)):
        store.record(
            namespace="AWS/SageMaker",
            name="Invocations",
            dimensions={"EndpointName": "shop", "VariantName": variant},
            timestamp=605.0,
            values={value: 1},
            unit="None",
        )
    key = MetricKey.of("AWS/SageMaker", "Invocations", {"VariantName": "variant-b", "EndpointName": "shop"})
    assert store.periods(key, start=0, end=1000, period=60) == {600.0: Counter({9.0: 1})}


def test_periods_are_merged_and_the_window_excludes_its_end() -> None:
    store = MetricStore()
    for moment in (0.0, 10.0, 59.0, 60.0):
        store.record(
            namespace="N",
            name="m",
            dimensions={},
            timestamp=moment,
            values={1.0: 1},
            unit="Count",
            storage_resolution=1,
        )
    key = MetricKey.of("N", "m", {})
    assert store.periods(key, start=5, end=60, period=60) == {0.0: Counter({1.0: 3})}
    assert list(store.periods(key, start=5, end=61, period=10)) == [0.0, 10.0, 50.0, 60.0]
    assert store.unit(key) == "Count"


@pytest.mark.parametrize(("period", "kept_seconds"), [(10, 3 * 3600), (60, 15 * 86400), (300, 63 * 86400)])
def test_fine_data_points_are_kept_for_a_while_only(period: int, kept_seconds: int) -> None:
    now = 1e9
    assert Window(0.0, now, asked_at=now).start_of(period) == now - kept_seconds
    assert Window(now - 60, now, asked_at=now).start_of(period) == now - 60
