"""Measure how fast an alarm takes the traffic from a canary: `python -m bench.panic --runs 10`.

Prints the table of docs/panic.md as Markdown. Four endpoints in one sandbox run side by side: quiet and scaling, with
the panic rule and with it disabled, so that only the state machine's next look notices the alarm.
"""

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.panic.runs import Run, Study, measure
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.stage import SETTINGS, Stage

STUDIES = [Study(scaling=scaling, panic=panic) for scaling in (False, True) for panic in (True, False)]
LAUNCH_SECONDS = 20.0
"""Longer than any alarm needs, so that the alarm goes off while the endpoint is busy."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.panic", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="rollouts per row (default 10)")
    runs = parser.parse_args().runs
    print(
        "| endpoint | panic rule | runs | median s since alarm | slowest | median s since activity | slowest | lost |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="panic-") as folder,
        Stage(replace(SETTINGS, instance_launch_seconds=LAUNCH_SECONDS)) as stage,
        ThreadPoolExecutor(len(STUDIES)) as pool,
    ):
        for row in pool.map(lambda study: _row(stage, study, runs, Path(folder)), STUDIES):
            print(row, flush=True)


def _row(stage: Stage, study: Study, runs: int, folder: Path) -> str:
    """Return one row; `lost` counts requests without an answer."""
    endpoint, rule = "scaling" if study.scaling else "quiet", "on" if study.panic else "off"
    with DeployedShop(stage, f"{endpoint}-{rule}") as shop:
        measured = list(measure(shop, study, runs=runs, folder=folder))
        shop.close_to_visitors()
        lost = len(shop.unanswered())
    return (
        f"| {endpoint} | {rule} | {len(measured)} | {_since_alarm(measured)} | {_since_activity(measured)} | {lost} |"
    )


def _since_alarm(runs: Sequence[Run]) -> str:
    return _summary([run.since_alarm for run in runs])


def _since_activity(runs: Sequence[Run]) -> str:
    return _summary([run.since_activity for run in runs if run.since_activity is not None])


def _summary(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} | {max(seconds):.1f}" if seconds else "- | -"


if __name__ == "__main__":
    main()
