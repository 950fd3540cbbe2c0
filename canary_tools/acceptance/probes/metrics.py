"""Questions to CloudWatch about the metrics of an endpoint."""

import math
import statistics
import time
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from rollout.contract.names import INVOCATIONS, SLOT_A, SLOT_B
from rollout.evidence.sources import PERCENTILES, percentile_statistic

from canary_tools.acceptance.experiments import FAILURES, failures_on_purpose
from canary_tools.acceptance.metric_watch import Point, Published, query_of
from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import NotAsked, Scene
from canary_tools.aws_models.undocumented import Percentile

_MINUTES_READ = 15
_FAR_ABOVE_US = 3_600_000_000
"""An hour in microseconds: no request of a minute's time-out takes that long."""
_WITH_DECIMALS = 98.35
_ERRORS = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")


def threshold_counts(scene: Scene) -> Said:
    """Ask whether `TC(0:)` of ModelLatency is counted."""
    found, total = _latency(scene, "TC(0:)", "SampleCount")
    _require(total)
    return Said(sentence=f"{len(found)} of {len(total)} periods with requests have a count", value=bool(found))


def threshold_shares(scene: Scene) -> Said:
    """Ask whether `PR(0:)` of ModelLatency is answered."""
    found, total = _latency(scene, "PR(0:)", "SampleCount")
    _require(total)
    return Said(sentence=f"{len(found)} of {len(total)} periods with requests have a rank", value=bool(found))


def count_above_all(scene: Scene) -> Said:
    """Ask what a range without a sample counts, in periods that have samples."""
    found, counted = _latency(scene, f"TC({_FAR_ABOVE_US}:)", "TC(0:)")
    if not counted:
        raise NotAsked("CloudWatch does not answer TC() of ModelLatency")
    if not found:
        return Said(sentence="it answers nothing", value="nothing")
    values = sorted(set(found.values()))
    return Said(sentence=f"it counts {values[0]:g}", value="zero" if values == [0.0] else f"{values[0]:g}")


def counts_add_up(scene: Scene) -> Said:
    """Ask whether the requests above a limit and those up to it are all requests."""
    middle = _middle(scene)
    above, below, total = _latency(scene, f"TC({middle}:)", f"TC(:{middle})", "SampleCount")
    if not above and not below:
        raise NotAsked("CloudWatch does not answer TC() of ModelLatency")
    apart = [period for period in total if above.get(period, 0) + below.get(period, 0) != total[period]]
    return Said(sentence=f"they do in {len(total) - len(apart)} of {len(total)} periods", value=not apart)


def percentiles(scene: Scene) -> Said:
    """Ask for the percentiles of ModelLatency: those of a rollout's first call, and one of its second."""
    asked = [percentile_statistic(percentile) for percentile in (*PERCENTILES, _WITH_DECIMALS)]
    answered = [name for name, found in zip(asked, _latency(scene, *asked), strict=True) if found]
    _require(_latency(scene, "SampleCount")[0])
    return Said(sentence=f"it answers {', '.join(answered) or 'none'}", value=answered == asked)


def percentile_of_few(scene: Scene) -> Said:
    """Ask whether a percentile of few values is one of them, or lies between two.

    There are at most as many different percentiles as values if each is one of them.
    """
    asked = [percentile_statistic(percentile) for percentile in range(101)]
    samples, *answers = _latency(scene, "SampleCount", *asked)
    few = [period for period, count in samples.items() if 1 < count < len(asked) / 2]
    if not few or not all(period in answer for answer in answers for period in few):
        raise NotAsked("no metric period has 2 to 50 requests and all its percentiles")
    different = {period: len({answer[period] for answer in answers}) for period in few}
    period = max(few, key=lambda each: different[each] - samples[each])
    kind = Percentile.BETWEEN if different[period] > samples[period] else Percentile.RANK
    return Said(sentence=f"{samples[period]:g} values have {different[period]} different percentiles", value=str(kind))


