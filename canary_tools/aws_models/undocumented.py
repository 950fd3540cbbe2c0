"""What AWS does and no document states. Each is a switch; the product must end right in all its positions.

The names of the switches and of their positions are those in which `canary_tools.acceptance` writes what a live account
answered, so that its answers can be the positions of this local AWS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class IdleVariant(StrEnum):
    """What a variant without requests publishes for its counts."""

    ZEROS = "zeros"
    EVERY_OTHER_PERIOD = "some zeros"
    NOTHING = "nothing"


class EmptyRange(StrEnum):
    """What `TC()` and `PR()` answer in a period that has samples, but none in their range."""

    ZERO = "zero"
    NOTHING = "nothing"


class Percentile(StrEnum):
    """What a percentile of few values is."""

    BETWEEN = "between two of them"
    RANK = "one of them"


class FillOfNothing(StrEnum):
    """What `FILL()` with a number or a series makes of a series without a point."""

    SERIES = "series"
    NOTHING = "nothing"


class EmptyOperand(StrEnum):
    """What arithmetic does with a series that has no point in the whole window, where the other operand has some."""

    ZERO = "zero"
    DROPS = "drops"


class OldQuery(StrEnum):
    """What a query answers if it starts before points of its period are kept, for points that are still kept.

    `GetMetricData` says "no data points in that time range is returned".
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html
    """

    NOTHING = "nothing"
    POINTS = "points"
    REFUSED = "refused"


class ScalingCollision(StrEnum):
    """What `RegisterScalableTarget` answers while the endpoint changes."""

    TAKEN = "taken"
    REFUSED = "refused"


_NEEDS: Mapping[str, Mapping[str, Any]] = {"empty_range": {"threshold_statistics": True}}
"""The positions of other switches without which a switch does nothing."""


@dataclass(frozen=True, kw_only=True)
class Undocumented:
    """One position of every switch.

    Attributes:
        threshold_statistics: whether `TC()` and `PR()` of SageMaker's metrics have values.
        empty_range: what they answer in a range without a sample.
        percentile: what a percentile of few values is.
        idle_variant: what a variant without requests publishes.
        fill_of_nothing: what `FILL()` makes of a series without a point.
        empty_operand: what arithmetic does with a series without a point.
        old_query: what a query answers that starts before points of its period are kept.
        periods_in_order: whether a point of a metric never comes before the metric's point of an earlier period.
        values_in_parts: whether a period's values come in two parts, so that a visible point can still grow.
        variants_in_order: whether DescribeEndpoint lists variants in the order of the config; if not, reversed.
        desired_values_are_told: whether DescribeEndpoint tells desired weights and counts, which its model makes
            optional, of an endpoint that is in service.
        scaling_collision: what RegisterScalableTarget answers while the endpoint changes.
    """

    threshold_statistics: bool = False
    empty_range: EmptyRange = EmptyRange.ZERO
    percentile: Percentile = Percentile.BETWEEN
    idle_variant: IdleVariant = IdleVariant.EVERY_OTHER_PERIOD
    fill_of_nothing: FillOfNothing = FillOfNothing.SERIES
    empty_operand: EmptyOperand = EmptyOperand.ZERO
    old_query: OldQuery = OldQuery.NOTHING
    periods_in_order: bool = True
    values_in_parts: bool = False
    variants_in_order: bool = True
    desired_values_are_told: bool = True
    scaling_collision: ScalingCollision = ScalingCollision.TAKEN

    @classmethod
    def parse(cls, positions: Mapping[str, object]) -> Self:
        """Read positions by the names of their switches. A switch that is not named keeps its default.

        Raises:
            ValueError: there is no such switch, or a switch has no such position.
        """
        known = vars(cls())
        unknown = sorted(set(positions) - set(known))
        if unknown:
            raise ValueError(f"unknown switches: {', '.join(unknown)}; known are {', '.join(known)}")
        return cls(**{name: _position(name, known[name], value) for name, value in positions.items()})


def positions_of(default: bool | StrEnum) -> tuple[bool | StrEnum, ...]:  # noqa: FBT001 - a position, not a choice
    """Return all positions of a switch, given one of them.

    >>> positions_of(EmptyRange.ZERO)
    (<EmptyRange.ZERO: 'zero'>, <EmptyRange.NOTHING: 'nothing'>)
    >>> positions_of(True)
    (False, True)
    """
    return (False, True) if isinstance(default, bool) else tuple(type(default))


def other_positions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each switch with each of its positions but the usual one, and what else must be set for it to matter."""
    for name, usual in vars(Undocumented()).items():
        for position in positions_of(usual):
            if position != usual:
                yield name, {**_NEEDS.get(name, {}), name: position}


def _position(name: str, default: bool | StrEnum, value: object) -> Any:  # noqa: FBT001 - as above
    positions = positions_of(default)
    for position in positions:
        if isinstance(value, bool | str) and value == position:
            return position
    raise ValueError(f"{name} must be one of {', '.join(map(str, positions))}, got {value!r}")
