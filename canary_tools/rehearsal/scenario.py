"""The scenario of a rehearsal: traffic, how both releases behave, and what goes wrong. See docs/rehearsal.md."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from canary_tools.rehearsal.absurd_values import DISTORTIONS
from canary_tools.rehearsal.reading import Reader, RehearsalError

WHO = ("canary", "stable", "both")
OF_ALARMS = ("delete-alarm", "hold-alarm-in-alarm", "hold-alarm-in-ok", "flap-alarm")
CONTROLS = ("abort", "stop-execution", "time-out-execution", "deploy", "set-weights", "delete-endpoint", *OF_ALARMS,
            "duplicate-event", "delay-events", *DISTORTIONS)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests a second on average, the relative height of the daily curve, and variance over Poisson's."""

    rps: float
    daily_amplitude: float = 0.0
    burst: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the model of one variant answers; latencies in milliseconds, rates between 0 and 1."""

    error_rate: float = 0.001
    p50: float = 40.0
    p99: float = 180.0
    conversion_rate: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Change:
    """Other behaviour from `at_s` on, for `for_s` seconds or for good."""

    at_s: float
    for_s: float | None
    who: str
    values: Mapping[str, float]

    def applies(self, second: float, who: str) -> bool:
        """Tell whether this changes the behaviour of the canary or of stable at this second."""
        ends = self.at_s + self.for_s if self.for_s is not None else float("inf")
        return self.who in {who, "both"} and self.at_s <= second < ends


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A call that fails for some time, each time with this probability."""

    at_s: float
    for_s: float
    call: str
    error: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Control:
    """Something that a person or another system does at a moment."""

    at_s: float
    do: str
    weights: Mapping[str, float] = field(default_factory=dict)
    alarm: str = ""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Everything that happens around a rollout. Times in seconds from its start."""

    seed: int
    traffic: Traffic
    stable: Behaviour
    canary: Behaviour
    changes: tuple[Change, ...] = ()
    metric_delay_s: float = 90.0
    missing: tuple[tuple[float, float], ...] = ()
    launch_s: float = 240.0
    max_rps_per_instance: float | None = None
    faults: tuple[Fault, ...] = ()
    controls: tuple[Control, ...] = ()


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        RehearsalError: with the sentence that says what is wrong with it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RehearsalError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RehearsalError(f"{path} is not JSON: {error}") from None
    try:
        return parse_scenario(content)
    except RehearsalError as error:
        raise RehearsalError(f"{path}: {error}") from None


def parse_scenario(content: object) -> Scenario:
    """Read a scenario from JSON values.

    Raises:
        RehearsalError: for an unknown key, a value outside its range, or a contradiction.
    """
    reader = Reader(content, "the scenario")
    traffic, stable = reader.section("traffic"), reader.section("stable", default={})
    usual = _behaviour(stable, Behaviour())
    metrics, capacity = reader.section("metrics", default={}), reader.section("capacity", default={})
    scenario = Scenario(
        seed=reader.whole("seed", default=0, least=0),
        traffic=_traffic(traffic),
        stable=usual,
        canary=_behaviour(reader.section("canary", default={}), usual),
        changes=tuple(_change(item) for item in reader.sections("changes")),
        metric_delay_s=metrics.number("delay_s", default=90.0, least=0),
        missing=tuple(_window(item) for item in metrics.sections("missing")),
        launch_s=capacity.number("launch_s", default=240.0, least=0),
        max_rps_per_instance=capacity.optional_number("max_rps_per_instance", above=0),
        faults=tuple(_fault(item) for item in reader.sections("faults")),
        controls=tuple(_control(item) for item in reader.sections("controls")),
    )
    for part in (reader, metrics, capacity):
        part.refuse_unknown_keys()
    _refuse_contradictions(scenario)
    return scenario


def behaviour_at(scenario: Scenario, who: str, second: float) -> Behaviour:
    """Return how the canary or stable behaves at a second of the rollout.

    >>> scenario = parse_scenario({"traffic": {"rps": 1}, "changes": [
    ...     {"at_s": 60, "for_s": 60, "who": "canary", "set": {"error_rate": 0.5}}]})
    >>> [behaviour_at(scenario, "canary", second).error_rate for second in (59, 60, 120)]
    [0.001, 0.5, 0.001]
    """
    behaviour = scenario.canary if who == "canary" else scenario.stable
    for change in scenario.changes:
        if change.applies(second, who):
            behaviour = replace(behaviour, **change.values)
    return behaviour


def _refuse_contradictions(scenario: Scenario) -> None:
    moments = {0.0, *(change.at_s for change in scenario.changes)}
    moments |= {change.at_s + change.for_s for change in scenario.changes if change.for_s is not None}
    for moment in sorted(moments):
        for who in ("stable", "canary"):
            behaviour = behaviour_at(scenario, who, moment)
            if behaviour.p99 < behaviour.p50:
                raise RehearsalError(
                    f"the latency of {who} contradicts itself from second {moment:g} on: p99 must be at least p50, "
                    f"got p50 {behaviour.p50:g} and p99 {behaviour.p99:g}"
                )


def _traffic(reader: Reader) -> Traffic:
    traffic = Traffic(
        rps=reader.number("rps", least=0),
        daily_amplitude=reader.number("daily_amplitude", default=0.0, least=0, most=1),
        burst=reader.number("burst", default=1.0, least=1),
    )
    reader.refuse_unknown_keys()
    return traffic


def _behaviour(reader: Reader, usual: Behaviour) -> Behaviour:
    latency = reader.section("latency_ms", default={})
    behaviour = Behaviour(
        error_rate=reader.number("error_rate", default=usual.error_rate, least=0, most=1),
        p50=latency.number("p50", default=usual.p50, above=0),
        p99=latency.number("p99", default=usual.p99, above=0),
        conversion_rate=reader.number("conversion_rate", default=usual.conversion_rate, least=0, most=1),
    )
    reader.refuse_unknown_keys()
    latency.refuse_unknown_keys()
    return behaviour


def _change(reader: Reader) -> Change:
    changed = reader.section("set")
    _behaviour(changed, Behaviour())
    change = Change(
        at_s=reader.number("at_s", least=0),
        for_s=reader.optional_number("for_s", above=0),
        who=reader.choice("who", WHO),
        values=changed.flat(),
    )
    reader.refuse_unknown_keys()
    if not change.values:
        raise RehearsalError(f"{changed.name} must change something, got nothing")
    return change


def _window(reader: Reader) -> tuple[float, float]:
    window = (reader.number("from_s"), reader.number("to_s"))
    reader.refuse_unknown_keys()
    if window[1] <= window[0]:
        raise RehearsalError(f"{reader.name}: to_s must be after from_s, got from {window[0]:g} to {window[1]:g}")
    return window


def _fault(reader: Reader) -> Fault:
    fault = Fault(
        at_s=reader.number("at_s", least=0),
        for_s=reader.number("for_s", above=0),
        call=reader.text("call"),
        error=reader.text("error"),
        probability=reader.number("probability", default=1.0, above=0, most=1),
    )
    reader.refuse_unknown_keys()
    return fault


def _control(reader: Reader) -> Control:
    do = reader.choice("do", CONTROLS)
    weights = reader.section("weights").numbers(least=0) if do == "set-weights" else {}
    control = Control(
        at_s=reader.number("at_s", least=0),
        do=do,
        weights=weights,
        alarm=reader.text("alarm", default="") if do in OF_ALARMS else "",
    )
    reader.refuse_unknown_keys()
    return control