def zeros_without_traffic(scene: Scene) -> Said:
    """Ask what is published of the idle slot, before the second deploy, in periods in which it gets no requests."""
    idle, served = _before_the_second_deploy(scene, SLOT_B), _before_the_second_deploy(scene, SLOT_A)
    asked = {point.period for point, published in idle.items() if published.value > 0}
    periods = {point.period for point in served} - asked
    _require(periods)
    zeros = {point.period for point, published in idle.items() if published.value == 0} & periods
    kind = "zeros" if zeros == periods else "some zeros" if zeros else "nothing"
    return Said(sentence=f"{len(zeros)} zeros in {len(periods)} periods", value=kind)


def errors_are_published_as_zeros(scene: Scene) -> Said:
    """Ask whether periods with requests and without failures have error counts."""
    served = _before_the_second_deploy(scene, SLOT_A)
    _require(served)
    counted = {name: _before_the_second_deploy(scene, SLOT_A, name) for name in _ERRORS}
    missing = [name for name, found in counted.items() if not found]
    said = f"{', '.join(missing)} are not" if missing else "all three are"
    return Said(sentence=f"{said}, in {len(served)} periods", value=not missing)


def fill_of_nothing(scene: Scene) -> Said:
    """Ask what `FILL` makes of a series without a single point."""
    period = scene.account.pace.metric_period
    nobody = query_of("no-such-endpoint", SLOT_A, INVOCATIONS, "Sum", period=period)
    answer = _answers(scene, {"m": {**nobody, "ReturnData": False}, "filled": {"Expression": "FILL(m, 0)"}})["filled"]
    said = f"a series of {len(answer)} points" if answer else "nothing"
    return Said(sentence=said, value="series" if answer else "nothing")


def sum_with_nothing(scene: Scene) -> Said:
    """Ask what arithmetic gives for a series with points and one without a single point."""
    period = scene.account.pace.metric_period
    requests = scene.metrics.query(scene.stable_slot(), INVOCATIONS, "Sum", period=period)
    nobody = query_of("no-such-endpoint", SLOT_A, INVOCATIONS, "Sum", period=period)
    answers = _answers(scene, {"n": requests, "m": nobody, "added": {"Expression": "n + m"}})
    _require(answers["n"])
    said = f"{len(answers['added'])} points for {len(answers['n'])} periods"
    return Said(sentence=said, value="zero" if answers["added"] else "drops")


def division_by_zero(scene: Scene) -> Said:
    """Ask what an expression gives in periods in which it divides by zero."""
    period = scene.account.pace.metric_period
    requests = scene.metrics.query(scene.stable_slot(), INVOCATIONS, "Sum", period=period)
    answers = _answers(scene, {"n": requests, "divided": {"Expression": "n / (n - n)"}})
    _require(answers["n"])
    said = f"{len(answers['divided'])} points for {len(answers['n'])} periods"
    return Said(sentence=said, value=not answers["divided"])


def delay(scene: Scene) -> Said:
    """Measure how long after its end a period is seen, for each slot and metric."""
    late = _lateness(scene)
    parts = [
        f"{slot} {metric} {min(found):.0f} to {max(found):.0f} s" for (slot, metric), found in sorted(late.items())
    ]
    return Said(sentence="; ".join(parts), value=round(max(max(found) for found in late.values()), 1))


def usual_delay(scene: Scene) -> Said:
    """Measure how long after its end a period is usually seen: the median."""
    middle = statistics.median(seconds for found in _lateness(scene).values() for seconds in found)
    return Said(sentence=f"{middle:.0f} s", value=round(middle, 1))


def shortest_delay(scene: Scene) -> Said:
    """Measure the shortest time after its end in which a period was seen."""
    shortest = min(min(found) for found in _lateness(scene).values())
    return Said(sentence=f"{shortest:.0f} s", value=round(shortest, 1))


def slots_come_together(scene: Scene) -> Said:
    """Measure how far apart the two slots' values of one period are seen."""
    points = _published(scene)
    gaps = [
        abs(published.first_at - points[other].first_at)
        for point, published in points.items()
        if point.slot == SLOT_A and (other := point._replace(slot=SLOT_B)) in points
    ]
    _require(gaps)
    return Said(sentence=f"up to {max(gaps):.0f} s apart, in {len(gaps)} values", value=round(max(gaps), 1))


