"""All alarms of an account. The clock evaluates them; each change of state is reported.

Metric alarms with a period under a minute are evaluated every 10 seconds, all others every minute. Composite alarms
are evaluated when one of their children changes.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from canary_tools.aws_models.api.events import Emit
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.cloudwatch.alarm import Alarm, Change, StateRecord, timestamp
from canary_tools.aws_models.cloudwatch.alarm_evaluation import evaluate
from canary_tools.aws_models.cloudwatch.alarm_event import DETAIL_TYPE, SOURCE, event_detail
from canary_tools.aws_models.cloudwatch.alarm_request import AlarmRequestError, queries_of
from canary_tools.aws_models.cloudwatch.composite_rule import RuleError, parse_rule
from canary_tools.aws_models.cloudwatch.math_syntax import MathError
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import Clock

Act = Callable[[str, Change], None]

_INTERVALS = (10, 60)
_SUB_MINUTE = 60
# An evaluation runs this fraction of its interval after the interval begins, so that the last period's data are there.
_PHASE = 0.4
_CREATED = "Unchecked: Initial alarm creation"

_log = logging.getLogger(__name__)


class Alarms:
    """The alarms of one account and region.

    Args:
        store: the metrics that the alarms read.
        emit: is called with an event for each change of state.
        act: is called with each action ARN of a change and the change.
        undocumented: how queries are answered where AWS does not say it.
    """

    def __init__(
        self,
        *,
        store: MetricStore,
        clock: Clock,
        emit: Emit,
        act: Act,
        place: Place,
        undocumented: Undocumented = Undocumented(),  # noqa: B008 - frozen
    ) -> None:
        self._store = store
        self._clock = clock
        self._emit = emit
        self._act = act
        self._place = place
        self._undocumented = undocumented
        self._lock = threading.RLock()
        self._alarms: dict[str, Alarm] = {}
        self.history: list[Change] = []

    def start(self) -> None:
        """Evaluate the alarms from now on, for as long as the clock runs."""
        for interval in _INTERVALS:
            self._schedule(interval)

    def put_metric_alarm(self, request: Mapping[str, Any]) -> Alarm:
        """Create or change a metric alarm. A changed alarm keeps its state until the next evaluation.

        Raises:
            AlarmRequestError: CloudWatch would refuse the request.

        """
        queries = queries_of(request)
        return self._put(request, queries=queries)

    def put_composite_alarm(self, request: Mapping[str, Any]) -> Alarm:
        """Create or change a composite alarm, and evaluate it at once.

        Raises:
            AlarmRequestError: CloudWatch would refuse the request.

        """
        try:
            rule = parse_rule(request["AlarmRule"])
        except RuleError as error:
            raise AlarmRequestError(str(error)) from error
        with self._lock:
            unknown = [name for name in rule.children if name not in self._alarms]
            if unknown:
                raise AlarmRequestError(f"the alarm rule names alarms that do not exist: {unknown}")
            alarm = self._put(request, rule=rule)
            changes = self._settle_composites()
        self._announce(changes)
        return alarm

    def delete(self, names: Iterable[str]) -> None:
        """Delete alarms. Unknown names are ignored.

        Raises:
            AlarmRequestError: a composite alarm that is not deleted depends on one of them.

        """
        doomed = set(names)
        with self._lock:
            for alarm in self._alarms.values():
                needed = doomed.intersection(alarm.rule.children if alarm.rule else ())
                if needed and alarm.name not in doomed:
                    raise AlarmRequestError(
                        f"cannot delete {sorted(needed)} as there are composite alarm(s) depending on it"
                    )
            for name in doomed:
                self._alarms.pop(name, None)

    def set_state(self, name: str, state: AlarmState, reason: str, reason_data: str = "") -> None:
        """Set the state of an alarm. It holds until an evaluation changes it.

        Raises:
            KeyError: there is no such alarm.

        """
        data = json.loads(reason_data) if reason_data else {}
        record = StateRecord(state, reason, self._clock.now(), data)
        with self._lock:
            changes = self._apply(self._alarms[name], record) + self._settle_composites()
        self._announce(changes)

    def get(self, name: str) -> Alarm | None:
        """Return the alarm of that name, or `None`."""
        return self._alarms.get(name)

    def all(self) -> list[Alarm]:
        """Return all alarms, sorted by name."""
        with self._lock:
            return sorted(self._alarms.values(), key=lambda alarm: alarm.name)

    def evaluate(self, interval: int) -> None:
        """Evaluate now all metric alarms that are evaluated every `interval` seconds (10 or 60)."""
        with self._lock:
            changes: list[Change] = []
            for alarm in self._alarms.values():
                if alarm.queries and _interval(alarm) == interval:
                    changes += self._evaluate(alarm)
            changes += self._settle_composites()
        self._announce(changes)

    def _schedule(self, interval: int) -> None:
        now, offset = self._clock.now(), interval * _PHASE
        due = now - now % interval + offset
        self._clock.call_at(due if due > now else due + interval, lambda: self._tick(interval))

    def _tick(self, interval: int) -> None:
        self._schedule(interval)
        self.evaluate(interval)

    def _put(self, request: Mapping[str, Any], **watched: Any) -> Alarm:
        name, now = request["AlarmName"], self._clock.now()
        with self._lock:
            before = self._alarms.get(name)
            created = StateRecord(AlarmState.INSUFFICIENT_DATA, _CREATED, now)
            self._alarms[name] = Alarm(
                name=name,
                arn=self._place.arn("cloudwatch", f"alarm:{name}"),
                request=dict(request),
                configured=now,
                state=before.state if before else created,
                transitioned=before.transitioned if before else now,
                tags=before.tags if before else {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []},
                **watched,
            )
            return self._alarms[name]

    def _evaluate(self, alarm: Alarm) -> list[Change]:
        try:
            state = evaluate(alarm, self._store, self._clock.now(), undocumented=self._undocumented)
        except MathError as error:
            _log.warning("alarm %s cannot be evaluated: %s", alarm.name, error)
            return []
        return [] if state is None else self._apply(alarm, state)

    def _settle_composites(self) -> list[Change]:
        """Evaluate composite alarms until none of them changes; a change of one can change another."""
        changes: list[Change] = []
        composites = [alarm for alarm in self._alarms.values() if alarm.rule is not None]
        for _ in composites:
            found = [change for alarm in composites for change in self._evaluate_composite(alarm)]
            if not found:
                break
            changes += found
        return changes

    def _evaluate_composite(self, alarm: Alarm) -> list[Change]:
        assert alarm.rule is not None
        states = {name: str(child.state.value) for name, child in self._alarms.items()}
        state = AlarmState.ALARM if alarm.rule.holds(states) else AlarmState.OK
        if state is alarm.state.value:
            return []
        children = [self._alarms[name] for name in alarm.rule.children if name in self._alarms]
        return self._apply(alarm, _composite_record(alarm, state, children, self._clock.now()))

    def _apply(self, alarm: Alarm, state: StateRecord) -> list[Change]:
        change = Change(alarm, alarm.state, state)
        alarm.state = state
        if change.before.value is state.value:
            return []
        alarm.transitioned = state.since
        self.history.append(change)
        return [change]

    def _announce(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._emit(
                source=SOURCE,
                detail_type=DETAIL_TYPE,
                resources=[change.alarm.arn],
                detail=event_detail(change),
            )
            for action in change.alarm.actions(change.after.value):
                self._act(action, change)


def _interval(alarm: Alarm) -> int:
    return _INTERVALS[0] if alarm.period < _SUB_MINUTE else _INTERVALS[1]


def _composite_record(alarm: Alarm, state: AlarmState, children: Sequence[Alarm], now: float) -> StateRecord:
    latest = max(children, key=lambda child: child.state.since, default=alarm)
    reason = f"{latest.arn} transitioned to {latest.state.value} at {timestamp(latest.state.since)}"
    data = {
        "triggeringAlarms": [
            {
                "arn": latest.arn,
                "state": {"value": str(latest.state.value), "timestamp": timestamp(latest.state.since)},
            }
        ]
    }
    return StateRecord(state, reason, now, data)
