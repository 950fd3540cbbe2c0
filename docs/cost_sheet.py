"""Print the worked month of `docs/cost.md`: `python -m docs.cost_sheet`."""

# ruff: noqa: RUF001 - the sign of a product

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from canary_tools.rehearsal.services import list_prices

if TYPE_CHECKING:
    from collections.abc import Iterator

HOURS_A_MONTH = 730
INSTANCE_TYPE = "ml.m5.xlarge"
STABLE, IDLE, RELEASES = 2, 1, 4
SWAP_HOURS = 1 / 6
"""A deploy of a release builds a second fleet beside the first one for about ten minutes."""
ROLLOUT_HOURS = 1.53
LANDING_HOURS = 0.25
STATE_TRANSITIONS = 402
"""Of a rehearsed rollout of the default plan, promoted at 40 requests a second, seed 7."""
METRICS_READ = 5609
LAMBDA_AND_LEDGER = 0.0007
"""US dollars of that rollout."""
ALARM_METRICS = 12
"""Of both variants: four metrics in each alarm on errors, two in each alarm on latency."""
LOOKS_A_MONTH, LOOK_SECONDS, MEGABYTES = 4 * HOURS_A_MONTH, 1, 512


def table() -> str:
    """Return the lines of the month, each with how it is calculated."""
    rows = list(_lines())
    added = sum(price for _, _, price in rows[1:])
    text = "".join(f"| {what} | {how} | {price:,.2f} |\n" for what, how, price in rows)
    total = f"| **added by this library** | all lines but the first | **{added:,.2f}** |\n"
    return f"| what | how it is calculated | US dollars |\n|---|---|---|\n{text}{total}"


def _lines() -> Iterator[tuple[str, str, float]]:
    hour = list_prices.INSTANCE_HOUR[INSTANCE_TYPE]
    yield (
        "the variant that serves, which you pay without this library too",
        f"{STABLE} instances × {HOURS_A_MONTH} h × ${hour}",
        STABLE * HOURS_A_MONTH * hour,
    )
    yield "the idle variant", f"{IDLE} instance × {HOURS_A_MONTH} h × ${hour}", IDLE * HOURS_A_MONTH * hour
    swapped = STABLE + IDLE
    yield (
        "the second fleet of each deploy",
        f"{RELEASES} deploys × {swapped} instances × 10 min × ${hour}",
        RELEASES * swapped * SWAP_HOURS * hour,
    )
    extra, hours = STABLE - IDLE, ROLLOUT_HOURS + LANDING_HOURS
    yield (
        "instances of the canary beyond the idle one",
        f"{RELEASES} rollouts × {extra} instance × {hours:.1f} h × ${hour}",
        RELEASES * extra * hours * hour,
    )
    alarm = list_prices.ALARM_METRIC_MONTH
    yield "alarms", f"{ALARM_METRICS} metrics × ${alarm:.2f}", ALARM_METRICS * alarm
    yield "the dashboard", "1 × $3.00; the first three of an account are free", list_prices.DASHBOARD_MONTH
    transition = list_prices.STATE_TRANSITION
    yield (
        "state transitions",
        f"{RELEASES} rollouts × {STATE_TRANSITIONS} × ${transition:.6f}",
        RELEASES * STATE_TRANSITIONS * transition,
    )
    yield (
        "metrics that the rollouts read",
        f"{RELEASES} rollouts × {METRICS_READ:,} × ${list_prices.METRIC_READ:.5f}",
        RELEASES * METRICS_READ * list_prices.METRIC_READ,
    )
    yield (
        "Lambda and ledger of the rollouts",
        f"{RELEASES} rollouts × ${LAMBDA_AND_LEDGER:.4f}",
        RELEASES * LAMBDA_AND_LEDGER,
    )
    look = list_prices.LAMBDA_REQUEST + list_prices.LAMBDA_MEGABYTE_SECOND * MEGABYTES * LOOK_SECONDS
    yield (
        "the look every quarter of an hour",
        f"{LOOKS_A_MONTH:,} × (one Lambda request + {MEGABYTES} MB × {LOOK_SECONDS} s)",
        LOOKS_A_MONTH * look,
    )


if __name__ == "__main__":
    sys.stdout.write(table())
