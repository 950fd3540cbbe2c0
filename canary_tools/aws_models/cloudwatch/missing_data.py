"""How an alarm judges its data points: M out of N, with the four ways to treat missing data.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from collections.abc import Sequence
from enum import StrEnum

# An alarm looks at this many data points beyond its evaluation periods. The documentation says that there are some,
# and its examples show two.
EXTRA_POINTS = 2


class AlarmState(StrEnum):
    """The states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class MissingData(StrEnum):
    """The values of `TreatMissingData`."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


def judge(
    points: Sequence[bool | None], *, datapoints_to_alarm: int, evaluation_periods: int, missing: MissingData
) -> AlarmState | None:
    """Return the state for these data points, or `None` if the present state is kept.

    `points` covers the evaluation range, oldest first: breaching, not breaching, or missing (`None`). The newest
    existing data points of the whole range count first. Missing ones are filled in only if these are too few.

    >>> judge([False, None, True, None, True], datapoints_to_alarm=2, evaluation_periods=3,
    ...       missing=MissingData.MISSING)
    <AlarmState.ALARM: 'ALARM'>
    """
    real = [point for point in points if point is not None][-evaluation_periods:]
    breaching = sum(real)
    if breaching >= datapoints_to_alarm:
        return AlarmState.ALARM
    if missing is MissingData.BREACHING:
        filled = evaluation_periods - len(real)
        return AlarmState.ALARM if breaching + filled >= datapoints_to_alarm else AlarmState.OK
    if missing is MissingData.NOT_BREACHING or breaching < len(real):
        return AlarmState.OK
    return _with_too_few(points, datapoints_to_alarm, missing)


def _with_too_few(points: Sequence[bool | None], needed: int, missing: MissingData) -> AlarmState | None:
    """Judge a range with no data, or with breaching data only but fewer than the alarm needs."""
    if missing is MissingData.IGNORE:
        return None
    age = next((len(points) - index for index, point in enumerate(points) if point is not None), 0)
    return AlarmState.ALARM if age >= needed else AlarmState.INSUFFICIENT_DATA
