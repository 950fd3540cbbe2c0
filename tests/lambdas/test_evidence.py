"""What the gates are given of CloudWatch: whole periods, and nothing guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from rollout.contract.errors import Unavailable
from rollout.contract.exposure import Exposure, Pacing, Served
from rollout.contract.gate_rules import InvalidGatesError, PublishedCounts, SlowRequests, parse_source
from rollout.contract.timing import BLIND_SECONDS, HIGH_RESOLUTION_SECONDS, METRICS_SETTLED_SECONDS, OVERTAKEN_SECONDS
from rollout.evidence.reader import EvidenceReader
from rollout.evidence.sources import Errors, Pair, Query, Refused, SlotCount, Slow, SourceReader
from rollout.evidence.window import Window
from rollout.gates import Counts, Judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.evidence.findings import Evidence

PERIOD = 60
FIRST = 29_000_000
TWO_SETTLED = (FIRST + 2) * PERIOD + METRICS_SETTLED_SECONDS
"""When nothing is waited for in the first two periods any more."""


def at(percent: float) -> Exposure:
    """Return the exposure of a rollout whose share was the same all the time."""
    return Exposure(percent=percent, served=(Served(FIRST - 100, percent),))


WINDOW = Window(begun=FIRST, first=FIRST, now=TWO_SETTLED, step=1, exposure=at(10))
CANARY, STABLE = "variant-b", "variant-a"
SLOW = Slow(source=SlowRequests(slow_us=250_000))


class Values:
    """One period in which these values were published, by (metric, statistic)."""

    def __init__(self, *, has_come: bool = True, **values: float) -> None:
        self._values = values
        self.has_come = has_come

    def value(self, query: Query) -> float | None:
        statistic = query.statistic.split("(")[0]
        return self._values.get(query.metric if statistic == "Sum" else statistic)


def test_model_errors_count_once_and_the_caller_s_do_not_count() -> None:
    period = Values(Invocations=100, Invocation5XXErrors=2, InvocationModelErrors=9, Invocation4XXErrors=4)
    assert Errors().count(period, CANARY, from_below=True) == SlotCount(total=100, bad=5)


def test_answers_with_5xx_count_when_they_outnumber_the_model_s_errors() -> None:
    period = Values(Invocations=100, Invocation5XXErrors=7, InvocationModelErrors=3, Invocation4XXErrors=0)
    assert Errors().count(period, CANARY, from_below=True) == SlotCount(total=100, bad=7)


def test_requests_without_any_error_metric_are_no_evidence_of_health() -> None:
    assert Errors().count(Values(Invocations=100), CANARY, from_below=True) is None


@pytest.mark.parametrize(
    "missing", ["Invocations", "Invocation5XXErrors", "InvocationModelErrors", "Invocation4XXErrors"]
)
def test_one_missing_metric_of_errors_is_no_zero(missing: str) -> None:
    published = {"Invocations": 100, "Invocation5XXErrors": 2, "InvocationModelErrors": 9, "Invocation4XXErrors": 4}
    del published[missing]
    assert Errors().count(Values(**published), CANARY, from_below=True) is None


def test_a_slot_that_published_no_request_had_no_error() -> None:
    assert Errors().count(Values(Invocations=0), CANARY, from_below=True) == SlotCount(total=0, bad=0)


@pytest.mark.parametrize(
    "source", [Errors(), Refused(), SLOW, Pair(source=PublishedCounts(namespace="S", total="T", counted="C"))]
)
def test_a_slot_that_published_nothing_is_no_slot_without_requests(source: SourceReader) -> None:
    assert source.count(Values(), CANARY, from_below=True) is None


def test_what_was_refused_is_counted_apart_from_what_broke_off() -> None:
    period = Values(Invocations=100, Invocation4XXErrors=4, MidStreamErrors=3)
    assert Refused().count(period, CANARY, from_below=True) == SlotCount(total=100, bad=4, broken=3)


@pytest.mark.parametrize("missing", ["Invocations", "Invocation4XXErrors"])
def test_one_missing_metric_of_refused_requests_is_no_zero(missing: str) -> None:
    published = {"Invocations": 100, "Invocation4XXErrors": 4, "MidStreamErrors": 3}
    del published[missing]
    assert Refused().count(Values(**published), CANARY, from_below=True) is None


def test_an_endpoint_that_streams_nothing_still_counts_what_it_refused() -> None:
    period = Values(Invocations=100, Invocation4XXErrors=4)
    assert Refused().count(period, CANARY, from_below=True) == SlotCount(total=100, bad=4)


def test_slow_requests_are_counted_where_cloudwatch_counts_them() -> None:
    period = Values(InvocationModelErrors=0, SampleCount=200, TC=11, p99=900_000)
    assert SLOW.count(period, CANARY, from_below=True) == SlotCount(total=200, bad=11)


def test_percentiles_bound_the_canary_from_below_and_stable_from_above() -> None:
    period = Values(InvocationModelErrors=0, SampleCount=200, p50=20_000, p90=100_000, p95=300_000, p99=900_000)
    assert SLOW.count(period, CANARY, from_below=True) == SlotCount(total=200, bad=10, exact=False, likely=10)
    assert SLOW.count(period, STABLE, from_below=False) == SlotCount(total=200, bad=20, exact=False, likely=10)


def test_a_bracket_is_narrow_where_few_requests_are_slow() -> None:
    fast = Values(
        InvocationModelErrors=0, SampleCount=10_000, p50=20_000, p99=90_000, **{"p99.9": 180_000}, Maximum=400_000
    )
    slow = Values(InvocationModelErrors=0, SampleCount=10_000, p50=20_000, p95=200_000, p97=300_000, p99=900_000)
    assert SLOW.count(fast, STABLE, from_below=False) == SlotCount(total=10_000, bad=10, exact=False, likely=1)
    assert SLOW.count(slow, CANARY, from_below=True) == SlotCount(total=10_000, bad=300, exact=False, likely=300)


def test_a_bracket_is_a_thousandth_wide_where_two_or_three_in_a_thousand_are_slow() -> None:
    """Between p99.5 and p99.9 it was four: an equal canary could have been worse by more than is tolerated."""
    latency = {"p99": 180_000, "p99.5": 211_000, "p99.6": 222_000, "p99.7": 236_000, "p99.8": 257_000, "p99.9": 295_000}
    period = Values(InvocationModelErrors=0, SampleCount=10_000, Minimum=5_000, **latency, Maximum=700_000)
    bounds = [SLOW.count(period, CANARY, from_below=from_below) for from_below in (True, False)]
    assert bounds == [SlotCount(total=10_000, bad=bad, exact=False, likely=20) for bad in (20, 30)]


@pytest.mark.parametrize("from_below", [True, False])
@pytest.mark.parametrize(("fastest", "slowest", "slow"), [(100, 240_000, 0), (260_000, 900_000, 200)])
def test_the_slowest_or_the_fastest_request_may_count_all_of_them(
    fastest: float, slowest: float, slow: int, *, from_below: bool
) -> None:
    period = Values(InvocationModelErrors=0, SampleCount=200, Minimum=fastest, Maximum=slowest)
    assert SLOW.count(period, CANARY, from_below=from_below) == SlotCount(total=200, bad=slow)


@pytest.mark.parametrize("impossible", [-5.0, 2.0**360])
def test_a_percentile_that_is_no_latency_bounds_nothing(impossible: float) -> None:
    alone = Values(InvocationModelErrors=0, SampleCount=200, p90=impossible, p99=impossible)
    assert SLOW.count(alone, CANARY, from_below=True) is None
    beside = Values(InvocationModelErrors=0, SampleCount=200, p50=20_000, p90=impossible, p99=300_000)
    assert SLOW.count(beside, CANARY, from_below=True) == SlotCount(total=200, bad=2, exact=False, likely=2)


def test_latency_that_was_not_published_is_no_evidence() -> None:
    assert SLOW.count(Values(InvocationModelErrors=0, SampleCount=200), CANARY, from_below=True) is None


def test_what_failed_quickly_does_not_make_a_slot_fast() -> None:
    """Of 1,000 requests 900 fail at once, and half of the served ones are slow."""
    counted = Values(InvocationModelErrors=900, SampleCount=1000, TC=50)
    assert SLOW.count(counted, STABLE, from_below=False) == SlotCount(total=100, bad=50)
    bracketed = Values(InvocationModelErrors=900, SampleCount=1000, p94=200_000, p95=240_000, p96=260_000)
    bounds = [SLOW.count(bracketed, STABLE, from_below=from_below) for from_below in (True, False)]
    assert bounds == [SlotCount(total=100, bad=bad, exact=False, likely=40) for bad in (40, 50)]


def test_what_failed_slowly_makes_no_more_requests_slow_than_were_served() -> None:
    period = Values(InvocationModelErrors=900, SampleCount=1000, TC=950)
    assert SLOW.count(period, CANARY, from_below=True) == SlotCount(total=100, bad=100)


def test_a_slot_that_serves_nothing_has_no_latency_to_compare() -> None:
    """A failed request need not have a sample, so that errors may outnumber the samples."""
    period = Values(InvocationModelErrors=1200, SampleCount=1000, TC=50)
    assert SLOW.count(period, STABLE, from_below=False) == SlotCount(total=0, bad=0)


def test_latency_beside_unknown_model_errors_is_no_evidence() -> None:
    assert SLOW.count(Values(SampleCount=200, TC=11), CANARY, from_below=True) is None


def test_fewer_than_no_model_errors_are_impossible_counts() -> None:
    period = Values(InvocationModelErrors=-3, SampleCount=200, TC=11)
    assert SLOW.count(period, CANARY, from_below=True) == SlotCount(total=200, bad=-3)


def test_an_application_that_counted_no_conversion_had_none() -> None:
    pair = Pair(source=PublishedCounts(namespace="Shop", total="Shown", counted="Bought"))
    assert pair.count(Values(Shown=50), CANARY, from_below=True) == SlotCount(total=50, bad=0)
    assert pair.count(Values(has_come=False, Shown=50), CANARY, from_below=True) is None


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(InvalidGatesError, match="source must be one of errors, refused, slow, pair, got guess"):
        parse_source({"source": "guess"})


SOURCES: dict[str, dict[str, Any]] = {
    "errors": {"source": "errors"},
    "latency": {"source": "slow", "slow_us": 250_000},
    "conversion": {
        "source": "pair",
        "namespace": "Shop",
        "total": "Shown",
        "counted": "Bought",
        "dimensions": {},
        "delay_seconds": 120,
    },
    "returns": {
        "source": "pair",
        "namespace": "Shop",
        "total": "Bought",
        "counted": "Returned",
        "dimensions": {"Country": "de"},
        "delay_seconds": 0,
    },
}


def _reader(
    published: dict[tuple[str, str, int], float],
    sources: dict[str, dict[str, Any]],
    *,
    status: tuple[str, ...] = ("Complete",),
    latency: Mapping[str, float] | None = None,
) -> tuple[Any, Stubber]:
    """Return a reader that is answered with what was published, by (slot, metric, period): a page for each status.

    `latency`: statistics of 100 requests to each slot in the first period.
    """
    in_first = {} if latency is None else {"SampleCount": 100.0, **latency}
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stubber = Stubber(client)
    reader = EvidenceReader(
        "shop",
        sources={name: parse_source(source) for name, source in sources.items()},
        period_seconds=PERIOD,
        client=client,
    )
    queries = reader._queries(stable=STABLE, canary=CANARY)
    results = []
    for index, query in enumerate(queries):
        found = {
            number: value
            for (slot, metric, number), value in published.items()
            if (slot, metric) == (query.slot, query.metric) and query.statistic in ("Sum", "SampleCount")
        }
        if query.metric == "ModelLatency" and query.statistic in in_first:
            found[FIRST] = in_first[query.statistic]
        results.append(
            {
                "Id": f"q{index}",
                "Timestamps": [datetime.fromtimestamp(number * PERIOD, UTC) for number in found],
                "Values": list(found.values()),
            }
        )
    for page, code in enumerate(status, start=1):
        answer = [{**result, "StatusCode": code} for result in results]
        more = {"NextToken": f"page {page}"} if page < len(status) else {}
        stubber.add_response("get_metric_data", {"MetricDataResults": answer, **more})
    stubber.activate()
    return reader, stubber


def _served(slot: str, requests: float, number: int, *, failed: float = 0) -> dict[tuple[str, str, int], float]:
    """Return what SageMaker publishes of one slot's requests in one period."""
    counts = {"Invocations": requests, "Invocation5XXErrors": failed, "InvocationModelErrors": failed}
    return {(slot, metric, number): count for metric, count in {**counts, "Invocation4XXErrors": 0}.items()}


