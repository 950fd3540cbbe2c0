"""The tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_tools.aws_models.cloudwatch.missing_data import AlarmState, MissingData, judge

POINT = {"0": False, "X": True, "-": None}
STATE = {"OK": AlarmState.OK, "ALARM": AlarmState.ALARM, "none": AlarmState.INSUFFICIENT_DATA, "keep": None}

THREE_OF_THREE = [
    ("0 - X - X", "OK", "OK", "OK", "OK"),
    ("0 - - - -", "OK", "OK", "OK", "OK"),
    ("- - - - -", "none", "keep", "ALARM", "OK"),
    ("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("- - X - -", "ALARM", "keep", "ALARM", "OK"),
    ("- - - - X", "none", "keep", "ALARM", "OK"),
]
TWO_OF_THREE = [
    ("0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", "OK", "OK", "ALARM", "OK"),
    ("- - - - 0", "OK", "OK", "ALARM", "OK"),
    ("- - - X -", "ALARM", "keep", "ALARM", "OK"),
]


def rows() -> list[tuple[str, int, MissingData, AlarmState | None]]:
    treatments = (MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING)
    return [
        (points, needed, treatment, STATE[state])
        for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for points, *states in table
        for treatment, state in zip(treatments, states, strict=True)
    ]


@pytest.mark.parametrize(("points", "needed", "treatment", "expected"), rows())
def test_the_documented_tables_hold(
    points: str, needed: int, treatment: MissingData, expected: AlarmState | None
) -> None:
    range_ = [POINT[symbol] for symbol in points.split()]
    found = judge(range_, datapoints_to_alarm=needed, evaluation_periods=3, missing=treatment)
    assert found is expected


@given(st.lists(st.booleans(), min_size=5, max_size=5), st.integers(1, 3), st.sampled_from(MissingData))
def test_without_missing_data_only_the_last_periods_count(
    points: list[bool], needed: int, treatment: MissingData
) -> None:
    expected = AlarmState.ALARM if sum(points[-3:]) >= needed else AlarmState.OK
    assert judge(points, datapoints_to_alarm=needed, evaluation_periods=3, missing=treatment) is expected


@given(st.lists(st.sampled_from([True, False, None]), min_size=5, max_size=5), st.integers(1, 3))
def test_missing_data_that_does_not_breach_never_alarms_more_than_data_that_does(
    points: list[bool | None], needed: int
) -> None:
    def state(treatment: MissingData) -> AlarmState | None:
        return judge(points, datapoints_to_alarm=needed, evaluation_periods=3, missing=treatment)

    if state(MissingData.NOT_BREACHING) is AlarmState.ALARM:
        assert state(MissingData.BREACHING) is AlarmState.ALARM
