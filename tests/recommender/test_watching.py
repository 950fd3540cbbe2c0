import io
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError
from rich.console import Console

from examples.recommender.demo import live_view
from examples.recommender.demo.live_view import LiveView, line, render
from examples.recommender.demo.observe import EndpointReader, Observation, Observer
from examples.recommender.demo.recording import Recording, marks
from examples.recommender.demo.rollouts import Ledger, latest_of
from examples.recommender.demo.view import View
from examples.recommender.shop.traffic import summarise

ROLLOUT = {
    "endpoint": "recommender",
    "record": "rollout#v2-1",
    "version": "v2",
    "outcome": "RUNNING",
    "started_at": "2026-11-22T10:00:00.000Z",
    "steps": [
        {"percent": 10, "shifted_at": "2026-11-22T10:00:20.000Z", "ended_at": "2026-11-22T10:01:20.000Z"},
        {"percent": 50, "shifted_at": "2026-11-22T10:01:30.000Z", "canary_requests": 7},
    ],
}


class StubClient:
    """Answers every operation, paginated or not, with the pages given for it."""

    def __init__(self, **pages: dict[str, Any]) -> None:
        self._pages = pages

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return lambda **_request: self._pages[operation]

    def get_paginator(self, operation: str) -> "StubPaginator":
        return StubPaginator(self._pages[operation])


class StubPaginator:
    def __init__(self, page: dict[str, Any]) -> None:
        self._page = page

    def paginate(self, **_request: object) -> list[dict[str, Any]]:
        return [self._page]


def ledger_of(*records: dict[str, Any]) -> Ledger:
    serialise = TypeSerializer().serialize
    items = [{name: serialise(value) for name, value in record.items()} for record in records]
    return Ledger(StubClient(query={"Items": items}), table_name="Ledger", endpoint_name="recommender")


def moment(hour: int, minute: int, second: int) -> float:
    return datetime(2026, 11, 22, hour, minute, second, tzinfo=UTC).timestamp()


def view_at(recording: Recording, second: float) -> View:
    start = recording.requests[0].sent_at
    past = [request for request in recording.requests if request.sent_at < start + second]
    return View(
        phase="waiting",
        elapsed_seconds=second,
        total=summarise(past),
        recent=[request for request in past if request.sent_at >= start + second - 10],
        observation=recording.observations[int(2 * second)],
        marks=[mark for mark in marks(recording) if mark.at < start + second],
        started_at=start,
    )


def text_of(view: View, *, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(render(view))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_running_rollout_is_read_from_the_ledger() -> None:
    (rollout,) = ledger_of(ROLLOUT).rollouts()
    assert (rollout.name, rollout.version, rollout.running, rollout.ended_at) == ("v2-1", "v2", True, None)
    assert [(step.percent, step.canary_requests) for step in rollout.steps] == [(10, 0), (50, 7)]
    assert rollout.steps[0].shifted_at == moment(10, 0, 20)
    assert rollout.steps[1].ended_at is None


def test_an_ended_rollout_has_its_reason_and_its_end() -> None:
    ended = {"outcome": "ROLLED_BACK", "reason": "alarm", "ended_at": "2026-11-22T10:02:00Z"}
    (rollout,) = ledger_of({**ROLLOUT, **ended}).rollouts()
    assert (rollout.running, rollout.reason, rollout.ended_at) == (False, "alarm", moment(10, 2, 0))


def test_rollouts_come_in_the_order_in_which_they_started() -> None:
    later = {**ROLLOUT, "record": "rollout#v2-2", "started_at": "2026-11-22T11:00:00Z"}
    rollouts = ledger_of(later, ROLLOUT).rollouts()
    assert [rollout.name for rollout in rollouts] == ["v2-1", "v2-2"]
    last = latest_of(rollouts, "v2")
    assert last is not None
    assert last.name == "v2-2"
    assert latest_of(rollouts, "v9") is None


def test_an_observation_has_weights_instances_floors_and_alarms() -> None:
    since = datetime(2026, 11, 22, tzinfo=UTC)
    weights = {"variant-a": 9585.0, "variant-b": 415.0}
    variants = [
        {"VariantName": name, "CurrentWeight": weight, "CurrentInstanceCount": 2} for name, weight in weights.items()
    ]
    targets = [
        {"ResourceId": "endpoint/recommender/variant/variant-a", "MinCapacity": 2},
        {"ResourceId": "endpoint/other/variant/variant-a", "MinCapacity": 9},
    ]
    alarms = [
        {"AlarmName": name, "StateValue": "ALARM", "StateUpdatedTimestamp": since}
        for name in ("ErrorRate", "TargetTracking-endpoint/recommender")
    ]
    clients = {
        "sagemaker": StubClient(describe_endpoint={"EndpointStatus": "InService", "ProductionVariants": variants}),
        "cloudwatch": StubClient(describe_alarms={"MetricAlarms": alarms, "CompositeAlarms": []}),
        "application-autoscaling": StubClient(describe_scalable_targets={"ScalableTargets": targets}),
    }
    reader = EndpointReader(clients.__getitem__, endpoint_name="recommender", ledger=ledger_of(ROLLOUT))
    seen = reader.read()
    assert (seen.slots["variant-a"].weight, seen.slots["variant-a"].floor) == (95.85, 2)
    assert {name: alarm.since for name, alarm in seen.alarms.items()} == {"ErrorRate": since.timestamp()}
    assert [rollout.version for rollout in seen.rollouts] == ["v2"]


def test_an_observer_survives_a_poll_that_fails(recording: Recording) -> None:
    throttled = ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "DescribeEndpoint")
    failures = [throttled]

    def read() -> Observation:
        if failures:
            raise failures.pop()
        return recording.observations[0]

    with Observer(read, poll_seconds=0.001) as observer:
        seen = observer.wait_for(lambda _: True, seconds=10, what="a poll")
    assert seen == recording.observations[0]
    assert observer.latest == recording.observations[0]