ONLY_ERRORS = {"errors": {"source": "errors"}}


def test_four_gates_are_read_in_one_call() -> None:
    reader, stubber = _reader({(CANARY, "Invocations", FIRST): 10}, SOURCES)
    reader.read(WINDOW, stable=STABLE, canary=CANARY)
    stubber.assert_no_pending_responses()


def test_a_period_without_anything_published_is_no_minute() -> None:
    published = {**_served(STABLE, 90, FIRST + 1), **_served(CANARY, 10, FIRST + 1, failed=3)}
    reader, _ = _reader(published, ONLY_ERRORS)
    evidence = reader.read(WINDOW, stable=STABLE, canary=CANARY)
    assert [minute.number for minute in evidence.minutes] == [FIRST + 1]
    assert evidence.minutes[0].counts_of("errors") == Counts(10, 3, 90, 0)
    assert evidence.minutes[0].invocations == (10, 90)
    assert evidence.minutes[0].share == 0.1
    assert (evidence.canary_requests, evidence.seen) == (10, 1)
    assert evidence.requests_per_minute == 100


def test_a_gate_is_silent_while_one_slot_s_errors_are_missing() -> None:
    published = {(STABLE, "Invocations", FIRST): 90.0, **_served(CANARY, 10, FIRST, failed=3)}
    reader, _ = _reader(published, ONLY_ERRORS)
    evidence = reader.read(WINDOW, stable=STABLE, canary=CANARY)
    (minute,) = evidence.minutes
    assert minute.counts == {"errors": None}
    assert minute.invocations == (10, 90)
    assert evidence.missing == {"errors": {"stable": 2, "the canary": 1}}


