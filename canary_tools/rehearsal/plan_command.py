"""`plan`: what the rollout of a template means, in a few lines."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canary_tools.rehearsal.plan_summary import Assumptions, summarise
from canary_tools.rehearsal.reading import RehearsalError
from canary_tools.rehearsal.story import duration
from canary_tools.rehearsal.template import find_endpoint


def main(arguments: Sequence[str]) -> int:
    """Print the summary of a plan; return 0."""
    parser = argparse.ArgumentParser(prog="python -m canary_tools.rehearsal plan", description=__doc__)
    parser.add_argument("--template", type=Path, required=True, help="a synthesised template")
    parser.add_argument("--endpoint", help="endpoint or construct name, when the template has several")
    parser.add_argument("--rps", type=float, default=100.0, help="requests a second on the whole endpoint")
    parser.add_argument("--launch-seconds", type=float, default=240.0, help="until a new instance serves")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.rps < 0:
        raise RehearsalError(f"--rps must be at least 0, got {options.rps:g}")
    assumptions = Assumptions(rps=options.rps, launch_s=options.launch_seconds, metric_delay_s=90.0)
    summary = summarise(find_endpoint(options.template, options.endpoint), assumptions)
    sys.stdout.write((json.dumps(summary, indent=2) if options.json else in_lines(summary)) + "\n")
    return 0


def in_lines(summary: Mapping[str, Any]) -> str:
    """Return the summary as people read it."""
    steps = " → ".join(summary["step_titles"])
    usual, longest = duration(summary["usual_seconds"]), duration(summary["longest_seconds"])
    before, peak, most = (summary[name] for name in ("instances_before", "peak_instances", "max_instances"))
    lines = [
        f"{summary['endpoint']}: {steps} of the requests",
        f"  duration          {usual} when every step uses its bake, at most {longest}",
        f"  instances         {before} before, {peak} at the peak (max_instances {most} a variant)",
        f"  history events    {summary['history_events']:,} on the longest path, {summary['history_limit']:,} allowed",
        f"  cost              ${summary['cost_usd']:.2f} more than without a rollout",
        f"  requests to a bad release before it loses its traffic, at {summary['assumed']['rps']:g} a second:",
    ]
    width = max(len(exposed["guard"]) for exposed in summary["exposed_requests"])
    for exposed in summary["exposed_requests"]:
        requests = ", ".join(f"{count:,} at {step}" for step, count in exposed["requests"].items())
        lines.append(
            f"    {exposed['guard']:<{width}}  {duration(exposed['earliest_s']):>6} at the earliest: {requests}"
        )
    return "\n".join(lines)
