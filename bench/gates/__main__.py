"""Measure the gates and their peers: `python -m bench.gates --runs 2000`.

Prints the tables of docs/gates.md as Markdown, each row as soon as it is measured. Seeds are fixed: the same
command prints the same tables.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from bench.gates.pictures import draw
from bench.gates.studies import STUDIES, Row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gates", description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="rollouts per figure (default 2000)")
    parser.add_argument("--only", nargs="+", choices=[*STUDIES, "pictures"], default=[*STUDIES, "pictures"])
    parser.add_argument("--pictures", type=Path, default=Path("docs/pictures"), help="where the plots go")
    options = parser.parse_args()
    for name in options.only:
        began = time.monotonic()
        if name == "pictures":
            draw(options.pictures, options.runs)
        else:
            _print_table(name, STUDIES[name].__doc__ or "", STUDIES[name](options.runs))
        print(f"\n({name}: {time.monotonic() - began:.0f} s)", flush=True)


def _print_table(name: str, caption: str, rows: Iterator[Row]) -> None:
    print(f"\n### {name}\n{caption}\n", flush=True)
    for number, row in enumerate(rows):
        print(f"| {' | '.join(row)} |", flush=True)
        if number == 0:
            print("|" + "---|" * len(row), flush=True)


if __name__ == "__main__":
    main()