@pytest.mark.parametrize(("silent", "role", "serving"), [(STABLE, "stable", CANARY), (CANARY, "the canary", STABLE)])
def test_a_side_that_publishes_nothing_is_no_evidence_and_is_named(silent: str, role: str, serving: str) -> None:
    reader, _ = _reader({**_served(serving, 50, FIRST), **_served(serving, 50, FIRST + 1)}, ONLY_ERRORS)
    evidence = reader.read(WINDOW, stable=STABLE, canary=CANARY)
    assert evidence.minutes == ()
    assert (evidence.seen, evidence.is_fresh, evidence.requests_per_minute) == (0, False, 0)
    assert evidence.missing == {"errors": {role: 2}}
    assert silent != serving


def test_stable_is_not_asked_where_it_serves_nobody() -> None:
    reader, _ = _reader({**_served(CANARY, 50, FIRST), **_served(CANARY, 50, FIRST + 1)}, ONLY_ERRORS)
    evidence = reader.read(replace(WINDOW, exposure=at(100)), stable=STABLE, canary=CANARY)
    assert [minute.invocations for minute in evidence.minutes] == [(50, 0), (50, 0)]
    assert (evidence.seen, evidence.missing) == (2, {})


def _streamed(*slots: str) -> dict[tuple[str, str, int], float]:
    """Return what both slots served in two periods, and that these had 6 streamed answers in each that broke off."""
    return {
        **_both(FIRST, FIRST + 1),
        **{(slot, "MidStreamErrors", n): 6 for slot in slots for n in (FIRST, FIRST + 1)},
    }