def values_change_later(scene: Scene) -> Said:
    """Measure for how long a value changes after it was seen first."""
    found = _published(scene).values()
    _require(found)
    lasted = [published.changed_at - published.first_at for published in found]
    changes = [seconds for seconds in lasted if seconds]
    said = f"{len(changes)} of {len(found)} values did, the last after {max(changes, default=0):.0f} s"
    return Said(sentence=said, value=round(max(changes, default=0.0), 1))


def values_in_parts(scene: Scene) -> Said:
    """Ask whether a value that is visible still changes."""
    seconds = values_change_later(scene)
    return Said(sentence=seconds.sentence, value=seconds.value != 0)


def periods_in_order(scene: Scene) -> Said:
    """Ask whether each metric's periods became visible in their order."""
    seen: dict[tuple[str, str], list[float]] = {}
    for point, published in sorted(_published(scene).items(), key=lambda item: item[0].period):
        seen.setdefault((point.slot, point.metric), []).append(published.first_at)
    _require(seen)
    late = sum(after < before for moments in seen.values() for before, after in pairwise(moments))
    return Said(sentence=f"{late} values came before one of an earlier period", value=not late)


def metrics_at_the_other_period(scene: Scene) -> Said:
    """Ask whether metrics come at the period that the last release declares."""
    period = scene.account.pace.other_metric_period
    query = scene.metrics.query(scene.stable_slot(), INVOCATIONS, "Sum", period=period)
    starts = sorted(_read(scene, {"n": query}, since=scene.moment("other period"))["n"])
    apart = {after - before for before, after in pairwise(starts)}
    return Said(sentence=f"{len(starts)} values at {period} s", value=period in apart)


def failures_are_counted(scene: Scene) -> Said:
    """Ask by which metrics failures of the model are counted."""
    made = scene.once(failures_on_purpose)
    query = scene.metrics.query
    wanted = {
        f"e{number}": query(made.slot, name, "Sum", period=scene.account.pace.metric_period)
        for number, name in enumerate(_ERRORS)
    }
    series = _read(scene, wanted, since=made.sent_at).values()
    by_caller, by_service, by_model = (sum(found.values()) for found in series)
    said = f"4XX {by_caller:g}, 5XX {by_service:g}, model errors {by_model:g} of {FAILURES}"
    return Said(sentence=said, value=by_model == FAILURES and not by_caller)


def _lateness(scene: Scene) -> Mapping[tuple[str, str], list[float]]:
    late: dict[tuple[str, str], list[float]] = {}
    for point, published in _published(scene).items():
        seconds = published.first_at - point.period - scene.metric_watch.period
        late.setdefault((point.slot, point.metric), []).append(seconds)
    _require(late)
    return late


def _published(scene: Scene) -> Mapping[Point, Published]:
    """Return what was published at the usual period, and not yet at the other one."""
    until = scene.moments.get("other period", math.inf)
    return {point: published for point, published in scene.metric_watch.points().items() if point.period < until}


def _before_the_second_deploy(scene: Scene, slot: str, metric: str = INVOCATIONS) -> dict[Point, Published]:
    until = scene.moment("second deploy")
    return {
        point: published
        for point, published in _published(scene).items()
        if (point.slot, point.metric) == (slot, metric) and point.period + scene.metric_watch.period <= until
    }


def _latency(scene: Scene, *wanted: str) -> list[dict[int, float]]:
    slot, period = scene.stable_slot(), scene.account.pace.metric_period
    queries = {
        f"s{number}": scene.metrics.query(slot, "ModelLatency", statistic, period=period)
        for number, statistic in enumerate(wanted)
    }
    answers = _answers(scene, queries)
    return [answers[name] for name in queries]


def _middle(scene: Scene) -> int:
    (medians,) = _latency(scene, "p50")
    _require(medians)
    return round(sorted(medians.values())[len(medians) // 2])


def _answers(scene: Scene, queries: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[int, float]]:
    """Read complete periods only."""
    return _read(scene, queries, since=time.time() - 60 * _MINUTES_READ)


def _read(scene: Scene, queries: Mapping[str, Mapping[str, Any]], *, since: float) -> dict[str, dict[int, float]]:
    period = scene.account.pace.metric_period
    return scene.metrics.read(queries, start=since - since % period, end=time.time())


def _require(found: Collection[object]) -> None:
    if not found:
        raise NotAsked("no metrics of requests were published")
