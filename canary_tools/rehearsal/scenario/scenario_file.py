"""Reads the file of a scenario. Each value has limits; what is outside is refused with a sentence."""

import re
from datetime import datetime
from pathlib import Path
from reprlib import repr as short

from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.rehearsal.json_input.json_object import Reader, RehearsalError, read_json
from canary_tools.rehearsal.scenario.distortions import DISTORTIONS
from canary_tools.rehearsal.scenario.metric_delays import YEAR_SECONDS, read_metric_delays
from canary_tools.rehearsal.scenario.scenario import (
    LAUNCH_SECONDS,
    METRIC_DELAYS,
    Behaviour,
    Change,
    Control,
    Fault,
    Missing,
    Scenario,
    Traffic,
    behaviour_at,
)

WHO = ("canary", "stable", "both")
OF_ALARMS = ("delete-alarm", "hold-alarm-in-alarm", "hold-alarm-in-ok", "flap-alarm")
OF_PEOPLE = ("abort", "approve", "reject", "pause", "resume", "promote", "rollback")
CONTROLS = (*OF_PEOPLE,
            "stop-execution", "time-out-execution", "deploy", "set-weights", "weights-fall-back",
            "delete-endpoint", *OF_ALARMS,
            "duplicate-event", "delay-events", *DISTORTIONS)  # fmt: skip

ERRORS = ("in-progress", "timeout", "crash", "in-part")
"""What a fault does beside the error codes of services."""
_ERROR_CODE = re.compile(r"[A-Z][A-Za-z0-9.]*")
WHO_ORDERS, WHY_ORDERED = "ann", "by hand"
_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""The name of a session. Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

