"""What the shoppers experienced: one record per request, and summaries of them."""

import bisect
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


class Outcome(Enum):
    """How a request ended, as the caller saw it."""

    OK = "ok"
    MODEL_ERROR = "model_error"
    """The service answered that the model failed (HTTP 424). It is an answer without a recommendation."""
    UNANSWERED = "unanswered"
    """No answer, a refusal, or a 5XX status."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request; ``version`` is the release that answered. An error may lack the version or the variant."""

    sent_at: float
    """Seconds since the epoch at which the request was due."""
    latency_ms: float
    """From the time at which the request was due to the end of the answer, so that a queue in the sender counts too."""
    outcome: Outcome
    variant: str | None = None
    version: str | None = None
    reason: str = ""
    items: tuple[int, ...] = ()
    """What was recommended."""
    clicked: bool = False
    """Whether the shopper clicked one of them at any later time."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counts and latencies of some requests; a latency is NaN if nothing was answered."""

    ok: int
    model_errors: int
    unanswered: int
    clicked: int
    p50_ms: float
    p99_ms: float

    @property
    def sent(self) -> int:
        """All of them."""
        return self.ok + self.model_errors + self.unanswered

    @property
    def error_rate(self) -> float:
        """Share of model errors in the answers, from 0 to 1; 0 if there were none."""
        answered = self.ok + self.model_errors
        return self.model_errors / answered if answered else 0.0

    @property
    def click_rate(self) -> float:
        """Share of clicks in what was recommended, from 0 to 1; 0 if nothing was."""
        return self.clicked / self.ok if self.ok else 0.0


class TrafficLog:
    """All requests so far; any thread may add or read."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def add(self, request: Request) -> None:
        """Record a request that has ended."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> list[Request]:
        """Return every request by the time at which it was sent, errors attributed to releases."""
        with self._lock:
            requests = list(self._requests)
        return attribute(sorted(requests, key=lambda request: request.sent_at))


def attribute(requests: Sequence[Request]) -> list[Request]:
    """Complete each model error that names only its release, or only its variant.

    The missing half comes from the nearest answer in time with the same known half. A slot changes its release at
    weight 0 only, long after its last request and long before its next one. So the nearest answer is of the same
    release. ``requests`` are in the order of ``sent_at``.
    """
    answers = [request for request in requests if request.outcome is Outcome.OK]
    by_version = grouped(answers, lambda request: request.version)
    by_variant = grouped(answers, lambda request: request.variant)

    def complete(request: Request) -> Request:
        if request.outcome is not Outcome.MODEL_ERROR:
            return request
        if request.version is None:
            nearest = _nearest(request.sent_at, by_variant.get(request.variant, []))
        else:
            nearest = _nearest(request.sent_at, by_version.get(request.version, []))
        if nearest is None:
            return request
        return replace(request, version=request.version or nearest.version, variant=request.variant or nearest.variant)

    return [complete(request) for request in requests]


def _nearest(moment: float, answers: Sequence[Request]) -> Request | None:
    after = bisect.bisect(answers, moment, key=lambda answer: answer.sent_at)
    around = answers[max(0, after - 1) : after + 1]
    return min(around, key=lambda answer: abs(answer.sent_at - moment), default=None)


def grouped(requests: Iterable[Request], key: Callable[[Request], Key]) -> dict[Key, list[Request]]:
    """Split requests by a key, each group in the given order."""
    groups: dict[Key, list[Request]] = defaultdict(list)
    for request in requests:
        groups[key(request)].append(request)
    return dict(groups)


def summarise(requests: Iterable[Request]) -> Summary:
    """Count outcomes; latencies are those of answers, model errors included."""
    groups = grouped(requests, lambda request: request.outcome)
    answered = [*groups.get(Outcome.OK, []), *groups.get(Outcome.MODEL_ERROR, [])]
    latencies = sorted(request.latency_ms for request in answered)
    return Summary(
        ok=len(groups.get(Outcome.OK, [])),
        model_errors=len(groups.get(Outcome.MODEL_ERROR, [])),
        unanswered=len(groups.get(Outcome.UNANSWERED, [])),
        clicked=sum(request.clicked for request in answered),
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least ``percent`` of the values do not exceed; NaN without values.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.0
    >>> percentile([1.0, 2.0, 3.0, 4.0], 99)
    4.0
    """
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
