"""What the alarms of a slot look at, read period by period: only what can be is beyond a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rollout.contract.plan import AlarmLimits
from rollout.decisions.blame import Bound, Seen
from rollout.evidence.newest import AlarmCounter

if TYPE_CHECKING:
    from rollout.evidence.sources import Query

CANARY, STABLE = "variant-b", "variant-a"
LIMITS = AlarmLimits(failed_percent=25, p99_latency_ms=1_000, min_requests=25)
ENORMOUS = 2.0**360


class Published:
    """A reader that answers one period with these values, by metric or statistic, for every slot."""

    period_seconds = 60

    def __init__(self, **values: float) -> None:
        self._values = values

    def read(self, queries: list[Query], **_window: Any) -> dict[Query, dict[int, float]]:
        return {query: self._of(query) for query in queries}

    def _of(self, query: Query) -> dict[int, float]:
        name = query.metric if query.statistic == "Sum" else query.statistic.split("(")[0]
        return {0: self._values[name]} if name in self._values else {}


def counted(slot: str, **values: float) -> tuple[Seen | None, Seen | None]:
    """Return what was seen of errors and of latency in the one period."""
    reader: Any = Published(**values)
    (counts,) = AlarmCounter(limits=LIMITS).read(reader, {slot: slot == CANARY}, start=0, end=60)
    return counts.errors.get(0), counts.slow.get(0)


def errors(**values: float) -> Seen | None:
    usual = {"Invocations": 100, "Invocation5XXErrors": 60, "InvocationModelErrors": 0, "Invocation4XXErrors": 0}
    return counted(CANARY, **{**usual, **values})[0]


def test_half_of_the_requests_failing_is_beyond_the_limit() -> None:
    assert errors() == Seen(total=100, bad=60, beyond=True)


@pytest.mark.parametrize(
    "impossible",
    [{"Invocation5XXErrors": 101}, {"Invocation5XXErrors": ENORMOUS}, {"Invocations": 100.5},
     {"Invocations": ENORMOUS, "Invocation5XXErrors": ENORMOUS}],
    ids=str,
)  # fmt: skip
def test_counts_that_cannot_be_are_beyond_no_limit(impossible: dict[str, float]) -> None:
    seen = errors(**impossible)
    assert seen is not None
    assert (seen.possible, seen.beyond) == (False, False)


def test_what_the_callers_do_is_beyond_no_limit() -> None:
    refused = {"Invocation5XXErrors": 0, "InvocationModelErrors": 90, "Invocation4XXErrors": 90}
    assert errors(**refused) == Seen(total=100, bad=0)


@pytest.mark.parametrize(
    ("slot", "bad", "bound"), [(CANARY, 2, Bound.AT_LEAST), (STABLE, 3, Bound.AT_MOST)], ids=["canary", "stable"]
)
def test_slow_requests_between_two_percentiles_are_a_bound(slot: str, bad: int, bound: Bound) -> None:
    _, slow = counted(slot, InvocationModelErrors=0, SampleCount=100, p97=900_000, p98=1_100_000, p99=2_000_000)
    assert slow == Seen(total=100, bad=bad, beyond=True, bound=bound)


@pytest.mark.parametrize("impossible", [ENORMOUS, -2_000_000.0])
def test_a_p99_that_is_no_latency_raises_no_suspicion(impossible: float) -> None:
    assert counted(CANARY, InvocationModelErrors=0, SampleCount=100, p50=20_000, p99=impossible)[1] is None
