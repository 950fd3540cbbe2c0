"""Prints the table of docs/examples.md: `python -m docs.examples_table`. It takes six minutes."""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint

STACKS = {
    "minimal": "RankerStack",
    "custom_steps_and_gates": "RankerStack",
    "existing_alarms_and_topic": "RankerStack",
    "many_endpoints": "ModelsStack",
    "small_share_with_approval": "RankerStack",
    "adopt_existing": "OrdersStack",
    "registry_on_approval": "RankerStack",
    "vpc_kms_isolated": "RegulatedStack",
}
APPROVE = {"controls": [{"at_s": 8000, "do": "approve", "by": "ann", "why": "looks well"}]}
WORLDS: Mapping[str, Mapping[str, Any]] = {
    "small_share_with_approval": {"deployed_at": "2026-11-30T09:30:00+01:00", **APPROVE},
}
NOT_REHEARSED = {
    "custom_steps_and_gates": "needs the shop's own counts",
    "registry_on_approval": "its version is known at deploy time only",
}
NOT_DEPLOYED = {
    "adopt_existing": "needs an endpoint that lives; `tests/rollouts/test_adoption.py` adopts one",
    "vpc_kms_isolated": "without its flow log, by `tests/rollouts/test_regulated.py`",
}
"""Why an example is not deployed to the local AWS as it is."""
REDUNDANT_DEPENDENCY = "W3005"
HEAD = (
    "example",
    "resources",
    "synth, times `minimal`",
    "cfn-lint",
    "cdk-nag",
    "a good release",
    "one that fails 30 %",
    "deployed to the local AWS",
)


def rows() -> Iterator[tuple[str, ...]]:
    """Synthesise, lint, rehearse and deploy each example."""
    deploys = _deploys()
    took = [{name: _seconds(name) for name in STACKS} for _ in range(4)]
    fastest = {name: min(each[name] for each in took) for name in STACKS}
    for name in STACKS:
        with tempfile.TemporaryDirectory() as folder:
            template = synthesised(name, Path(folder))
            reports = json.loads((Path(folder) / "validation-report.json").read_text())["pluginReports"]
            yield (
                f"[`{name}`](../examples/{name}/app.py)",
                str(len(json.loads(template.read_text())["Resources"])),
                f"{fastest[name] / fastest['minimal']:.1f}",
                _lint(template),
                "nothing" if not reports else f"{len(reports)} findings",
                *_outcomes(name, template),
                NOT_DEPLOYED.get(name) or _deployed(deploys[name]),
            )


def _seconds(name: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        synthesised(name, Path(folder))
        return time.monotonic() - began


def synthesised(name: str, folder: Path, context: Mapping[str, Any] | None = None) -> Path:
    """Synthesise an example under cdk-nag, and return its template; `context` as with `cdk -c`."""
    app = App(outdir=str(folder), analytics_reporting=False, context=context)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    getattr(import_module(f"examples.{name}.app"), STACKS[name])(app, "Example")
    app.synth()
    return folder / "Example.template.json"


def _lint(template: Path) -> str:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    assert linter is not None
    command = [linter, "--ignore-checks", REDUNDANT_DEPENDENCY, "--", str(template)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - our template
    return "nothing" if not found else f"{len(found.splitlines())} lines"


def _outcomes(name: str, template: Path) -> Iterator[str]:
    if name in NOT_REHEARSED:
        yield from (NOT_REHEARSED[name], "")
        return
    declared = find_endpoint(template, "Ranker" if name == "many_endpoints" else None)
    for rate in (0.001, 0.3):
        scenario = {"traffic": {"rps": 50}, "canary": {"error_rate": rate}, **WORLDS.get(name, {})}
        yield str(rehearse(declared, parse_scenario(scenario)).result["outcome"])


def _deploys() -> dict[str, Any]:
    """Deploy the examples, in a process of its own: the emulator keeps its state in its modules."""
    command = [sys.executable, "-m", "tests.rollouts.examples"]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603 - ours
    return found


def _deployed(deploy: Mapping[str, Any]) -> str:
    served = sorted(set(deploy["endpoints"].values()))
    return f"{deploy['stack']}, {len(deploy['endpoints'])} {', '.join(served)}"


def main() -> None:
    """Print the table."""
    logging.disable()
    for row in chain((HEAD, ("---",) * len(HEAD)), rows()):
        sys.stdout.write(f"| {' | '.join(row)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
