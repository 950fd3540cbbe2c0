"""The gates of an endpoint as they cross from synth to run time: what is judged, and where the counts come from.

GATES.json of the replay holds the same `JudgeRules`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self, TypeVar

from rollout.contract.timing import GATE_PERIODS

Choice = TypeVar("Choice", bound=StrEnum)
LARGEST_NUMBER = 1e300
EARLIER_KEYS = {"weight": "alpha_share"}
"""Keys of a gate by their earlier name. `GateRule.parse` still reads it: people keep GATES.json files beside the counts
of past months, and replay them again. Nothing writes it."""

SELDOM = (
    "beta", "mode", "min_requests", "min_minutes", "traffic_ratio",
    "delay", "superior_step", "unasked_steps", "spreads", "of_callers", "of_served", "warm_up_once",
)  # fmt: skip
"""What is written only when it is not the default."""

WIDEST_JUDGED = 2.0
"""Above this spread a step finds what is broken, and cannot judge what is better."""


class InvalidGatesError(ValueError):
    """Gate rules that cannot be used; the sentence says which value is wrong."""


class Kind(StrEnum):
    """Which form of evidence a gate uses: `RARE` for rates up to about 5 %, `SHARE` for all others."""

    RARE = "rare"
    SHARE = "share"


class Direction(StrEnum):
    """Whether more of the counted events are worse (errors) or fewer of them (conversions)."""

    HIGHER_IS_WORSE = "higher_is_worse"
    LOWER_IS_WORSE = "lower_is_worse"


class Mode(StrEnum):
    """Whether requests of one minute may depend on each other (`ROBUST`) or are independent (`EXACT`)."""

    ROBUST = "robust"
    EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One comparison of the canary with stable.

    `ratio` is the tolerated ratio of the two rates. `min_difference` is the smallest difference of the rates that may
    roll back (0.0005 is 0.05 percentage points). `alpha_share` is this gate's part of alpha, relative to the other
    gates. The first `warm_up` periods of each step are left out, see `JudgeRules.warm_up_once`; nothing is held against
    the canary in as many after its fleet has grown. `event` is the verb for what is counted. The first `delay` periods
    of each step count what was shown before the step. The step with the number `superior_step` (0 is the first) passes
    only with a proof that the canary is better than stable. In `unasked_steps` this gate counts nothing: it neither
    rolls back nor holds a step up. With `of_callers`, what is counted is the callers' doing unless the variants differ:
    a trouble of both holds no step up. With `of_served`, requests that failed are not among the gate's.

    `spreads` are those of the first steps, in which users are drawn and not requests: how many times the rate of a
    cohort's users may differ from that of the others when the release makes no difference. In all later steps it is 1.

    Raises:
        InvalidGatesError: when a value is out of its range.
    """

    name: str
    kind: Kind = Kind.RARE
    direction: Direction = Direction.HIGHER_IS_WORSE
    event: str = "failed"
    ratio: float = 1.25
    min_difference: float = 0.0
    alpha_share: float = 1.0
    warm_up: int = 0
    delay: int = 0
    superior_step: int | None = None
    unasked_steps: tuple[int, ...] = ()
    spreads: tuple[float, ...] = ()
    of_callers: bool = False
    of_served: bool = False

    def __post_init__(self) -> None:
        _require(bool(self.name), "name must not be empty")
        _require_number("ratio", self.ratio, above=0.0)
        _require_number("alpha_share", self.alpha_share, above=0.0)
        _require_number("min_difference", self.min_difference, least=0.0, most=1.0)
        _require(isinstance(self.event, str), f"event must be a text, got {self.event!r}")
        for periods in ("warm_up", "delay"):
            _require_number(periods, getattr(self, periods), least=0)
            _require(float(getattr(self, periods)).is_integer(), f"{periods} must be a whole number")
        step = self.superior_step
        _require(
            step is None or _is_step(step), f"superior_step must be the number of a step, 0 for the first, got {step!r}"
        )
        unasked = self.unasked_steps
        _require(all(map(_is_step, unasked)), f"unasked_steps must hold numbers of steps, got {unasked!r}")
        for spread in self.spreads:
            _require_number("spreads", spread, least=1.0)
        for flag in ("of_callers", "of_served"):
            value = getattr(self, flag)
            _require(isinstance(value, bool), f"{flag} must be true or false, got {value!r}")
        if self.is_lower_worse:
            _require(self.ratio <= 1.0, f"ratio must be at most 1 when lower is worse, got {self.ratio}")
        else:
            _require(self.ratio >= 1.0, f"ratio must be at least 1 when higher is worse, got {self.ratio}")

    @property
    def is_lower_worse(self) -> bool:
        """Whether fewer events are worse."""
        return self.direction is Direction.LOWER_IS_WORSE

    def spread_in(self, step: int) -> float:
        """Return how many times a step's users may differ by chance; 1 where requests are drawn.

        >>> users = GateRule(name="errors", spreads=(10.0,))
        >>> users.spread_in(0), users.spread_in(1)
        (10.0, 1.0)
        """
        return self.spreads[step] if step < len(self.spreads) else 1.0

    def judges_in(self, step: int) -> bool:
        """Tell whether a step can judge what is better, and not only find what is broken."""
        return self.spread_in(step) <= WIDEST_JUDGED

    def tolerated(self, spread: float) -> float:
        """Return the ratio of the two rates that a release and its users explain together.

        >>> GateRule(name="errors").tolerated(10.0)
        12.5
        """
        return self.ratio / spread if self.is_lower_worse else self.ratio * spread

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Read one entry of `gates`; an unknown key is refused as well."""
        values = _known(cls, config, "gate", renamed=EARLIER_KEYS)
        _require("name" in values, "a gate needs a name")
        name = values["name"]
        _require(isinstance(name, str), f"name must be a text, got {name!r}")
        values["kind"] = _choice(Kind, "kind", values.get("kind", Kind.RARE))
        values["direction"] = _choice(Direction, "direction", values.get("direction", Direction.HIGHER_IS_WORSE))
        for numbers in ("unasked_steps", "spreads"):
            values[numbers] = _numbers(numbers, values.get(numbers, ()))
        try:
            return cls(**values)
        except InvalidGatesError as error:
            raise InvalidGatesError(f"gate {name}: {error}") from None

    def to_json(self) -> dict[str, object]:
        """Return what `parse` reads."""
        return _said(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRules:
    """All gates of a rollout and what they share.

    `alpha` bounds the chance that a healthy release is rolled back, over the whole rollout. `beta` bounds the chance
    that one step passes early although the canary is worse than tolerated. A step passes only after at least
    `min_requests` canary requests and `min_minutes`. `traffic_ratio` is the part of its configured share (in odds)
    that the canary must receive. With `warm_up_once` the gates' `warm_up` periods are left out in the first step only:
    where new instances serve a small share before the share rises, no later step begins cold.

    Raises:
        InvalidGatesError: when there is no gate, two have one name, or a value is out of its range.
    """

    alpha: float = 0.01
    require_proof: bool = False
    gates: tuple[GateRule, ...]
    beta: float = 0.05
    mode: Mode = Mode.ROBUST
    min_requests: int = 100
    min_minutes: int = GATE_PERIODS
    traffic_ratio: float = 0.5
    warm_up_once: bool = False

    def __post_init__(self) -> None:
        _require(bool(self.gates), "at least one gate is needed")
        names = [gate.name for gate in self.gates]
        _require(len(set(names)) == len(names), f"gate names must differ, got {', '.join(names)}")
        for level in ("alpha", "beta"):
            _require_number(level, getattr(self, level), above=0.0, below=1.0)
        for count in ("min_requests", "min_minutes"):
            _require_number(count, getattr(self, count), least=0)
        _require_number("traffic_ratio", self.traffic_ratio, above=0.0, most=1.0)
        for flag in ("require_proof", "warm_up_once"):
            value = getattr(self, flag)
            _require(isinstance(value, bool), f"{flag} must be true or false, got {value!r}")

    @property
    def is_robust(self) -> bool:
        """Whether the cap on a minute, the discount and the restarts are on."""
        return self.mode is Mode.ROBUST

    def asks_superiority(self, step: int) -> bool:
        """Tell whether a step passes only with a proof that the canary is better than stable."""
        return any(gate.superior_step == step for gate in self.gates)

    @property
    def alpha_shares(self) -> dict[str, float]:
        """Each gate's part of alpha, by name; they sum to 1."""
        total = math.fsum(gate.alpha_share for gate in self.gates)
        return {gate.name: gate.alpha_share / total for gate in self.gates}

    @property
    def alpha_of_requests(self) -> float:
        """The part of alpha for chance among requests. Where users are drawn, half is kept for who is drawn."""
        return self.alpha / 2.0 if any(gate.spreads for gate in self.gates) else self.alpha

    def asks_proof_in(self, step: int) -> bool:
        """Tell whether a step passes on a proof only. A cohort that cannot judge leaves that to the later steps."""
        return self.require_proof and all(gate.judges_in(step) for gate in self.gates)

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Read `judge` of the plan, or GATES.json; an unknown key is refused as well."""
        values = _known(cls, config, "configuration")
        gates = values.get("gates")
        _require(isinstance(gates, Sequence) and not isinstance(gates, str), "gates must be a list")
        values["gates"] = tuple(GateRule.parse(gate) for gate in values["gates"])
        values["mode"] = _choice(Mode, "mode", values.get("mode", Mode.ROBUST))
        return cls(**values)

    def to_json(self) -> dict[str, object]:
        """Return what `parse` reads."""
        return {**_said(self), "gates": [gate.to_json() for gate in self.gates]}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequests:
    """Failed requests of all requests, as SageMaker publishes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequests:
    """Requests that were not served though nothing failed: answers with 4XX, and streamed answers that broke off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRequests:
    """Requests whose model latency is above `slow_us` microseconds."""

    slow_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCounts:
    """Two counts that the application publishes for each variant.

    `total` and `counted` are metrics in `namespace`. `dimensions` are added to `EndpointName` and `VariantName`. A
    count is complete `delay_seconds` after its period.
    """

    namespace: str
    total: str
    counted: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: int = 0


Source = FailedRequests | RefusedRequests | SlowRequests | PublishedCounts


SOURCES: Mapping[str, type[Source]] = {
    "errors": FailedRequests,
    "refused": RefusedRequests,
    "slow": SlowRequests,
    "pair": PublishedCounts,
}


def parse_source(config: Mapping[str, Any]) -> Source:
    """Read where one gate's counts come from.

    Raises:
        InvalidGatesError: when `source` is none of `SOURCES`.
    """
    values = dict(config)
    name = values.pop("source", None)
    if name not in SOURCES:
        raise InvalidGatesError(f"a gate's source must be one of {', '.join(SOURCES)}, got {name}")
    return SOURCES[name](**values)


def source_to_json(source: Source) -> dict[str, object]:
    """Return what `parse_source` reads."""
    name = next(name for name, kind in SOURCES.items() if isinstance(source, kind))
    return {"source": name, **asdict(source)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """What the plan says about gates: the rules of the judge, and each gate's source by the gate's name."""

    judge: JudgeRules
    sources: Mapping[str, Source]

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Read `gates` of the plan."""
        sources = {name: parse_source(source) for name, source in config["sources"].items()}
        return cls(judge=JudgeRules.parse(config["judge"]), sources=sources)

    def to_json(self) -> dict[str, object]:
        """Return what `parse` reads."""
        sources = {name: source_to_json(source) for name, source in self.sources.items()}
        return {"judge": self.judge.to_json(), "sources": sources}