@pytest.mark.parametrize(
    ("slots", "counted"),
    [
        ((STABLE, CANARY), Counts(10, 6, 90, 6)),
        ((CANARY,), Counts(10, 0, 90, 0)),
        ((STABLE,), Counts(10, 0, 90, 0)),
        ((), Counts(10, 0, 90, 0)),
    ],
    ids=str,
)
def test_streams_that_broke_off_count_where_both_slots_published_them_and_nobody_waits(
    slots: tuple[str, ...], counted: Counts
) -> None:
    reader, _ = _reader(_streamed(*slots), {"refused": {"source": "refused"}})
    evidence = reader.read(replace(WINDOW, now=(FIRST + 2) * PERIOD), stable=STABLE, canary=CANARY)
    assert [minute.counts_of("refused") for minute in evidence.minutes] == [counted]
    assert (evidence.end, evidence.missing) == (FIRST + 1, {})


def test_the_gates_whose_counts_are_bounds_are_named() -> None:
    percentiles = {"p50": 90_000, "p99": 300_000}
    reader, stubber = _reader(_both(FIRST), {**ONLY_ERRORS, "latency": SOURCES["latency"]}, latency=percentiles)
    stubber.add_response("get_metric_data", {"MetricDataResults": []})
    evidence = reader.read(WINDOW, stable=STABLE, canary=CANARY)
    (minute,) = evidence.minutes
    assert minute.counts["latency"] == {"canary_total": 100, "canary_bad": 1, "stable_total": 100, "stable_bad": 50}
    assert minute.bounded == {"latency": {"canary_total": 100, "canary_bad": 50, "stable_total": 100, "stable_bad": 1}}
    assert evidence.bracketed


