"""Whether the canary is in the middle of something that would raise its alarm if it served alone.

An outage of what both releases need is not held against the canary as long as stable serves beside it. At 100 % its
alarm has nothing to compare with: a rollout that goes on in an outage would be rolled back for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.evidence import SlotCount


def outage(limits: Mapping[str, Any] | None, errors: SlotCount | None, *, before: str) -> str:
    """Return a sentence on the canary's newest counted period when it was an outage, `""` when it was none.

    `limits` are those of the canary's alarm: more than `failed_percent` of at least `min_requests` failed; `None` in
    rollouts that a library without them started. `errors` is `None` when nothing new was counted; it is then as
    `before`.
    """
    if limits is None or errors is None:
        return before
    limit = limits["failed_percent"]
    if not (errors.total >= limits["min_requests"] and limit / 100 * errors.total < errors.bad <= errors.total):
        return ""
    rate = 100 * errors.bad / errors.total
    return (
        f"{errors.bad:,.0f} of the canary's {errors.total:,.0f} requests failed in the newest metric period "
        f"({rate:.2f} %), and no traffic is shifted while more than {limit:g} % do"
    )
