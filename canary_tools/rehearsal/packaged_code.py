"""The handlers as they were packed: imported from the asset beside the template, with the virtual clock inside."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from canary_tools.rehearsal.replay import make_shipped_code_importable

PACKAGE = "rollout"


@contextmanager
def packaged_code(folder: Path | None) -> Iterator[None]:
    """Import `rollout` from this folder (or as shipped with this package), fresh, until the end of the block.

    No byte code is written: what lies in the folder is what the CDK uploads.
    """
    before = _forget()
    wrote_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    path = list(sys.path)
    if folder is None:
        make_shipped_code_importable()
    else:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        _forget()
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


def _forget() -> dict[str, Any]:
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}
