"""Reads JSON objects key by key, and says in a sentence what is wrong with them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


class RehearsalError(ValueError):
    """An input that cannot be rehearsed, with the sentence that says why."""


_ABSENT = object()


class Reader:
    """One object of a file. `name` is what the sentences call it."""

    def __init__(self, content: object, name: str) -> None:
        if not isinstance(content, Mapping):
            raise RehearsalError(f"{name} must be an object, got {content!r}")
        self._content = content
        self._read: list[str] = []
        self.name = name

    def number(
        self,
        key: str,
        *,
        default: float | None = None,
        least: float = -math.inf,
        most: float = math.inf,
        above: float = -math.inf,
    ) -> float:
        """Read a finite number between its limits."""
        value = self._value(key, _ABSENT if default is None else default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number:
            raise RehearsalError(f"{self.name}: {key} must be a number, got {value!r}")
        if not (least <= value <= most and value > above):
            raise RehearsalError(f"{self.name}: {key} must be {_limits(least, most, above)}, got {value:g}")
        return float(value)

    def optional_number(self, key: str, *, above: float = -math.inf) -> float | None:
        """Read a number that may be left out."""
        return self.number(key, above=above) if self._note(key) in self._content else None

    def whole(self, key: str, *, default: int, least: int) -> int:
        """Read a whole number."""
        value = self.number(key, default=default, least=least)
        if value != int(value):
            raise RehearsalError(f"{self.name}: {key} must be a whole number, got {value:g}")
        return int(value)

    def text(self, key: str, *, default: str | None = None) -> str:
        """Read a text."""
        value = self._value(key, _ABSENT if default is None else default)
        if not isinstance(value, str):
            raise RehearsalError(f"{self.name}: {key} must be a text, got {value!r}")
        return value

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """Read one of some texts."""
        value = self.text(key)
        if value not in allowed:
            raise RehearsalError(f"{self.name}: {key} must be one of {', '.join(allowed)}, got {value}")
        return value

    def section(self, key: str, *, default: Mapping[str, Any] | None = None) -> "Reader":
        """Read an object."""
        return Reader(self._value(key, _ABSENT if default is None else default), f"{self.name}: {key}")

    def sections(self, key: str) -> "list[Reader]":
        """Read a list of objects that may be left out."""
        value = self._value(key, [])
        if not isinstance(value, list):
            raise RehearsalError(f"{self.name}: {key} must be a list, got {value!r}")
        return [Reader(item, f"{self.name}: {key}[{index}]") for index, item in enumerate(value)]

    def numbers(self, *, least: float) -> dict[str, float]:
        """Read an object whose values are all numbers."""
        return {key: self.number(key, least=least) for key in self._content}

    def flat(self) -> dict[str, float]:
        """Return the numbers of an object that was read, those of inner objects included."""
        flat: dict[str, float] = {}
        for key, value in self._content.items():
            flat.update(value if isinstance(value, Mapping) else {key: value})
        return flat

    def refuse_unknown_keys(self) -> None:
        """Refuse keys that nobody asked for.

        Raises:
            RehearsalError: with their names.
        """
        unknown = [key for key in self._content if key not in self._read]
        if unknown:
            raise RehearsalError(
                f"{self.name} has unknown keys: {', '.join(sorted(unknown))}; known are {', '.join(self._read)}"
            )

    def _value(self, key: str, default: object) -> Any:
        value = self._content.get(self._note(key), default)
        if value is _ABSENT:
            raise RehearsalError(f"{self.name} needs {key}")
        return value

    def _note(self, key: str) -> str:
        if key not in self._read:
            self._read.append(key)
        return key


def _limits(least: float, most: float, above: float) -> str:
    parts = [
        f"{word} {limit:g}"
        for word, limit in (("above", above), ("at least", least), ("at most", most))
        if math.isfinite(limit)
    ]
    return " and ".join(parts)