def _look(
    published: dict[tuple[str, str, int], float], now: float, looked: Mapping[int, int] | None = None, **changes: Any
) -> Evidence:
    reader, _ = _reader(published, ONLY_ERRORS)
    window = replace(WINDOW, now=now, looked=looked or {}, **changes)
    return reader.read(window, stable=STABLE, canary=CANARY)


def _both(*numbers: int) -> dict[tuple[str, str, int], float]:
    slots = ((STABLE, 90), (CANARY, 10))
    return {key: value for n in numbers for slot, count in slots for key, value in _served(slot, count, n).items()}


def test_a_period_is_used_when_its_successor_has_come() -> None:
    evidence = _look(_both(FIRST, FIRST + 1), (FIRST + 2) * PERIOD)
    assert ([minute.number for minute in evidence.minutes], evidence.end) == ([FIRST], FIRST + 1)


def test_a_period_is_used_when_nothing_has_changed_between_two_looks() -> None:
    first = _look(_both(FIRST), (FIRST + 1) * PERIOD)
    again = _look(_both(FIRST), (FIRST + 2) * PERIOD, first.looked)
    assert (first.end, again.end) == (FIRST, FIRST + 1)


@pytest.mark.parametrize("newer", [(), (FIRST + 1,)])
def test_a_period_that_still_changes_is_not_used(newer: tuple[int, ...]) -> None:
    """Values may come in parts, and the first part of the next period before the last one of this."""
    first = _look(_served(STABLE, 90, FIRST) | _served(CANARY, 4, FIRST), (FIRST + 1) * PERIOD)
    again = _look(_both(FIRST, *newer), (FIRST + 2) * PERIOD, first.looked)
    assert again.end == FIRST
    assert _look(_both(FIRST, *newer), (FIRST + 3) * PERIOD, again.looked).end == FIRST + 1 + len(newer)


@pytest.mark.parametrize("late", [STABLE, CANARY])
def test_a_period_is_not_used_while_one_slot_is_late(late: str) -> None:
    published = {key: value for key, value in _both(FIRST, FIRST + 1).items() if key[0] != late}
    assert _look(published, (FIRST + 2) * PERIOD).end == FIRST
    assert _look(published, (FIRST + 1) * PERIOD + METRICS_SETTLED_SECONDS - 1).end == FIRST


def test_a_value_that_newer_ones_overtake_is_still_waited_for() -> None:
    early = _both(FIRST + 1)
    assert _look(early, (FIRST + 2) * PERIOD).end == FIRST
    evidence = _look(_both(FIRST) | early, (FIRST + 3) * PERIOD)
    assert [minute.number for minute in evidence.minutes] == [FIRST]


def test_a_value_is_missing_when_one_came_that_is_much_newer() -> None:
    newer = FIRST + OVERTAKEN_SECONDS // PERIOD
    evidence = _look(_both(newer - 1, newer), (newer + 1) * PERIOD)
    assert (evidence.end, evidence.seen) == (FIRST + 1, 0)


def test_nothing_is_waited_for_without_an_end() -> None:
    evidence = _look({}, TWO_SETTLED)
    assert (evidence.end, evidence.seen, evidence.is_fresh) == (FIRST + 2, 0, False)


def test_a_slot_that_had_no_request_owes_nothing_more() -> None:
    idle = {(CANARY, "Invocations", number): 0.0 for number in (FIRST, FIRST + 1)}
    busy = _served(STABLE, 90, FIRST) | _served(STABLE, 90, FIRST + 1)
    reader, _ = _reader(busy | idle, {"errors": {"source": "errors"}, "latency": SOURCES["latency"]})
    evidence = reader.read(replace(WINDOW, now=(FIRST + 2) * PERIOD), stable=STABLE, canary=CANARY)
    assert "the canary" not in evidence.missing.get("latency", {})


