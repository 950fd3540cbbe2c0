"""Changes to the emulator and to the environment of this process, which can be undone."""

import os
from collections.abc import Callable
from typing import Any


class Patches:
    """Replaces values, remembers the old ones, and restores them in reverse order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def attribute(self, owner: Any, name: str, value: object) -> None:
        """Replace `owner.name`.

        Raises:
            AttributeError: `owner` has no such attribute, for example since another version of ministack renamed it.
        """
        before = getattr(owner, name)
        setattr(owner, name, value)
        self._undo.append(lambda: setattr(owner, name, before))

    def item(self, table: dict[Any, Any], key: object, value: object) -> None:
        """Set `table[key]`. The key may be new."""
        missing = object()
        before = table.get(key, missing)
        table[key] = value
        self._undo.append(lambda: table.pop(key, None) if before is missing else table.update({key: before}))

    def variable(self, name: str, value: str | None) -> None:
        """Set an environment variable, or remove it with `None`."""
        before = os.environ.get(name)
        _set_variable(name, value)
        self._undo.append(lambda: _set_variable(name, before))

    def on_undo(self, action: Callable[[], None]) -> None:
        """Run `action` when the patches are undone."""
        self._undo.append(action)

    def undo(self) -> None:
        """Restore everything. A second call does nothing."""
        while self._undo:
            self._undo.pop()()


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
