"""The handlers as they were packed: each imported from the asset of its function, with the virtual clock inside."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rollout

PACKAGE = rollout.__name__
INSTALLED = Path(rollout.__file__).parents[1]
"""Where a handler is taken from that was not packed beside its template."""

Modules = dict[str, Any]

_imported: dict[Path, tuple[object, Modules]] = {}
"""What was imported from a folder, with the state of its files, as a Lambda environment keeps it between calls."""


class PackagedCode:
    """The code of some functions. What two of them import from different folders is not the same module."""

    def __init__(self) -> None:
        self._modules: dict[Path, Modules] = {}

    def handler(self, folder: Path | None, path: str) -> Any:
        """Return a handler by its name in the template, such as `rollout.handlers.panic.handler`."""
        parent, _, name = path.rpartition(".")
        return getattr(self.module(folder, parent), name)

    def holds(self, folder: Path | None, name: str) -> bool:
        """Tell whether a module lies in this folder, or, without one, is installed."""
        return (INSTALLED if folder is None else folder).joinpath(*name.split(".")).with_suffix(".py").is_file()

    def module(self, folder: Path | None, name: str) -> Any:
        """Return a module as it lies in this folder, or, without one, as it is installed.

        A process imports a folder once, unless its files change. No byte code is written: what lies in the folder is
        what the CDK uploads.
        """
        place = INSTALLED if folder is None else folder
        if place not in self._modules:
            self._modules[place] = _imported_before(place)
        modules = self._modules[place]
        if name not in modules:
            with _importing(place, modules):
                importlib.import_module(name)
        return modules[name]


@contextmanager
def _importing(folder: Path, modules: Modules) -> Iterator[None]:
    """Let Python import `rollout` from this folder until the end of the block, and keep what it imports."""
    before = _taken()
    wrote_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    path = list(sys.path)
    sys.path.insert(0, str(folder))
    sys.modules.update(modules)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        modules.update(_taken())
        _imported[folder] = (_files(folder), modules)
        sys.modules.update(before)
        sys.path[:] = path
        sys.dont_write_bytecode = wrote_no_bytecode
        importlib.invalidate_caches()


def _taken() -> Modules:
    """Take what is imported of the package out of Python's table of modules."""
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}


def _imported_before(folder: Path) -> Modules:
    files, modules = _imported.get(folder, (None, {}))
    return modules if files == _files(folder) else {}


def _files(folder: Path) -> object:
    return {path: path.stat().st_mtime_ns for path in (folder / PACKAGE).rglob("*.py")}
