"""Kill a rollout in every state of its state machine: `python -m bench.kills`.

Prints the table of docs/chaos.md as Markdown. Real templates and handlers run in one sandbox under live traffic,
several endpoints side by side.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from bench.kills.kills import KILLS, Kill
from bench.kills.runs import Ending, endings
from bench.kills.traps import Traps
from examples.recommender.shop.traffic import Request
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.stage import SETTINGS, Stage

ENDPOINTS = 8
LAUNCH_SECONDS = 4.0
"""Long enough for a rollout to wait for instances."""
AFTER_CALL_SECONDS = 0.15
"""About the middle of a warm function's work."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--only", nargs="*", help="states (default: all)")
    only = parser.parse_args().only
    kills = sorted((kill for kill in KILLS if not only or kill.state in only), key=lambda kill: -kill.bakes)
    shares = [kills[n::ENDPOINTS] for n in range(ENDPOINTS) if kills[n::ENDPOINTS]]
    with (
        Stage(replace(SETTINGS, instance_launch_seconds=LAUNCH_SECONDS)) as stage,
        Traps(after_call_seconds=AFTER_CALL_SECONDS) as traps,
        ThreadPoolExecutor(ENDPOINTS) as pool,
    ):
        rows = [row for share in pool.map(partial(_rows, stage, traps), range(ENDPOINTS), shares) for row in share]
    print("| killed in | moment | canary's weight then | s until one slot has all | s until rest | outcome | lost |")
    print("|---|---|---|---|---|---|---|")
    for _, row in sorted(rows):
        print(row)


def _rows(stage: Stage, traps: Traps, number: int, kills: Sequence[Kill]) -> list[tuple[int, str]]:
    with DeployedShop(stage, f"kills-{number}") as shop:
        ends = list(endings(shop, traps, kills))
        shop.close_to_visitors()
        lost = shop.unanswered()
    for request in lost:
        print(f"unanswered on {shop.name} at {request.sent_at:.1f}: {request.reason}")
    return list(_lines(ends, lost))


def _lines(ends: Sequence[Ending], lost: Sequence[Request]) -> Iterator[tuple[int, str]]:
    """Return each row with its place in the table; `lost` counts requests without an answer."""
    for end in ends:
        lost_then = sum(end.began_at <= request.sent_at < end.ended_at for request in lost)
        visit = "" if end.kill.visit == 1 else ", second step"
        place = f"`{end.kill.state}`{visit} | {end.kill.moment.value} | {end.exposure:g}"
        seconds = f"{end.one_slot_after:.1f} | {end.at_rest_after:.1f}"
        yield KILLS.index(end.kill), f"| {place} | {seconds} | {end.outcome} | {lost_then} |"


if __name__ == "__main__":
    main()
