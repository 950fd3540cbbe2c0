"""Windows of every week, as a plan has them."""

from typing import Any

from rollout.contract.window import Window

HOUR = 3600


def only(weekday: int, hour: int, hours: float) -> dict[str, Any]:
    """Return a window of every week, in UTC."""
    window = Window(
        title="the window",
        minutes=(hour * 60,),
        days=range(1, 32),
        months=range(1, 13),
        weekdays=(weekday,),
        duration_seconds=int(hours * HOUR),
        time_zone="UTC",
    )
    return window.to_json()