def test_delayed_counts_are_those_of_the_earlier_period() -> None:
    published = {
        (slot, metric, FIRST - 2): count
        for slot, metric, count in (
            (STABLE, "Shown", 900),
            (STABLE, "Bought", 90),
            (CANARY, "Shown", 100),
            (CANARY, "Bought", 9),
        )
    }
    reader, _ = _reader(published, {"conversion": SOURCES["conversion"]})
    (minute,) = reader.read(WINDOW, stable=STABLE, canary=CANARY).minutes
    assert minute.number == FIRST
    assert minute.counts_of("conversion") == Counts(100, 9, 900, 90)


PACED = ("counts", "worst")
"""What pacing reads of a period."""


@pytest.mark.parametrize("canary", [900.0, 1800.0])
def test_what_was_shown_before_the_first_share_is_nothing_of_this_release(canary: float) -> None:
    """The canary's slot held another release: one that was rolled back, or the former stable with all requests.

    Of both, of the pacing's counts and of the judge's. From the first share on, what was shown counts.
    """
    of_slots = ((STABLE, 900.0, 90.0), (CANARY, canary, 9.0))
    published = {
        (slot, metric, FIRST - before): count
        for before in (1, 2, 3)
        for slot, shown, bought in of_slots
        for metric, count in (("Shown", shown), ("Bought", bought))
    }
    for number in range(FIRST - 1, FIRST + 3):
        published |= _served(STABLE, 990, number) | _served(CANARY, 10, number)
    since = FIRST - 1
    exposure = Exposure(percent=1, served=(Served(since - 1, None), Served(since, 1.0)), pacing=Pacing(since=since))
    reader, _ = _reader(published, {"conversion": SOURCES["conversion"]})
    window = replace(WINDOW, begun=since, first=since, now=TWO_SETTLED, step=0, exposure=exposure)
    evidence = reader.read(window, stable=STABLE, canary=CANARY)
    of_stable, of_both = Counts(0, 0, 900, 90), Counts(int(canary), 9, 900, 90)
    expected = {FIRST - 1: of_stable, FIRST: of_stable, FIRST + 1: of_both}
    read = [{minute.number: minute.counts_of("conversion") for minute in evidence.minutes}]
    read += [{each.number: getattr(each, kind).get("conversion") for each in evidence.published} for kind in PACED]
    assert [{number: found for number, found in each.items() if found} for each in read] == 3 * [expected]


@pytest.mark.parametrize("late", [CANARY, STABLE])
def test_a_brake_takes_no_conversion_that_is_late_for_none(late: str) -> None:
    """Each metric's point comes by itself. A period without the late one would be the worst that there can be."""
    published = {
        (slot, metric, FIRST): count
        for slot, shown, bought in ((STABLE, 900.0, 90.0), (CANARY, 100.0, 10.0))
        for metric, count in (("Invocations", shown), ("Shown", shown), ("Bought", bought))
    }
    del published[late, "Bought", FIRST]
    counted = {}
    for window in (replace(WINDOW, now=(FIRST + 2) * PERIOD), WINDOW):
        reader, _ = _reader(published, {"conversion": {**SOURCES["conversion"], "delay_seconds": 0}})
        read = reader.read(window, stable=STABLE, canary=CANARY).published
        counted[window.now] = {period.number: list(period.counts) for period in read}
    assert counted == {(FIRST + 2) * PERIOD: {FIRST: []}, WINDOW.now: {FIRST: ["conversion"]}}


def test_a_delay_that_is_no_multiple_of_the_period_is_kept_in_full() -> None:
    published = {(slot, "Shown", FIRST - 2): 100.0 for slot in (STABLE, CANARY)}
    reader, _ = _reader(published, {"conversion": {**SOURCES["conversion"], "delay_seconds": 90}})
    (minute,) = reader.read(WINDOW, stable=STABLE, canary=CANARY).minutes
    assert minute.number == FIRST


