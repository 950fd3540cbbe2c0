"""Bring counts of your own: divide one recorded series between two releases, or make it the world of a rehearsal.

    python -m canary_tools.rehearsal.recorded counts --series SERIES.csv --gate errors > counts.csv
    python -m canary_tools.rehearsal.recorded scenario --series SERIES.csv > scenario.json

SERIES.csv has the header minute,requests,bad: what all variants together got and failed in each minute.
"""

import argparse
import csv
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from canary_tools.rehearsal import replay

COLUMNS = ("minute", "requests", "bad")
MOST_REQUESTS = 10**9
"""In a minute: what a draw without replacement takes."""
SECONDS = 60
DIGITS = 6
"""Of a rate in a scenario."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What all variants together got in one minute, and how many of these requests were bad."""

    minute: int
    requests: int
    bad: int

    @classmethod
    def parse(cls, row: dict[str, str]) -> Self:
        """Read a line of the file.

        Raises:
            ValueError: when a value is no whole number, or there are more bad requests than requests.
        """
        minute, requests, bad = (int(row[column]) for column in COLUMNS)
        if not 0 <= bad <= requests <= MOST_REQUESTS:
            raise ValueError(
                f"bad must be at most requests, and those at most {MOST_REQUESTS:,}; got {bad}, {requests}"
            )
        return cls(minute=minute, requests=requests, bad=bad)

    @property
    def rate(self) -> float:
        """Return the bad part of the requests, 0 to 1; 0 without requests."""
        return round(self.bad / self.requests, DIGITS) if self.requests else 0.0

    def divided(self, share: float, fails: float, generator: np.random.Generator) -> tuple[int, int, int, int]:
        """Return canary_total, canary_bad, stable_total and stable_bad.

        Each request falls to the canary with a chance of `share`, whether it was bad or not: that is what the counts of
        a release exactly as good would be. `fails`: the part of the canary's other requests that are bad as well.
        """
        canary = int(generator.binomial(self.requests, share))
        drawn = int(generator.hypergeometric(self.bad, self.requests - self.bad, canary)) if canary else 0
        more = int(generator.binomial(canary - drawn, fails))
        return canary, drawn + more, self.requests - canary, self.bad - drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what was asked for to stdout; return 0, or 2 after a sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        series = read_series(options.series)
    except replay.UnreadableInputError as error:
        sys.stderr.write(f"recorded: {error}\n")
        return 2
    if options.what == "scenario":
        sys.stdout.write(json.dumps(scenario(series), indent=2) + "\n")
    else:
        rows = counts(series, options)
        csv.writer(sys.stdout, lineterminator="\n").writerows([replay.COLUMNS, *rows])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m canary_tools.rehearsal.recorded",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["counts", "scenario"])
    parser.add_argument("--series", type=Path, required=True, help=f"SERIES.csv with {','.join(COLUMNS)}")
    parser.add_argument("--gate", default="errors", help="the gate that judges the counts (default errors)")
    parser.add_argument("--share", type=_percent, default=0.1, help="the canary's, in percent (default 10)")
    parser.add_argument("--fails", type=_percent, default=0.0, help="percent that the canary fails beside (default 0)")
    parser.add_argument("--draws", type=int, default=1, help="so many traces, each divided anew (default 1)")
    return parser


def _percent(text: str) -> float:
    percent = float(text)
    if not 0 <= percent <= 100:  # noqa: PLR2004  # that is what percent means
        raise argparse.ArgumentTypeError(f"must be between 0 and 100, got {text}")
    return percent / 100


def read_series(path: Path) -> list[Recorded]:
    """Read SERIES.csv.

    Raises:
        UnreadableInputError: when a line cannot be read, or the minutes do not rise.
    """
    rows = csv.DictReader(replay.read_text(path).splitlines())
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise replay.UnreadableInputError(f"{path}: the header must be {','.join(COLUMNS)}")
    series: list[Recorded] = []
    for row in rows:
        try:
            series.append(Recorded.parse(row))
        except (ValueError, TypeError) as error:
            raise replay.UnreadableInputError(f"{path} line {rows.line_num}: {error}") from None
        if len(series) > 1 and series[-1].minute <= series[-2].minute:
            raise replay.UnreadableInputError(f"{path} line {rows.line_num}: the minutes must rise")
    if not any(each.requests for each in series):
        raise replay.UnreadableInputError(f"{path} holds no requests")
    return series


def counts(series: Sequence[Recorded], options: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """Return the lines of COUNTS.csv, all of one step. The number of a draw is its seed."""
    for draw in range(1, options.draws + 1):
        generator = np.random.default_rng(draw)
        for each in series:
            divided = each.divided(options.share, options.fails, generator)
            yield f"{options.series.stem} {draw}", each.minute, 0, options.gate, *divided


def scenario(series: Sequence[Recorded]) -> dict[str, Any]:
    """Return a scenario in which both releases fail as the series did, from the start of the rollout on.

    Its traffic is the series' mean. Its usual error rate is the median; each time with another one is a change.
    """
    minutes = series[-1].minute - series[0].minute + 1
    usual = statistics.median(each.rate for each in series)
    return {
        "traffic": {"rps": round(sum(each.requests for each in series) / minutes / SECONDS, 3)},
        "stable": {"error_rate": usual},
        "changes": [
            {
                "at_s": (each.minute - series[0].minute) * SECONDS,
                "for_s": SECONDS,
                "who": "both",
                "set": {"error_rate": each.rate},
            }
            for each in series
            if each.rate != usual
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
