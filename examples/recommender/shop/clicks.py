"""Shoppers click a recommendation that they like, some seconds after they see it."""

import heapq
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

import numpy as np
import numpy.typing as npt
from canary_construct_client import Conversions

from examples.recommender.shop.repeated import Repeated
from examples.recommender.shop.traffic import Outcome, Request

LEAVING_APPEAL = 2.0
"""How attractive leaving is, on the scale of the items' appeal. With this value about one shopper in four clicks."""
SHORTEST_THOUGHT_SECONDS, LONGEST_THOUGHT_SECONDS = 0.5, 5.0
TICK_SECONDS = 1.0


def click_probability(appeal: npt.NDArray[np.float64], user: int, items: Sequence[int]) -> float:
    """Return the probability that the user clicks one of the items, from 0 to 1: a multinomial logit.

    The purchases were drawn by the same rule: taste plus chance. Here the choice is among the items shown.

    >>> click_probability(np.array([[2.0, 2.0]]), 0, [0])
    0.5
    >>> round(click_probability(np.array([[2.0, 2.0]]), 0, [0, 1]), 3)
    0.667
    """
    pull = float(np.exp(appeal[user, list(items)] - LEAVING_APPEAL).sum())
    return pull / (1 + pull)


class Browsing(Repeated):
    """Counts a recommendation as shown at once, and a click as a conversion when it happens.

    The shop publishes both in its own namespace, once a second while the ``with`` block lasts.
    """

    def __init__(self, appeal: npt.NDArray[np.float64], conversions: Conversions) -> None:
        super().__init__(lambda: self._record_until(time.time()), every_seconds=TICK_SECONDS, name="clicks")
        self._appeal = appeal
        self._conversions = conversions
        self._coming: list[tuple[float, str, float]] = []
        self._lock = threading.Lock()

    def look(self, user: int, request: Request, luck: float) -> Request:
        """Return the request and whether the user clicks; ``luck`` is a draw from 0 to 1, a low one means a click."""
        if request.outcome is not Outcome.OK or request.variant is None:
            return request
        shown_at = self._conversions.record_shown(request.variant)
        probability = click_probability(self._appeal, user, request.items)
        if luck >= probability:
            return request
        # For users who click, luck / probability is uniform from 0 to 1 again.
        thought = SHORTEST_THOUGHT_SECONDS + luck / probability * (LONGEST_THOUGHT_SECONDS - SHORTEST_THOUGHT_SECONDS)
        with self._lock:
            heapq.heappush(self._coming, (shown_at + thought, request.variant, shown_at))
        return replace(request, clicked=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._record_until(float("inf"))

    def _record_until(self, moment: float) -> None:
        with self._lock:
            due = [heapq.heappop(self._coming) for _ in range(sum(at <= moment for at, _, _ in self._coming))]
        for _, variant, shown_at in due:
            self._conversions.record_conversion(variant, shown_at=shown_at)
        self._conversions.flush()
