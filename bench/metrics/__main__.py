"""Rehearse rollouts whose metrics come late, and under each position of what AWS does not document.

    cdk synth --quiet --app "python -m examples.recommender.demo.app" -c steps=10,50,100 --output build/minutes
    cdk synth --quiet --app "python -m examples.recommender.demo.app" -c steps=10,50,100 -c metric_period=10 \\
        --output build/tens
    python -m bench.metrics delays build/minutes/Recommender.template.json build/tens/Recommender.template.json
    python -m bench.metrics switches build/minutes/Recommender.template.json build/tens/Recommender.template.json

A healthy release must be promoted, and one that fails 15 % of its requests must be rolled back. Prints the tables of
docs/late-metrics.md as Markdown. The exit status is 1 if one of them ended otherwise.
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.metrics.rows import Row, delays, switches
from canary_tools.rehearsal.template import find_endpoint

_STUDIES = {"delays": delays, "switches": switches}


def main() -> int:
    """Print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.metrics", description=__doc__.split("\n", 1)[0])
    parser.add_argument("study", choices=_STUDIES)
    parser.add_argument("templates", type=Path, nargs="+", help="one for each metric period")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"| {options.study} | period | healthy | harm | 15 % failing | harm |")
    print("|---|---|---|---|---|---|", flush=True)
    right = [_printed(row) for row in _rows(options.study, options.templates)]
    return 0 if all(right) else 1


def _rows(study: str, templates: list[Path]) -> Iterator[Row]:
    for template in templates:
        yield from _STUDIES[study](find_endpoint(template, None))


def _printed(row: Row) -> bool:
    print(row, flush=True)
    return row.right


if __name__ == "__main__":
    sys.exit(main())
