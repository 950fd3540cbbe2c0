"""What the questions about metrics make of CloudWatch's answers."""

from collections import Counter

import pytest
from rollout.evidence.sources import percentile_statistic

from canary_tools.acceptance.probes import metrics
from canary_tools.acceptance.scene import NotAsked
from canary_tools.aws_models.cloudwatch.statistics import statistic
from canary_tools.aws_models.undocumented import Percentile, Undocumented
from tests.acceptance.scenes import published, scene

ONE_HOUR_US = "TC(3600000000:)"


def test_counts_that_are_answered_are_told_from_counts_that_are_not() -> None:
    total = {0: 10.0, 60: 12.0}
    assert metrics.threshold_counts(scene(answers={"SampleCount": total, "TC(0:)": total})).value is True
    assert metrics.threshold_counts(scene(answers={"SampleCount": total})).value is False


def test_without_requests_nothing_is_asked() -> None:
    with pytest.raises(NotAsked):
        metrics.threshold_counts(scene(answers={"TC(0:)": {}}))


@pytest.mark.parametrize(("empty", "value"), [({0: 0.0}, "zero"), ({}, "nothing"), ({0: 3.0}, "3")])
def test_a_range_without_a_sample_is_zero_or_nothing(empty: dict[int, float], value: str) -> None:
    answers = {"SampleCount": {0: 3.0}, "TC(0:)": {0: 3.0}, ONE_HOUR_US: empty}
    assert metrics.count_above_all(scene(answers=answers)).value == value


@pytest.mark.parametrize(("below", "value"), [(6.0, True), (5.0, False)])
def test_counts_above_and_below_add_up_or_not(below: float, value: object) -> None:
    answers = {"p50": {0: 100.0}, "SampleCount": {0: 10.0}, "TC(100:)": {0: 4.0}, "TC(:100)": {0: below}}
    assert metrics.counts_add_up(scene(answers=answers)).value is value


@pytest.mark.parametrize(
    ("percentile", "value"), [(Percentile.RANK, "one of them"), (Percentile.BETWEEN, "between two of them")]
)
def test_a_percentile_of_few_values_is_one_of_them_or_between_two(percentile: Percentile, value: str) -> None:
    values, many = Counter({20.0: 3, 25.0: 1, 40.0: 1, 900.0: 1}), {60: 5000.0}
    names = ["SampleCount", *map(percentile_statistic, range(101))]
    answers = {name: {0: statistic(values, name, Undocumented(percentile=percentile)), **many} for name in names}
    assert metrics.percentile_of_few(scene(answers=answers)).value == value
    with pytest.raises(NotAsked, match="2 to 50 requests"):
        metrics.percentile_of_few(scene(answers=dict.fromkeys(names, many)))


def test_zeros_of_an_idle_variant_are_counted_over_the_periods_with_requests() -> None:
    served = [published("variant-a", "Invocations", period, late=1) for period in (0, 60, 120)]
    moments = {"second deploy": 180.0}

    def said(*idle: int, asked: int | None = None) -> object:
        points = [*served, *(published("variant-b", "Invocations", period, late=1, value=0.0) for period in idle)]
        if asked is not None:
            points.append(published("variant-b", "Invocations", asked, late=1, value=20.0))
        return metrics.zeros_without_traffic(scene(points=points, moments=moments)).value

    assert said(0, 60, 120) == "zeros"
    assert said(0, 60, asked=120) == "zeros"
    assert said(60) == "some zeros"
    assert said() == "nothing"


def test_a_missing_error_count_is_named() -> None:
    points = [published("variant-a", name, 0, late=1) for name in ("Invocations", "Invocation4XXErrors")]
    found = metrics.errors_are_published_as_zeros(scene(points=points, moments={"second deploy": 60.0}))
    assert found.value is False
    assert "Invocation5XXErrors, InvocationModelErrors are not" in found.sentence


def test_lateness_counts_from_the_end_of_a_period_and_is_told_for_each_slot_and_metric() -> None:
    points = [
        published("variant-a", "Invocations", 0, late=40),
        published("variant-a", "Invocations", 60, late=95),
        published("variant-b", "Invocations", 60, late=170, settled=25),
    ]
    here = scene(points=points)
    assert metrics.delay(here).value == 170
    assert "variant-a Invocations 40 to 95 s" in metrics.delay(here).sentence
    assert metrics.usual_delay(here).value == 95
    assert metrics.shortest_delay(here).value == 40
    assert metrics.slots_come_together(here).value == 75
    assert metrics.values_change_later(here).value == 25
    assert metrics.values_in_parts(here).value is True
    assert metrics.values_in_parts(scene(points=points[:2])).value is False


def test_a_period_that_is_seen_before_an_earlier_one_is_out_of_order() -> None:
    early, late = published("variant-a", "Invocations", 60, late=10), published("variant-a", "Invocations", 0, late=120)
    other = published("variant-b", "Invocations", 0, late=150)
    assert metrics.periods_in_order(scene(points=[early, late])).value is False
    assert metrics.periods_in_order(scene(points=[early, other])).value is True


@pytest.mark.parametrize(("added", "value"), [({0: 4.0}, "zero"), ({}, "drops")])
def test_what_arithmetic_makes_of_nothing(added: dict[int, float], value: str) -> None:
    assert metrics.sum_with_nothing(scene(answers={"Sum": {0: 4.0}, "n + m": added})).value == value


def test_what_fill_makes_of_nothing() -> None:
    assert metrics.fill_of_nothing(scene(answers={"FILL(m, 0)": {0: 0.0}})).value == "series"
    assert metrics.fill_of_nothing(scene()).value == "nothing"


@pytest.mark.parametrize(("divided", "value"), [({}, True), ({0: 0.0}, False)])
def test_a_division_by_zero_drops_a_period_or_not(divided: dict[int, float], value: object) -> None:
    answers = {"Sum": {0: 4.0}, "n / (n - n)": divided}
    assert metrics.division_by_zero(scene(answers=answers)).value is value


@pytest.mark.parametrize(("starts", "value"), [((0, 10, 20), True), ((0, 60), False), ((), False)])
def test_values_ten_seconds_apart_prove_the_fine_period(starts: tuple[int, ...], value: object) -> None:
    here = scene(answers={"Sum": dict.fromkeys(starts, 1.0)}, moments={"other period": 0.0})
    assert metrics.metrics_at_the_other_period(here).value is value
