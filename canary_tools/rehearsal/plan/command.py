"""`plan`: what the rollout of a template means, in a few lines."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from canary_tools.rehearsal.json_input.json_object import Reader
from canary_tools.rehearsal.plan.summary import Assumptions, metadata, summarise
from canary_tools.rehearsal.report.sentences import duration
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
    sys.stdout.write((json.dumps(summary, indent=2) if options.json else in_lines(summary)) + "\n")
    return 0 if summary["refused"] is None else REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m canary_tools.rehearsal plan", description=__doc__)
    parser.add_argument("--template", type=Path, required=True, help="a synthesised template")
    parser.add_argument("--endpoint", help="endpoint or construct name, when the template has several")
    parser.add_argument("--rps", type=float, help="requests a second on the whole endpoint (expected_rps if left out)")
    parser.add_argument("--launch-seconds", type=float, default=240.0, help="until a new instance serves")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _assumptions(options: argparse.Namespace, declared: DeclaredEndpoint) -> Assumptions:
    """Return the traffic that the command, or else the template, or else nobody says."""
    expected = metadata(declared).get("ExpectedRps")
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


def in_lines(summary: Mapping[str, Any]) -> str:
    """Return the summary as people read it."""
    steps = " → ".join(summary["step_titles"])
    lines = [
        f"{summary['endpoint']}: {steps} of the requests",
        f"  traffic           {_traffic(summary['assumed'])}",
        f"  duration          {_duration(summary)}",
        f"  instances         {_instances(summary)}",
        f"  history events    {summary['history_events']:,} on the longest path, {summary['history_limit']:,} allowed",
        f"  cost              {_cost(summary)}",
    ]
    return "\n".join(lines if summary["refused"] else [*lines, *_exposed(summary)])


def _traffic(assumed: Mapping[str, Any]) -> str:
    said = {
        "--rps": "as --rps says",
        "expected_rps": "the expected_rps of the template",
        "default": "assumed: the template has no expected_rps, and --rps is not given",
    }
    return f"{assumed['rps']:g} requests a second ({said[assumed['rps_from']]})"


def _duration(summary: Mapping[str, Any]) -> str:
    shortest, usual, longest = (duration(summary[f"{name}_seconds"]) for name in ("shortest", "usual", "longest"))
    return f"{shortest} at the shortest, {usual} when every step uses its bake, {longest} at the longest"


def _instances(summary: Mapping[str, Any]) -> str:
    if summary["refused"]:
        return f"REFUSED: {summary['refused']}"
    before, peak, most = (summary[name] for name in ("instances_before", "peak_instances", "max_instances"))
    hourly = summary["peak_usd_per_hour"]
    price = f"no list price of {_type(summary)} is known here" if hourly is None else f"${hourly:,.2f} an hour"
    return f"{before:,} before, {peak:,} at the peak: {price} (max_instances {most} a variant)"


def _cost(summary: Mapping[str, Any]) -> str:
    if summary["refused"]:
        return "none: it would not begin"
    if summary["cost_usd"] is None:
        orchestration = summary["orchestration_cost_usd"]
        return f"unknown for the instances ({_type(summary)}); ${orchestration:,.2f} a rollout for all else"
    return f"${summary['cost_usd']:,.2f} a rollout, more than without one, at list prices of us-east-1"


def _type(summary: Mapping[str, Any]) -> str:
    return summary["instance_type"] or "an instance type that the template does not say"


def _exposed(summary: Mapping[str, Any]) -> Iterator[str]:
    assumed, guards = summary["assumed"], summary["exposed_requests"]
    yield (
        f"  requests to a bad release before a guard can act, at {assumed['rps']:g} a second and metrics "
        f"{assumed['metric_delay_s']:g} s late:"
    )
    width = max((len(exposed["guard"]) for exposed in guards), default=0)
    for exposed in guards:
        requests = ", ".join(f"{count:,} at {step}" for step, count in exposed["requests"].items())
        yield f"    {exposed['guard']:<{width}}  {exposed['earliest_s']:>5,} s at the earliest: {requests}"