@pytest.mark.parametrize(
    ("bought", "sentence"),
    [
        (5.7, "canary_bad must be a whole number of at least 0, got 5.7"),
        (150.0, "canary_bad must be at most canary_total, got 150 of 100"),
        (-3.0, "canary_bad must be a whole number of at least 0, got -3.0"),
        (float("nan"), "canary_bad must be finite, got nan"),
        (float("inf"), "canary_bad must be finite, got inf"),
    ],
)
def test_what_cannot_be_a_count_is_skipped_with_a_sentence(bought: float, sentence: str) -> None:
    published = {
        (STABLE, "Shown", FIRST): 900.0, (STABLE, "Bought", FIRST): 90.0,
        (CANARY, "Shown", FIRST): 100.0, (CANARY, "Bought", FIRST): bought,
        (STABLE, "Invocations", FIRST): 900.0, (CANARY, "Invocations", FIRST): 100.0,
    }  # fmt: skip
    reader, _ = _reader(published, {"conversion": {**SOURCES["conversion"], "delay_seconds": 0}})
    minutes = reader.read(WINDOW, stable=STABLE, canary=CANARY).minutes
    judge = Judge.from_config(
        {"gates": [{"name": "conversion", "kind": "share", "direction": "lower_is_worse", "ratio": 0.95}]}
    )
    _, assessment = judge.update(judge.new_state(), minutes, step=1)
    assert assessment.skipped == (f"minute {FIRST} of gate conversion skipped: {sentence}",)


@pytest.mark.parametrize("requests", [float("nan"), float("inf"), -5.0, 0.5, 2.0**360, 1e300])
def test_requests_that_cannot_be_a_count_are_no_evidence_of_traffic(requests: float) -> None:
    published = _served(STABLE, 900, FIRST) | _served(CANARY, requests, FIRST)
    reader, _ = _reader(published, ONLY_ERRORS)
    evidence = reader.read(WINDOW, stable=STABLE, canary=CANARY)
    assert [minute.invocations for minute in evidence.minutes] in ([], [None])
    assert (evidence.seen, evidence.newest_of_canary) == (0, None)
    assert (evidence.requests_per_minute, evidence.canary_requests) == (0, 0)


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_a_query_that_was_not_answered_in_full_is_asked_again_later(status: str) -> None:
    reader, stubber = _reader({(CANARY, "Invocations", FIRST): 10}, {"errors": {"source": "errors"}}, status=(status,))
    with pytest.raises(Unavailable, match=f"CloudWatch answered Invocations of {STABLE} with {status}"):
        reader.read(WINDOW, stable=STABLE, canary=CANARY)
    stubber.assert_no_pending_responses()


def test_a_query_whose_last_page_is_complete_was_answered_in_full() -> None:
    statuses = ("PartialData", "Complete")
    reader, stubber = _reader(_both(FIRST), ONLY_ERRORS, status=statuses)
    assert reader.read(WINDOW, stable=STABLE, canary=CANARY).canary_requests == 10
    stubber.assert_no_pending_responses()


def test_an_empty_window_asks_nobody() -> None:
    reader, stubber = _reader({}, {"errors": {"source": "errors"}})
    empty = replace(WINDOW, now=(FIRST + 1) * PERIOD - 1)
    assert reader.read(empty, stable=STABLE, canary=CANARY).minutes == ()
    with pytest.raises(AssertionError):
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(("period", "begins"), [(60, (FIRST - 1) * PERIOD - 3 * 3600), (10, None)])
def test_no_query_begins_where_points_of_less_than_a_minute_have_vanished(period: int, begins: int | None) -> None:
    now = (FIRST + 2) * PERIOD
    asked: list[float] = []

    class Asked:
        def get_paginator(self, _operation: str) -> Asked:
            return self

        def paginate(self, *, StartTime: datetime, **_query: Any) -> list[dict[str, Any]]:  # noqa: N803 - boto3's name
            asked.append(StartTime.timestamp())
            return []

    source = parse_source({**SOURCES["conversion"], "delay_seconds": 3 * 3600})
    reader = EvidenceReader("shop", sources={"conversion": source}, period_seconds=period, client=Asked())
    first = FIRST * PERIOD // period
    reader.read(replace(WINDOW, begun=first, first=first, now=now), stable=STABLE, canary=CANARY)
    if begins is None:
        assert now - HIGH_RESOLUTION_SECONDS <= asked[0] < now - HIGH_RESOLUTION_SECONDS + 2 * period
    else:
        assert asked == [begins]


def test_what_is_missing_is_decided_long_before_the_canary_gives_its_traffic_back() -> None:
    assert OVERTAKEN_SECONDS < METRICS_SETTLED_SECONDS < BLIND_SECONDS
