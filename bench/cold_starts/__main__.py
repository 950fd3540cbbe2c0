"""Measure what each handler adds to the import of boto3: `python -m bench.cold_starts --runs 10`.

Prints the table of docs/cold-starts.md as Markdown.
"""

import argparse
import compileall
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import rollout

from canary_construct.handlers.shipped_code import shipped_folder

HANDLERS = Path(rollout.__file__).parent / "handlers"
MEASURE = """
import importlib, sys, time
start = time.process_time()
import boto3
between = time.process_time()
importlib.import_module(sys.argv[1])
print(between - start, time.process_time() - between)
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_starts", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="processes per handler (default 10)")
    runs = parser.parse_args().runs
    print("| handler | boto3, ms | handler, ms | handler in % of boto3 |")
    print("|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="cold-starts-") as folder:
        for module in _modules():
            asset = _compiled(module, Path(folder) / module)
            print(_row(asset, module, runs), flush=True)


def _compiled(module: str, folder: Path) -> Path:
    """Return a handler with what it imports, away from this checkout, compiled as boto3 is."""
    shutil.copytree(shipped_folder(HANDLERS.parent, (module,)), folder)
    compileall.compile_dir(folder, quiet=1)
    return folder


def _modules() -> list[str]:
    """Return the names of the modules that have a handler."""
    sources = sorted(HANDLERS.glob("*.py"))
    return [source.stem for source in sources if "\ndef handler(" in source.read_text(encoding="utf-8")]


def _row(asset: Path, module: str, runs: int) -> str:
    """Return one row: the shortest of some runs, since others may be busy on this machine."""
    boto3, handler = (min(times) for times in zip(*(_seconds(asset, module) for _ in range(runs)), strict=True))
    return f"| `{module}` | {1000 * boto3:.0f} | {1000 * handler:.1f} | {100 * handler / boto3:.0f} |"


def _seconds(asset: Path, module: str) -> tuple[float, float]:
    """Return the processor seconds that boto3 takes, and those that the handler takes after it."""
    command = [sys.executable, "-c", MEASURE, f"rollout.handlers.{module}"]
    measured = subprocess.run(command, cwd=asset, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    boto3, handler = measured.stdout.split()
    return float(boto3), float(handler)


if __name__ == "__main__":
    main()
