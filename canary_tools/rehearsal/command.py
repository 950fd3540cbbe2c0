"""Rehearse a rollout before you run it: the deployed state machine and handlers against a simulated endpoint.

python -m canary_tools.rehearsal --template cdk.out/Shop.template.json --scenario scenario.json
python -m canary_tools.rehearsal plan --template cdk.out/Shop.template.json
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.plan import command as plan_command
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.report.distribution import distribution, table
from canary_tools.rehearsal.report.sentences import in_words
from canary_tools.rehearsal.scenario import read_scenario
from canary_tools.rehearsal.template import find_endpoint

UNSAFE_END, USAGE_ERROR = 1, 2
_STATUS = """Ends with status 0; with 1 when a rollout was not left safe ("unsafe" in the result says why); with 2 and a
sentence when this cannot be rehearsed."""
_FOREIGN_HANDLERS = "the packed handlers are not beside the template; rehearsing with those of this installation"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 when an end is not safe, or 2 after a sentence on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return plan_command.main(words[1:]) if words[:1] == ["plan"] else _rehearse(_parser().parse_args(words))
    except RehearsalError as error:
        sys.stderr.write(f"rehearsal: {error}\n")
        return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m canary_tools.rehearsal", description=__doc__.split("\n", 1)[0], epilog=_STATUS
    )
    parser.add_argument("--template", type=Path, required=True, help="a synthesised template, such as cdk.out/*.json")
    parser.add_argument("--scenario", type=Path, required=True, help="what happens meanwhile, see docs/rehearsal.md")
    parser.add_argument(
        "--endpoint", help="name of the endpoint, or ID or path of the construct, when the template has several"
    )
    parser.add_argument("--runs", type=int, default=1, help="rehearse with this many seeds, one after the other")
    parser.add_argument("--json", type=Path, help="write the result here instead of printing it")
    parser.add_argument(
        "--report", type=Path, help="write a page with pictures here, and the pictures beside it; of --runs, the first"
    )
    return parser


def _rehearse(options: argparse.Namespace) -> int:
    if options.runs < 1:
        raise RehearsalError(f"--runs must be at least 1, got {options.runs}")
    for option, path in (("--json", options.json), ("--report", options.report)):
        _refuse_unwritable(option, path)
    declared, scenario = find_endpoint(options.template, options.endpoint), read_scenario(options.scenario)
    if any(function.code is None for function in declared.functions.values()):
        sys.stderr.write(f"{_FOREIGN_HANDLERS}\n")
    runs: list[Rehearsed] = []
    for number in range(options.runs):
        runs.append(rehearse(declared, replace(scenario, seed=scenario.seed + number)))
        sys.stderr.write(in_words(runs[-1]) + "\n")
    _write(runs, options)
    return 0 if all(run.result["safe_end"] for run in runs) else UNSAFE_END


def _refuse_unwritable(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be written, before a rehearsal takes its time."""
    if path is None:
        return
    place = path if os.access(path, os.F_OK) else path.parent
    if not os.access(place, os.W_OK) or path.is_dir() or not path.parent.is_dir():
        raise RehearsalError(f"{option} must be a file that can be written, got {path}")


def _write(runs: Sequence[Rehearsed], options: argparse.Namespace) -> None:
    result = runs[0].result if len(runs) == 1 else distribution([run.result for run in runs])
    if len(runs) > 1:
        sys.stderr.write(table(result) + "\n")
    text = json.dumps(result, indent=2, sort_keys=False) + "\n"
    if options.json is None:
        sys.stdout.write(text)
    else:
        options.json.write_text(text, encoding="utf-8")
    if options.report is not None:
        from canary_tools.rehearsal.report.page import write_report  # noqa: PLC0415 - matplotlib is slow to load

        write_report(runs[0], options.report)
