"""The values of metric-math expressions: scalars, time series, and arrays of time series.

Where only one of two series has a data point, arithmetic and comparisons take the other value for 0. A data point that
would divide by zero is left out.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from canary_tools.aws_models.cloudwatch.math_syntax import (
    Array,
    Call,
    MathError,
    Name,
    Negation,
    Node,
    Number,
    Operation,
)
from canary_tools.aws_models.undocumented import EmptyOperand, FillOfNothing, Undocumented

Series = dict[float, float]
Value = float | Series | list[Series]

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": math.pow,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
}
_EACH_POINT: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": math.log,
    "LOG10": math.log10,
}
_REDUCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}
_FILL_WORDS = ("REPEAT", "LINEAR")


@dataclass(frozen=True)
class Evaluator:
    """Evaluates expressions over one window.

    Attributes:
        grid: the start of each period in the window, in seconds since the epoch.
        period: the length of a period in seconds.
        series: the time series of each id.
        undocumented: what becomes of series that have no point.
    """

    grid: Sequence[float]
    period: int
    series: Mapping[str, Series]
    undocumented: Undocumented = Undocumented()  # noqa: RUF009 - frozen

    def evaluate(self, node: Node) -> Value:
        """Return the value of a parsed expression.

        Raises:
            MathError: the expression uses an unknown id or function, or an argument of the wrong type.

        """
        match node:
            case Number(value):
                return value
            case Name(id):
                return self._named(id)
            case Negation(operand):
                return self._binary("*", -1.0, self.evaluate(operand))
            case Operation(symbol, left, right):
                return self._binary(symbol, self.evaluate(left), self.evaluate(right))
            case Array(members):
                return [_series(self.evaluate(member)) for member in members]
            case Call(function, arguments):
                return self._call(function, arguments)

    def _named(self, name: str) -> Series:
        if name not in self.series:
            raise MathError(f"unknown id {name!r}")
        return self.series[name]

    def _call(self, function: str, arguments: Sequence[Node]) -> Value:
        if function == "FILL":
            return self._fill(arguments)
        values = [self.evaluate(argument) for argument in arguments]
        if function == "IF":
            return _choose(values)
        if len(values) != 1:
            raise MathError(f"{function} takes one argument, got {len(values)}")
        if function in _EACH_POINT:
            return _map(_EACH_POINT[function], values[0])
        if function in _REDUCTIONS:
            return _reduce(function, values[0])
        if function == "PERIOD":
            return float(self.period)
        if function == "TIME_SERIES":
            return dict.fromkeys(self.grid, _scalar(values[0]))
        raise MathError(f"unknown function {function!r}")

    def _fill(self, arguments: Sequence[Node]) -> Value:
        if len(arguments) != 2:  # noqa: PLR2004 - the series and the filler
            raise MathError(f"FILL takes two arguments, got {len(arguments)}")
        target = self.evaluate(arguments[0])
        if isinstance(target, float):
            raise MathError("FILL takes a time series first")
        fill = self._filler(arguments[1])
        return [fill(member) for member in target] if isinstance(target, list) else fill(target)

    def _filler(self, node: Node) -> Callable[[Series], Series]:
        if isinstance(node, Name) and node.id in _FILL_WORDS:
            return self._repeated if node.id == "REPEAT" else self._interpolated
        value = self.evaluate(node)
        if isinstance(value, list):
            raise MathError("FILL takes a scalar or one time series as its filler")
        filler = dict.fromkeys(self.grid, value) if isinstance(value, float) else value
        keeps_nothing = self.undocumented.fill_of_nothing is FillOfNothing.NOTHING
        return lambda series: {} if keeps_nothing and not series else dict(sorted({**filler, **series}.items()))

    def _repeated(self, series: Series) -> Series:
        filled: Series = {}
        for moment in self.grid:
            if moment in series:
                filled[moment] = series[moment]
            elif filled:
                filled[moment] = next(reversed(filled.values()))
        return filled

    def _interpolated(self, series: Series) -> Series:
        filled = dict(series)
        known = sorted(series)
        for before, after in itertools.pairwise(known):
            slope = (series[after] - series[before]) / (after - before)
            for moment in self.grid:
                if before < moment < after:
                    filled[moment] = series[before] + slope * (moment - before)
        return dict(sorted(filled.items()))

    def _binary(self, symbol: str, left: Value, right: Value) -> Value:
        if isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                raise MathError("arrays of time series must have the same length")
            return [_series(self._binary(symbol, a, b)) for a, b in zip(left, right, strict=True)]
        if isinstance(left, list):
            return [_series(self._binary(symbol, member, right)) for member in left]
        if isinstance(right, list):
            return [_series(self._binary(symbol, left, member)) for member in right]
        if isinstance(left, float) and isinstance(right, float):
            return _of_scalars(symbol, left, right)
        if self.undocumented.empty_operand is EmptyOperand.DROPS and {} in (left, right):
            return {}
        return _pointwise(symbol, left, right)


def _of_scalars(symbol: str, left: float, right: float) -> float:
    result = _apply(symbol, left, right)
    if result is None:
        raise MathError("division of a scalar by zero")
    return result


def _pointwise(symbol: str, left: float | Series, right: float | Series) -> Series:
    moments = sorted({moment for side in (left, right) if isinstance(side, dict) for moment in side})
    lefts, rights = _at_each(left, moments), _at_each(right, moments)
    found = {moment: _apply(symbol, a, b) for moment, a, b in zip(moments, lefts, rights, strict=True)}
    return {moment: value for moment, value in found.items() if value is not None}


def _apply(symbol: str, left: float, right: float) -> float | None:
    try:
        return float(_ARITHMETIC[symbol](left, right))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def _at_each(side: float | Series, moments: Sequence[float]) -> Iterable[float]:
    if isinstance(side, float):
        return [side] * len(moments)
    return [side.get(moment, 0.0) for moment in moments]


def _at(side: float | Series, moment: float) -> float:
    return side if isinstance(side, float) else side.get(moment, 0.0)


def _choose(values: Sequence[Value]) -> Value:
    if len(values) not in (2, 3):
        raise MathError(f"IF takes two or three arguments, got {len(values)}")
    condition, chosen, *otherwise = values
    if isinstance(condition, list) or isinstance(chosen, list) or any(isinstance(v, list) for v in otherwise):
        raise MathError("IF takes single time series and scalars")
    other: float | Series = _plain(otherwise[0]) if otherwise else {}
    if isinstance(condition, float):
        return chosen if condition else other
    found: Series = {}
    for moment, truth in condition.items():
        if truth:
            found[moment] = _at(chosen, moment)
        elif isinstance(other, float) or moment in other:
            found[moment] = _at(other, moment)
    return found


def _map(function: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, list):
        return [_series(_map(function, member)) for member in value]
    if isinstance(value, float):
        return float(function(value))
    return {moment: float(function(point)) for moment, point in value.items() if _defined(function, point)}


def _defined(function: Callable[[float], float], point: float) -> bool:
    return point > 0 or function not in (math.log, math.log10)


def _reduce(function: str, value: Value) -> Value:
    """Reduce one series to a scalar, or an array to one series."""
    reduce = _REDUCTIONS[function]
    if isinstance(value, float):
        raise MathError(f"{function} takes time series, got a scalar")
    if isinstance(value, dict):
        return float(reduce(list(value.values()))) if value else 0.0
    moments = sorted({moment for member in value for moment in member})
    return {moment: float(reduce(_across(function, value, moment))) for moment in moments}


def _across(function: str, members: Sequence[Series], moment: float) -> list[float]:
    """Return the values of all members at one moment. `AVG` counts a missing value as 0, the others skip it."""
    if function == "AVG":
        return [member.get(moment, 0.0) for member in members]
    return [member[moment] for member in members if moment in member]


def _plain(value: Value) -> float | Series:
    if isinstance(value, list):
        raise MathError("an array of time series is not allowed here")
    return value


def _series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MathError("an array takes single time series")
    return value


def _scalar(value: Value) -> float:
    if not isinstance(value, float):
        raise MathError("TIME_SERIES takes a scalar")
    return value
