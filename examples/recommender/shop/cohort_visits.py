"""Which release answered which users while a cohort was published, on the two routes that apply its rule."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from examples.recommender.shop.senders import Sender
from examples.recommender.shop.shoppers import Shoppers
from examples.recommender.shop.traffic import Request, TrafficLog

API, DIRECT = "through the API", "directly"
ROUTES = (API, DIRECT)
CACHE_SECONDS = 5.0
"""How long a client keeps the rule: the default of ``canary_construct_client``."""
KNOWN_AFTER_SECONDS = CACHE_SECONDS + 3.0
"""After this time every client knows of a change. It includes one read of the rule, which is slow on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of a user, from the moment when its sender began; times are seconds since the epoch."""

    route: str
    user: int
    began_at: float
    ended_at: float
    request: Request


class CohortVisitors:
    """A stream of requests for each route while the ``with`` block lasts; ``users`` says how many users there are."""

    def __init__(self, senders: Mapping[str, Sender], *, users: int, requests_per_second: float) -> None:
        self._visits: list[Visit] = []
        self._to_close = ExitStack()
        self._streams = [
            Shoppers(
                _Remembering(route, sender, self._visits),
                users=users,
                log=TrafficLog(),
                requests_per_second=requests_per_second,
                seed=seed,
            )
            for seed, (route, sender) in enumerate(senders.items())
        ]

    def __enter__(self) -> Self:
        for stream in self._streams:
            self._to_close.enter_context(stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._to_close.close()

    def visits(self, route: str, *, began_from: float = 0.0, ended_by: float = float("inf")) -> list[Visit]:
        """Return the requests of one route that began and ended between two times."""
        return [
            visit
            for visit in list(self._visits)
            if visit.route == route and visit.began_at >= began_from and visit.ended_at <= ended_by
        ]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Requests by who asked and who answered."""

    cohort_by_canary: int
    cohort_by_stable: int
    others_by_canary: int
    others_by_stable: int

    @classmethod
    def of(cls, visits: list[Visit], *, belongs: Callable[[int], bool], canary: str) -> Self:
        """Count requests; ``belongs`` tells whether a user is in the cohort, ``canary`` is the release on trial."""
        counted = [(belongs(visit.user), visit.request.version == canary) for visit in visits]
        return cls(
            cohort_by_canary=counted.count((True, True)),
            cohort_by_stable=counted.count((True, False)),
            others_by_canary=counted.count((False, True)),
            others_by_stable=counted.count((False, False)),
        )

    @property
    def counts(self) -> tuple[int, ...]:
        """Return all four numbers."""
        return self.cohort_by_canary, self.cohort_by_stable, self.others_by_canary, self.others_by_stable

    def __str__(self) -> str:
        return (
            f"cohort {self.cohort_by_canary} by the canary and {self.cohort_by_stable} by stable, "
            f"others {self.others_by_canary} by the canary and {self.others_by_stable} by stable"
        )


class _Remembering:
    """A sender that records which user each request belongs to."""

    def __init__(self, route: str, sender: Sender, visits: list[Visit]) -> None:
        self._route, self._sender, self._visits = route, sender, visits

    def ask(self, user: int, due: float) -> Request:
        began_at = time.time()
        request = self._sender.ask(user, due)
        self._visits.append(
            Visit(route=self._route, user=user, began_at=began_at, ended_at=time.time(), request=request)
        )
        return request
