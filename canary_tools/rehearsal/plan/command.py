"""`plan`: says in a few lines what the rollout of a template means."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from canary_tools.rehearsal.json_input.json_object import Reader
from canary_tools.rehearsal.plan.lines import in_lines
from canary_tools.rehearsal.plan.metadata import metadata_of
from canary_tools.rehearsal.plan.summary import Assumptions, summarise
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

USUAL_RPS = 100.0
MOST_RPS = 1e9
DAY_SECONDS = 24 * 60 * 60
REFUSED = 1


def main(arguments: Sequence[str]) -> int:
    """Print the summary of a plan; return 0, or 1 when such a rollout would be refused.

    Raises:
        RehearsalError: when the template or a number cannot be used.
    """
    options = _parser().parse_args(arguments)
    declared = find_endpoint(options.template, options.endpoint)
    summary = summarise(declared, _assumptions(options, declared))
    sys.stdout.write((json.dumps(summary.to_json(), indent=2) if options.json else in_lines(summary)) + "\n")
    return 0 if summary.fleet.refused is None else REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m canary_tools.rehearsal plan", description=__doc__)
    parser.add_argument("--template", type=Path, required=True, help="a synthesised template")
    parser.add_argument("--endpoint", help="name of the endpoint or construct, if the template has several")
    parser.add_argument("--rps", type=float, help="requests a second on the whole endpoint (default: expected_rps)")
    parser.add_argument("--launch-seconds", type=float, default=240.0, help="seconds until a new instance serves")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _assumptions(options: argparse.Namespace, declared: DeclaredEndpoint) -> Assumptions:
    """Return the traffic of the command; without it that of the template, and without that a usual one."""
    expected = metadata_of(declared).expected_rps
    rps, source = USUAL_RPS, "default"
    if options.rps is not None:
        rps, source = options.rps, "--rps"
    elif expected is not None:
        rps, source = expected, "expected_rps"
    launch = Reader({"--launch-seconds": options.launch_seconds}, "plan")
    return Assumptions(
        rps=Reader({source: rps}, "plan").number(source, least=0, most=MOST_RPS),
        rps_from=source,
        launch_s=launch.number("--launch-seconds", least=0, most=DAY_SECONDS),
    )
