"""When a value was seen, and when it changed."""

import time
from collections.abc import Mapping
from threading import Event
from typing import Any

from canary_tools.acceptance.metric_watch import MetricWatch, Point

ENDED = Point("variant-a", "Invocations", 60)


class Reader:
    """Answers slowly, with a value that grows once."""

    def __init__(self) -> None:
        self.answered_at: list[float] = []
        self.has_answered_often = Event()

    def query(self, slot: str, metric: str, statistic: str, *, period: int) -> dict[str, Any]:
        return {"slot": slot, "metric": metric, "statistic": statistic, "period": period}

    def read(self, queries: Mapping[str, Any], **_: float) -> dict[str, dict[int, float]]:
        time.sleep(0.02)
        self.answered_at.append(time.time())
        if len(self.answered_at) == 4:
            self.has_answered_often.set()
        value = 4.0 if len(self.answered_at) == 1 else 5.0
        wanted = {name for name, query in queries.items() if (query["slot"], query["metric"]) == ENDED[:2]}
        return {name: {60: value} if name in wanted else {} for name in queries}


def test_a_value_is_seen_when_the_answer_comes_and_keeps_that_moment_when_it_changes() -> None:
    reader: Any = Reader()
    with MetricWatch(reader, period=60, read_again=0.001) as watch:
        assert reader.has_answered_often.wait(10)
    (seen,) = watch.points().values()
    first, second, third, *_ = reader.answered_at
    assert first <= seen.first_at < second
    assert second <= seen.changed_at < third
    assert seen.value == 5.0