MOST_REQUESTS = 1e6
"""A second. At this rate the counts of a day still fit every number here; a larger value is a mistake."""
FEWEST_REQUESTS = 1e-3
MOST_BURST = 1e6
MOST_WEIGHT = 1e6
HOUR_MS = 3_600_000
MICROSECOND_MS = 0.001
YEARS = range(2000, 2100)
LARGEST_SEED = 2**53
"""JSON numbers are exact up to here."""


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        RehearsalError: with the sentence that says what is wrong with it.
    """
    content = read_json(path)
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
        deployed_at=_moment(reader),
        seed=reader.whole("seed", default=0, least=0, most=LARGEST_SEED),
        traffic=_traffic(traffic),
        stable=usual,
        canary=_behaviour(reader.section("canary", default={}), usual),
        changes=tuple(_change(item) for item in reader.optional_sections("changes")),
        metric_delays=read_metric_delays(metrics, METRIC_DELAYS),
        missing=tuple(_missing(item) for item in metrics.optional_sections("missing")),
        launch_s=capacity.number("launch_s", default=LAUNCH_SECONDS, least=0, most=YEAR_SECONDS),
        max_rps_per_instance=capacity.optional_number(
            "max_rps_per_instance", least=FEWEST_REQUESTS, most=MOST_REQUESTS
        ),
        faults=tuple(_fault(item) for item in reader.optional_sections("faults")),
        controls=tuple(_control(item) for item in reader.optional_sections("controls")),
        undocumented=_undocumented(reader.section("undocumented", default={})),
    )
    for part in (reader, metrics, capacity):
        part.refuse_unknown_keys()
    _refuse_contradictions(scenario)
    return scenario


def _moment(reader: Reader) -> float | None:
    if not reader.has("deployed_at"):
        return None
    written = reader.text("deployed_at")
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year not in YEARS:
        raise RehearsalError(
            f"{reader.name}: deployed_at must be a time in ISO 8601 with its offset from UTC, such as "
            f"2027-01-15T15:00:00+01:00, in the years {YEARS[0]} to {YEARS[-1]}, got {short(written)}"
        )
    return moment.timestamp()


def _refuse_contradictions(scenario: Scenario) -> None:
    moments = {0.0, *(change.at_s for change in scenario.changes)}
    moments |= {change.at_s + change.for_s for change in scenario.changes if change.for_s is not None}
    for moment in sorted(moments):
        for who in ("stable", "canary"):
            behaviour = behaviour_at(scenario, who, moment)
            unserved = behaviour.error_rate + behaviour.refused_rate
            if unserved > 1:
                raise RehearsalError(
                    f"{who} fails and refuses more requests than there are from second {moment:g} on: error_rate and "
                    f"refused_rate must be at most 1 together, got {unserved:g}"
                )
            if behaviour.p99 < behaviour.p50:
                raise RehearsalError(
                    f"the latency of {who} contradicts itself from second {moment:g} on: p99 must be at least p50, "
                    f"got p50 {behaviour.p50:g} and p99 {behaviour.p99:g}"
                )


def _traffic(reader: Reader) -> Traffic:
    traffic = Traffic(
        rps=reader.number("rps", least=0, most=MOST_REQUESTS),
        daily_amplitude=reader.number("daily_amplitude", default=0.0, least=0, most=1),
        burst=reader.number("burst", default=1.0, least=1, most=MOST_BURST),
    )
    reader.refuse_unknown_keys()
    return traffic


def _behaviour(reader: Reader, usual: Behaviour) -> Behaviour:
    latency = reader.section("latency_ms", default={})
    behaviour = Behaviour(
        error_rate=reader.number("error_rate", default=usual.error_rate, least=0, most=1),
        refused_rate=reader.number("refused_rate", default=usual.refused_rate, least=0, most=1),
        p50=latency.number("p50", default=usual.p50, least=MICROSECOND_MS, most=HOUR_MS),
        p99=latency.number("p99", default=usual.p99, least=MICROSECOND_MS, most=HOUR_MS),
        conversion_rate=reader.number("conversion_rate", default=usual.conversion_rate, least=0, most=1),
    )
    reader.refuse_unknown_keys()
    latency.refuse_unknown_keys()
    return behaviour


def _change(reader: Reader) -> Change:
    changed = reader.section("set")
    _behaviour(changed, Behaviour())
    change = Change(
        at_s=reader.number("at_s", least=0, most=YEAR_SECONDS),
        for_s=reader.optional_number("for_s", above=0, most=YEAR_SECONDS),
        who=reader.choice("who", WHO),
        values=changed.flat(),
    )
    reader.refuse_unknown_keys()
    if not change.values:
        raise RehearsalError(f"{changed.name} must change something, got nothing")
    return change


def _missing(reader: Reader) -> Missing:
    begin, end = (reader.number(key, least=-YEAR_SECONDS, most=YEAR_SECONDS) for key in ("from_s", "to_s"))
    who = reader.choice("who", WHO, default="both")
    metric = reader.text("metric", default="")
    reader.refuse_unknown_keys()
    if end <= begin:
        raise RehearsalError(f"{reader.name}: to_s must be after from_s, got from {begin:g} to {end:g}")
    return Missing(from_s=begin, to_s=end, who=who, metric=metric)


def _undocumented(reader: Reader) -> Undocumented:
    try:
        return Undocumented.parse(reader.flat())
    except ValueError as error:
        raise RehearsalError(f"{reader.name}: {error}") from None


def _fault(reader: Reader) -> Fault:
    fault = Fault(
        at_s=reader.number("at_s", least=0, most=YEAR_SECONDS),
        for_s=reader.number("for_s", above=0, most=YEAR_SECONDS),
        call=reader.text("call"),
        error=_error(reader),
        probability=reader.number("probability", default=1.0, above=0, most=1),
    )
    reader.refuse_unknown_keys()
    return fault


def _error(reader: Reader) -> str:
    error = reader.text("error")
    if error not in ERRORS and not _ERROR_CODE.fullmatch(error):
        raise RehearsalError(
            f"{reader.name}: error must be {', '.join(ERRORS)} or the code of a service error such as "
            f"ThrottlingException, got {short(error)}"
        )
    return error


def _control(reader: Reader) -> Control:
    do = reader.choice("do", CONTROLS)
    weights = _weights(reader.section("weights")) if do == "set-weights" else {}
    control = Control(
        at_s=reader.number("at_s", least=0, most=YEAR_SECONDS),
        do=do,
        weights=weights,
        alarm=reader.text("alarm", default="") if do in OF_ALARMS else "",
        who=reader.choice("who", WHO, default="both") if do in DISTORTIONS else "both",
        by=_person(reader) if do in OF_PEOPLE else "",
        why=reader.text("why", default=WHY_ORDERED) if do in OF_PEOPLE else "",
    )
    reader.refuse_unknown_keys()
    return control


def _person(reader: Reader) -> str:
    name = reader.text("by", default=WHO_ORDERS)
    if not _NAME.fullmatch(name):
        raise RehearsalError(
            f"{reader.name}: by must be a name of 2 to 64 letters, digits and any of + = , . @ - _, got {short(name)}"
        )
    return name


def _weights(reader: Reader) -> dict[str, float]:
    weights = reader.numbers(least=0, most=MOST_WEIGHT)
    if not sum(weights.values()):
        raise RehearsalError(f"{reader.name} must give a variant a weight above 0, got {weights}")
    return weights