def test_waiting_in_vain_says_for_what_and_what_was_seen(recording: Recording) -> None:
    with (
        Observer(lambda: recording.observations[0], poll_seconds=0.001) as observer,
        pytest.raises(TimeoutError, match="the end of the rollout did not happen within 0 s; last seen: "),
    ):
        observer.wait_for(lambda _: False, seconds=0.05, what="the end of the rollout")


def test_the_view_puts_weight_and_observed_share_side_by_side(recording: Recording) -> None:
    text = text_of(view_at(recording, 80))
    slot_b = next(row for row in text.splitlines() if "variant-b" in row)
    assert "v2" in slot_b
    assert "10 %" in slot_b
    assert "none in ALARM" in text
    assert "cdk deploy v2" in text


def test_the_view_names_an_alarm_and_the_errors(recording: Recording) -> None:
    text = text_of(view_at(recording, 346))
    assert "ALARM: Recommender-variant-a-ErrorRate" in text
    slot_a = next(row for row in text.splitlines() if "variant-a " in row)
    assert "v3" in slot_a
    assert " 0.0%" not in slot_a


def test_the_view_names_the_step_of_a_running_rollout(recording: Recording) -> None:
    running = replace(recording.rollouts[0], outcome="RUNNING", steps=recording.rollouts[0].steps[:2])
    view = view_at(recording, 110)
    assert view.observation is not None
    seen = replace(view, observation=replace(view.observation, rollouts=(running,)))
    assert "v2: step 50 % for 10 s" in text_of(seen)
    assert line(seen).startswith("1:50 | v2: step 50 % for 10 s | variant-a v1 weight 50 % seen ")


def test_the_view_of_nothing_yet_can_be_drawn(recording: Recording) -> None:
    empty = View.of(replace(recording, requests=[], observations=[], rollouts=()), phase="starting", started_at=0.0)
    assert "starting" in text_of(empty)
    assert "unanswered 0" in line(empty)


def test_without_a_terminal_the_view_is_one_line_at_a_time(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_view, "LINE_SECONDS", 0.001)
    output, looks, looked_often = io.StringIO(), itertools.count(1), threading.Event()

    def look() -> View:
        if next(looks) > 2:
            looked_often.set()
        return view_at(recording, 80)

    with LiveView(look, Console(file=output, width=40)):
        assert looked_often.wait(timeout=10)
    assert set(output.getvalue().splitlines()) == {line(view_at(recording, 80))}


def test_a_terminal_of_80_columns_shows_every_column_whole(recording: Recording) -> None:
    view = view_at(recording, 80)
    lines = text_of(view, width=80).splitlines()
    header = next(line for line in lines if "slot" in line)
    assert header.strip("│ ").split() == [
        "slot", "release", "weight", "seen", "req/s", "errors", "clicks", "p50", "ms", "p99", "ms", "instances",
    ]  # fmt: skip
    assert "…" not in "".join(lines)
