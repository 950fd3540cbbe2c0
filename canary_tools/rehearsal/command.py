"""Rehearse a rollout before you run it: the deployed state machine and handlers against a simulated endpoint.

python -m canary_tools.rehearsal --template cdk.out/Shop.template.json --scenario scenario.json
python -m canary_tools.rehearsal plan --template cdk.out/Shop.template.json
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from canary_tools.rehearsal import plan_command
from canary_tools.rehearsal.distribution import distribution, table
from canary_tools.rehearsal.reading import RehearsalError
from canary_tools.rehearsal.rehearsal import Rehearsed, rehearse
from canary_tools.rehearsal.scenario import read_scenario
from canary_tools.rehearsal.story import in_words
from canary_tools.rehearsal.template import find_endpoint

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a sentence on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return plan_command.main(words[1:]) if words[:1] == ["plan"] else _rehearse(_parser().parse_args(words))
    except RehearsalError as error:
        sys.stderr.write(f"rehearsal: {error}\n")
        return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m canary_tools.rehearsal", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--template", type=Path, required=True, help="a synthesised template, such as cdk.out/*.json")
    parser.add_argument("--scenario", type=Path, required=True, help="what happens meanwhile, see docs/rehearsal.md")
    parser.add_argument("--endpoint", help="endpoint or construct name, when the template has several")
    parser.add_argument("--runs", type=int, default=1, help="rehearse with this many seeds, one after the other")
    parser.add_argument("--json", type=Path, help="write the result here instead of printing it")
    parser.add_argument("--report", type=Path, help="write a page with pictures here, and the pictures beside it")
    return parser


def _rehearse(options: argparse.Namespace) -> int:
    if options.runs < 1:
        raise RehearsalError(f"--runs must be at least 1, got {options.runs}")
    declared, scenario = find_endpoint(options.template, options.endpoint), read_scenario(options.scenario)
    runs: list[Rehearsed] = []
    for number in range(options.runs):
        runs.append(rehearse(declared, replace(scenario, seed=scenario.seed + number)))
        sys.stderr.write(in_words(runs[-1]) + "\n")
    result = runs[0].result if len(runs) == 1 else distribution([run.result for run in runs])
    if len(runs) > 1:
        sys.stderr.write(table(result) + "\n")
    text = json.dumps(result, indent=2, sort_keys=False) + "\n"
    if options.json is None:
        sys.stdout.write(text)
    else:
        options.json.write_text(text, encoding="utf-8")
    if options.report is not None:
        from canary_tools.rehearsal.report import write_report  # noqa: PLC0415 - matplotlib is slow to load

        write_report(runs[0], options.report)
    return 0
