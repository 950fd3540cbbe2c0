"""A scene without AWS: looks, visits and published values as a test lists them."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from canary_tools.acceptance.endpoint_watch import Look
from canary_tools.acceptance.metric_watch import Point, Published
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.traffic import Visit

PERIOD = 60


def look(at: float, **other: Any) -> Look:
    usual: dict[str, Any] = {
        "status": "InService",
        "config_name": "config-1",
        "pending": False,
        "weights": {"variant-a": 100.0, "variant-b": 0.0},
        "desired_weights": {"variant-a": 100.0, "variant-b": 0.0},
        "counts": {"variant-a": 1, "variant-b": 1},
        "desired_counts": {"variant-a": 1, "variant-b": 1},
    }
    return Look(at=at, **{**usual, **other})


def published(slot: str, metric: str, period: int, *, late: float, value: float = 5.0, settled: float = 0.0) -> Any:
    """A value that was seen so many seconds after its period's end, and changed for so many after that."""
    first_at = period + PERIOD + late
    return Point(slot, metric, period), Published(first_at=first_at, changed_at=first_at + settled, value=value)


def scene(
    *,
    looks: Sequence[Look] = (),
    visits: Sequence[Visit] = (),
    points: Sequence[Any] = (),
    answers: Any = None,
    moments: dict[str, float] | None = None,
    **more: Any,
) -> Scene:
    """Return a scene; `answers` maps a query's statistic or expression to its values."""
    metrics = SimpleNamespace(query=_query, read=lambda queries, **_: _read(queries, answers or {}))
    watch = SimpleNamespace(since=lambda moment: [seen for seen in looks if seen.at >= moment])
    visitors = SimpleNamespace(since=lambda moment: [visit for visit in visits if visit.sent_at >= moment])
    endpoint = SimpleNamespace(look=lambda: looks[-1] if looks else look(0))
    metric_watch: Any = SimpleNamespace(period=PERIOD, points=lambda: dict(points))
    return Scene(
        account=SimpleNamespace(pace=SimpleNamespace(metric_period=PERIOD, other_metric_period=10)),  # type: ignore[arg-type]
        stack=None, endpoint_name="shop", undoing=None, endpoint=endpoint, watch=watch, metrics=metrics,
        metric_watch=metric_watch, visitors=visitors, moments=moments or {}, **more,
    )  # fmt: skip


def _query(_slot: str, _metric: str, statistic: str, *, period: int) -> dict[str, Any]:
    return {"MetricStat": {"Stat": statistic, "Period": period}}


def _read(queries: dict[str, Any], answers: dict[str, dict[int, float]]) -> dict[str, dict[int, float]]:
    def key(query: dict[str, Any]) -> str:
        expression: str | None = query.get("Expression")
        return query["MetricStat"]["Stat"] if expression is None else expression

    return {name: answers.get(key(query), {}) for name, query in queries.items()}
