"""The handlers as they were packed: imported from the asset beside the template, with the virtual clock inside."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from canary_tools.rehearsal.replay import make_shipped_code_importable

PACKAGE = "rollout"


@contextmanager
def packaged_code(folder: Path | None) -> Iterator[None]:
    """Import `rollout` from this folder (or as shipped with this package), fresh, until the end of the block.

    No byte code is written: what lies in the folder is what the CDK uploads. A process compiles it once.
    """
    before = _forget()
    wrote_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    path = list(sys.path)
    if folder is None:
        make_shipped_code_importable()
    else:
        sys.path.insert(0, str(folder))
    sys.meta_path.insert(0, _Finder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        _forget()
        sys.modules.update(before)
        sys.path[:] = path
        sys.meta_path.remove(_Finder)
        sys.dont_write_bytecode = wrote_no_bytecode
        importlib.invalidate_caches()


def handler(path: str) -> Any:
    """Return a handler by its name in the template, such as `rollout.handlers.panic.handler`."""
    parent, _, name = path.rpartition(".")
    return getattr(module(parent), name)


def module(name: str) -> Any:
    """Return a module of the packaged code."""
    return importlib.import_module(name)


def _forget() -> dict[str, Any]:
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}


class _Finder:
    """Finds the packaged code where Python would, and lets it be loaded without compiling it anew."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _CompiledOnce(spec.loader.name, spec.loader.path)
        return spec


class _CompiledOnce(SourceFileLoader):
    def get_code(self, _name: str) -> CodeType:
        return _compiled(Path(self.path), Path(self.path).stat().st_mtime_ns)


@cache
def _compiled(source: Path, _changed_at: int) -> CodeType:
    return compile(source.read_bytes(), source, "exec", dont_inherit=True)
