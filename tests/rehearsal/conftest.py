import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

ROOT = Path(__file__).resolve().parents[2]
BAKE_SECONDS = 600

HEALTHY: Mapping[str, Any] = {
    "seed": 7,
    "traffic": {"rps": 40},
    "stable": {"error_rate": 0.001, "latency_ms": {"p50": 40, "p99": 180}},
    "canary": {"error_rate": 0.001, "latency_ms": {"p50": 40, "p99": 180}},
    "capacity": {"launch_s": 60, "max_rps_per_instance": 60},
}
STEADY: Mapping[str, Any] = {"delay_s": 60}
"""For what is timed to the minute. Left out, each point of each metric comes 30 to 180 s late."""

Rehearse = Callable[..., Rehearsed]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recommender's template, synthesised once, with bakes of ten minutes."""
    return synthesised(tmp_path_factory.mktemp("synth"), bake_seconds=BAKE_SECONDS)


def synthesised(folder: Path, *, bake_seconds: int, **more: float | str) -> Path:
    """Synthesise the recommender into a folder, with more of its switches, and return its template."""
    archive = folder / "models" / "v2" / "model.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(__file__, "model.py")
    context = {
        "version": "v2",
        "models": str(folder / "models"),
        "steps": "10,50,100",
        "bake_seconds": str(bake_seconds),
    }
    context |= {name: str(value) for name, value in more.items()}
    environment = {**os.environ, "CDK_OUTDIR": str(folder / "out"), "CDK_CONTEXT_JSON": json.dumps(context)}
    environment["PATH"] = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), environment["PATH"]])
    command = [sys.executable, "-m", "examples.recommender.demo.app"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own app
    return folder / "out" / "Recommender.template.json"


@pytest.fixture(scope="session")
def declared(template: Path) -> DeclaredEndpoint:
    return find_endpoint(template, None)


@pytest.fixture(scope="session")
def rehearsing(declared: DeclaredEndpoint) -> Rehearse:
    """Rehearse the healthy scenario with some keys replaced."""

    def rehearse_with(**changed: Any) -> Rehearsed:
        return rehearse(declared, parse_scenario({**HEALTHY, **changed}))

    return rehearse_with


@pytest.fixture(scope="session")
def healthy(rehearsing: Rehearse) -> Rehearsed:
    return rehearsing()


@pytest.fixture(scope="session")
def failing(rehearsing: Rehearse) -> Rehearsed:
    return rehearsing(canary={"error_rate": 0.05})
