"""What a team declares about its gates, read from the JSON that the state machine passes on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self, TypeVar

Choice = TypeVar("Choice", bound=StrEnum)
LARGEST_NUMBER = 1e300


class InvalidGatesError(ValueError):
    """Gate settings that cannot be used, with a sentence that says which and why."""


class Kind(StrEnum):
    """Which form of evidence a gate uses."""

    RARE = "rare"
    SHARE = "share"


class Direction(StrEnum):
    """Whether the counted event is unwelcome (an error) or welcome (a conversion)."""

    HIGHER_IS_WORSE = "higher_is_worse"
    LOWER_IS_WORSE = "lower_is_worse"


class Mode(StrEnum):
    """Whether minutes may be noisier than independent requests (`robust`) or not (`exact`)."""

    ROBUST = "robust"
    EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """One comparison of the canary with stable.

    `ratio` is the tolerated ratio of the rates, `min_difference` the least difference of the rates (0.0005
    is 0.05 percentage points) that may roll back, `weight` this gate's part of alpha, `warm_up` how many
    periods at the start of each step are left out, `event` the verb for what is counted.
    The first `delay` periods of each step count what was shown before it. The step number `superior_step` (0 is
    the first) passes only with a proof that the canary is better than stable.
    """

    name: str
    kind: Kind = Kind.RARE
    direction: Direction = Direction.HIGHER_IS_WORSE
    ratio: float = 1.25
    min_difference: float = 0.0
    weight: float = 1.0
    warm_up: int = 0
    event: str = "failed"
    delay: int = 0
    superior_step: int | None = None

    def __post_init__(self) -> None:
        _require(bool(self.name), "name must not be empty")
        _require_number("ratio", self.ratio, above=0.0)
        _require_number("weight", self.weight, above=0.0)
        _require_number("min_difference", self.min_difference, least=0.0, most=1.0)
        _require(isinstance(self.event, str), f"event must be a text, got {self.event!r}")
        for periods in ("warm_up", "delay"):
            _require_number(periods, getattr(self, periods), least=0)
            _require(float(getattr(self, periods)).is_integer(), f"{periods} must be a whole number")
        step = self.superior_step
        is_step = step is None or (type(step) is int and step >= 0)
        _require(is_step, f"superior_step must be the number of a step, 0 for the first, got {step!r}")
        if self.is_lower_worse:
            _require(self.ratio <= 1.0, f"ratio must be at most 1 when lower is worse, got {self.ratio}")
        else:
            _require(self.ratio >= 1.0, f"ratio must be at least 1 when higher is worse, got {self.ratio}")

    @property
    def is_lower_worse(self) -> bool:
        """Whether fewer events are worse."""
        return self.direction is Direction.LOWER_IS_WORSE

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Read one entry of `gates`."""
        values = _known(cls, config, "gate")
        _require("name" in values, "a gate needs a name")
        name = values["name"]
        _require(isinstance(name, str), f"name must be a text, got {name!r}")
        values["kind"] = _choice(Kind, "kind", values.get("kind", Kind.RARE))
        values["direction"] = _choice(Direction, "direction", values.get("direction", Direction.HIGHER_IS_WORSE))
        try:
            return cls(**values)
        except InvalidGatesError as error:
            raise InvalidGatesError(f"gate {name}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """All gates of a rollout and what they share.

    `alpha` bounds the chance of rolling back a healthy release, over the whole rollout; `beta` the chance
    that one step passes early although the canary is worse than tolerated. A step is asked for
    `min_requests` and `min_minutes` before it passes. `traffic_ratio` is the part of its configured share
    that the canary must receive.
    """

    gates: tuple[GateSettings, ...]
    alpha: float = 0.01
    beta: float = 0.05
    mode: Mode = Mode.ROBUST
    require_proof: bool = False
    min_requests: int = 100
    min_minutes: int = 5
    traffic_ratio: float = 0.5

    def __post_init__(self) -> None:
        _require(bool(self.gates), "at least one gate is needed")
        names = [gate.name for gate in self.gates]
        _require(len(set(names)) == len(names), f"gate names must differ, got {', '.join(names)}")
        for level in ("alpha", "beta"):
            _require_number(level, getattr(self, level), above=0.0, below=1.0)
        for count in ("min_requests", "min_minutes"):
            _require_number(count, getattr(self, count), least=0)
        _require_number("traffic_ratio", self.traffic_ratio, above=0.0, most=1.0)

    @property
    def is_robust(self) -> bool:
        """Whether cap, discount and restarts are on."""
        return self.mode is Mode.ROBUST

    @property
    def weights(self) -> dict[str, float]:
        """Each gate's part of alpha; they sum to 1."""
        total = math.fsum(gate.weight for gate in self.gates)
        return {gate.name: gate.weight / total for gate in self.gates}

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Read the whole configuration.

        Raises:
            InvalidGatesError: for an unknown key or a value outside its range.
        """
        values = _known(cls, config, "configuration")
        gates = values.get("gates")
        _require(isinstance(gates, Sequence) and not isinstance(gates, str), "gates must be a list")
        values["gates"] = tuple(GateSettings.parse(gate) for gate in values["gates"])
        values["mode"] = _choice(Mode, "mode", values.get("mode", Mode.ROBUST))
        return cls(**values)


def _known(settings: type, config: object, what: str) -> dict[str, Any]:
    """Return the configuration as keyword arguments, refusing keys that would be ignored."""
    _require(isinstance(config, Mapping), f"a {what} must be an object, got {config!r}")
    assert isinstance(config, Mapping)
    allowed = [field.name for field in fields(settings)]
    unknown = sorted(set(config) - set(allowed))
    _require(not unknown, f"unknown key in a {what}: {', '.join(unknown)}; known are {', '.join(allowed)}")
    return dict(config)


def _choice(choices: type[Choice], key: str, value: object) -> Choice:
    try:
        return choices(str(value))
    except ValueError:
        allowed = ", ".join(choices)
        raise InvalidGatesError(f"{key} must be one of {allowed}, got {value}") from None


def _require_number(
    key: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER
    _require(is_number, f"{key} must be a finite number, got {value!r}")
    assert isinstance(value, int | float)
    inside = above < value < below and least <= value <= most
    _require(inside, f"{key} must be {_range(above, least, below, most)}, got {value}")


def _range(above: float, least: float, below: float, most: float) -> str:
    limits = [
        f"{word} {limit:g}"
        for word, limit in (("above", above), ("at least", least), ("below", below), ("at most", most))
        if math.isfinite(limit)
    ]
    return " and ".join(limits)


def _require(condition: bool, sentence: str) -> None:  # noqa: FBT001  # an assertion that survives -O
    if not condition:
        raise InvalidGatesError(sentence)