def _said(rules: GateRule | JudgeRules) -> dict[str, object]:
    """Return the fields as plain JSON values, without those of `SELDOM` that have their default."""
    said = {}
    for rule in fields(rules):
        value = getattr(rules, rule.name)
        if rule.name not in SELDOM or value != rule.default:
            said[rule.name] = _plain(value)
    return said


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _is_step(number: object) -> bool:
    return type(number) is int and number >= 0


def _numbers(key: str, value: object) -> tuple[Any, ...]:
    _require(isinstance(value, Sequence) and not isinstance(value, str), f"{key} must be a list, got {value!r}")
    assert isinstance(value, Sequence)
    return tuple(value)


def _known(rules: type, config: object, what: str, *, renamed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the configuration as keyword arguments. `renamed`: keys by their earlier name."""
    _require(isinstance(config, Mapping), f"a {what} must be an object, got {config!r}")
    assert isinstance(config, Mapping)
    values = dict(config)
    for earlier, now in (renamed or {}).items():
        if earlier in values and now not in values:
            values[now] = values.pop(earlier)
    allowed = [rule.name for rule in fields(rules)]
    unknown = sorted(set(values) - set(allowed))
    _require(not unknown, f"unknown key in a {what}: {', '.join(unknown)}; known are {', '.join(allowed)}")
    return values


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
