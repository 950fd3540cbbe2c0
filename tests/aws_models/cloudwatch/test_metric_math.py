import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_tools.aws_models.cloudwatch.math_syntax import MathError, parse
from canary_tools.aws_models.cloudwatch.math_values import Evaluator, Value

GRID = [0.0, 60.0, 120.0, 180.0, 240.0]


def series(*values: float | None) -> dict[float, float]:
    """One value a minute; `None` is missing, as `-` is in AWS's tables."""
    return {moment: value for moment, value in zip(GRID, values, strict=False) if value is not None}


def value(expression: str, **named: dict[float, float]) -> Value:
    return Evaluator(GRID, 60, named).evaluate(parse(expression))


METRIC1, METRIC2 = series(30, 20, 0, 0), series(20, None, 20, None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(m1 < m2)", series(0, 0, 1, 0)),
        ("(m1 >= 30)", series(1, 0, 0, 0)),
        ("(m1 > 15 AND m2 > 15)", series(1, 0, 0, 0)),
    ],
)
def test_comparisons_follow_the_documented_table(expression: str, expected: Value) -> None:
    assert value(expression, m1=METRIC1, m2=METRIC2) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(m1, m2, m3)", series(30, 0, 20, None, None)),
        ("IF(m1, 5, m3)", series(5, 5, 20, None, None)),
        ("IF(m1, m2, 5)", series(30, 0, 5, 5, None)),
        ("IF(m1, m2)", series(30, 0, None, None, None)),
        ("IF(0, m2)", {}),
        ("IF(1, m2)", series(30, None, 0, 0, 30)),
    ],
)
def test_if_follows_the_documented_tables(expression: str, expected: Value) -> None:
    named = {
        "m1": series(1, 1, 0, 0, None),
        "m2": series(30, None, 0, 0, 30),
        "m3": series(0, 0, 20, None, 20),
    }
    assert value(expression, **named) == expected


def test_a_value_that_one_series_lacks_counts_as_zero() -> None:
    assert value("m1 + m2", m1=METRIC1, m2=METRIC2) == series(50, 20, 20, 0)


def test_division_by_zero_drops_the_data_point() -> None:
    assert value("errors / requests", errors=series(1, 2, 3), requests=series(10, 0, None)) == series(0.1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("1 + 2 * 3 ^ 2", 19), ("-2 * (3 - 5)", 4), ("1 < 2 OR 1 > 2 && 1 > 2", 1), ("10 - 4 - 3", 3)],
)
def test_operators_bind_as_usual(expression: str, expected: float) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("filler", "expected"),
    [
        ("0", series(0, 4, 0, 8, 0)),
        ("REPEAT", series(None, 4, 4, 8, 8)),
        ("LINEAR", series(None, 4, 6, 8, None)),
        ("other", series(1, 4, 1, 8, 1)),
    ],
)
def test_fill_takes_a_scalar_a_series_or_a_word(filler: str, expected: Value) -> None:
    named = {"m1": series(None, 4, None, 8, None), "other": series(1, 1, 1, 1, 1)}
    assert value(f"FILL(m1, {filler})", **named) == expected


def test_fill_makes_data_where_there_was_none() -> None:
    assert value("FILL(m1, 7)", m1={}) == series(7, 7, 7, 7, 7)


def test_a_reduction_of_one_series_is_a_scalar_and_of_an_array_a_series() -> None:
    one, two = series(1, 5), series(3, None)
    assert value("MAX(m1)", m1=one) == 5
    assert value("MAX([m1, m2])", m1=one, m2=two) == series(3, 5)
    assert value("MIN([m1, m2])", m1=one, m2=two) == series(1, 5)
    assert value("SUM([m1, m2])", m1=one, m2=two) == series(4, 5)
    assert value("AVG([m1, m2])", m1=one, m2=two) == series(2, 2.5)


def test_functions_of_single_points_apply_to_each() -> None:
    assert value("ABS(m1)", m1=series(-1, 2)) == series(1, 2)
    assert value("CEIL([m1, m1])", m1=series(0.5)) == [series(1), series(1)]
    assert value("m1 / PERIOD(m1)", m1=series(120)) == series(2)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("m1 +", "unexpected end"),
        ("m1 m1", "unexpected 'm1'"),
        ("m1 $ 2", "unexpected character"),
        ("(m1", "unexpected end"),
        ("m9", "unknown id"),
        ("NONSENSE(m1)", "unknown function"),
        ("IF(m1)", "two or three"),
        ("MAX(3)", "takes time series"),
        ("FILL(3, 0)", "time series first"),
    ],
)
def test_a_wrong_expression_is_refused(expression: str, complaint: str) -> None:
    with pytest.raises(MathError, match=complaint):
        value(expression, m1=METRIC1)


@given(st.lists(st.floats(0, 1e6), max_size=5), st.lists(st.floats(0, 1e6), max_size=5))
def test_addition_commutes(left: list[float], right: list[float]) -> None:
    assert value("a + b", a=series(*left), b=series(*right)) == value("b + a", a=series(*left), b=series(*right))
