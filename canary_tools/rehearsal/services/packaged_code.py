"""The handlers as they were packed: imported from the asset beside the template, with the virtual clock inside."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = "rollout"

Modules = dict[str, Any]

_imported: dict[Path, tuple[object, Modules]] = {}
"""What was imported from a folder, with the state of its files, as a Lambda environment keeps it between calls."""


@contextmanager
def packaged_code(folder: Path | None) -> Iterator[None]:
    """Import `rollout` from this folder (or, without one, as it is installed) until the end of the block.

    A process imports a folder once, unless its files change. No byte code is written: what lies in the folder is
    what the CDK uploads.
    """
    before = _taken()
    wrote_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    path = list(sys.path)
    if folder is not None:
        sys.path.insert(0, str(folder))
        sys.modules.update(_imported_before(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        modules = _taken()
        if folder is not None:
            _imported[folder] = (_files(folder), modules)
        sys.modules.update(before)
        sys.path[:] = path
        sys.dont_write_bytecode = wrote_no_bytecode
        importlib.invalidate_caches()


def handler(path: str) -> Any:
    """Return a handler by its name in the template, such as `rollout.handlers.panic.handler`."""
    parent, _, name = path.rpartition(".")
    return getattr(module(parent), name)


def module(name: str) -> Any:
    """Return a module of the packaged code."""
    return importlib.import_module(name)


def _taken() -> Modules:
    """Take what is imported of the package out of Python's table of modules."""
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}


def _imported_before(folder: Path) -> Modules:
    files, modules = _imported.get(folder, (None, {}))
    return modules if files == _files(folder) else {}


def _files(folder: Path) -> object:
    return {path: path.stat().st_mtime_ns for path in (folder / PACKAGE).rglob("*.py")}
