"""Reads JSON objects key by key. Each error is a sentence that says what is wrong."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Any


class RehearsalError(ValueError):
    """An input cannot be rehearsed. The message says why."""


_ABSENT = object()


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RehearsalError: when the file cannot be read, is not JSON, is nested too deep, or has a key twice in one object.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_with_single_keys)
    except OSError as error:
        raise RehearsalError(f"{path} cannot be read: {error.strerror}") from None
    except RecursionError:
        raise RehearsalError(f"{path} is nested too deep") from None
    except RehearsalError as error:
        raise RehearsalError(f"{path} {error}") from None
    except ValueError as error:
        raise RehearsalError(f"{path} is not JSON: {error}") from None


def _with_single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise RehearsalError(f"has the key {key} twice in one object")
        content[key] = value
    return content


class Reader:
    """One object of a file. `name`: what the error messages call it."""

    def __init__(self, content: object, name: str) -> None:
        if not isinstance(content, Mapping):
            raise RehearsalError(f"{name} must be an object, got {short(content)}")
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
        if not _is_number(value):
            raise RehearsalError(f"{self.name}: {key} must be a number, got {short(value)}")
        if not (least <= value <= most and value > above):
            raise RehearsalError(f"{self.name}: {key} must be {_limits(least, most, above)}, got {_written(value)}")
        return float(value)

    def optional_number(
        self, key: str, *, least: float = -math.inf, most: float = math.inf, above: float = -math.inf
    ) -> float | None:
        """Read a number that may be left out."""
        return self.number(key, least=least, most=most, above=above) if self.has(key) else None

    def number_or_range(self, key: str, *, least: float, most: float) -> tuple[float, float]:
        """Read a number, or a list of two numbers in rising order. Return the pair; one number counts twice."""
        value = self._value(key, _ABSENT)
        if not isinstance(value, list):
            number = self.number(key, least=least, most=most)
            return number, number
        ends = Reader(dict(zip(("least", "most"), value, strict=False)), f"{self.name}: {key}")
        low = ends.number("least", least=least, most=most)
        high = ends.number("most", least=low, most=most)
        if len(value) > 2:  # noqa: PLR2004 - the ends of a range
            raise RehearsalError(f"{self.name}: {key} must have two numbers, got {short(value)}")
        return low, high

    def whole(self, key: str, *, default: int | None = None, least: int, most: float = math.inf) -> int:
        """Read a whole number."""
        value = self.number(key, default=default, least=least, most=most)
        if value != int(value):
            raise RehearsalError(f"{self.name}: {key} must be a whole number, got {_written(value)}")
        return int(value)

    def text(self, key: str, *, default: str | None = None) -> str:
        """Read a text."""
        value = self._value(key, _ABSENT if default is None else default)
        if not isinstance(value, str):
            raise RehearsalError(f"{self.name}: {key} must be a text, got {short(value)}")
        return value

    def choice(self, key: str, allowed: Sequence[str], *, default: str | None = None) -> str:
        """Read a text that must be among the allowed ones."""
        value = self.text(key, default=default)
        if value not in allowed:
            raise RehearsalError(f"{self.name}: {key} must be one of {', '.join(allowed)}, got {value}")
        return value

    def has(self, key: str) -> bool:
        """Tell whether a key is there."""
        return self._note(key) in self._content

    def is_object(self, key: str) -> bool:
        """Tell whether the value of a key is an object."""
        return isinstance(self._content.get(self._note(key)), Mapping)

    def section(self, key: str, *, default: Mapping[str, Any] | None = None) -> "Reader":
        """Read an object."""
        return Reader(self._value(key, _ABSENT if default is None else default), f"{self.name}: {key}")

    def optional_sections(self, key: str) -> "list[Reader]":
        """Read a list of objects that may be left out."""
        return self.sections(key) if self.has(key) else []

    def sections(self, key: str) -> "list[Reader]":
        """Read a list of objects."""
        value = self._value(key, _ABSENT)
        if not isinstance(value, list):
            raise RehearsalError(f"{self.name}: {key} must be a list, got {short(value)}")
        return [Reader(item, f"{self.name}: {key}[{index}]") for index, item in enumerate(value)]

    def numbers(self, *, least: float, most: float = math.inf) -> dict[str, float]:
        """Read an object whose values are all numbers."""
        return {key: self.number(key, least=least, most=most) for key in self._content}

    def flat(self) -> dict[str, Any]:
        """Return the values of the object in one level; the values of inner objects are included."""
        flat: dict[str, Any] = {}
        for key, value in self._content.items():
            flat.update(value if isinstance(value, Mapping) else {key: value})
        return flat

    def refuse_unknown_keys(self) -> None:
        """Refuse keys that no method has read.

        Raises:
            RehearsalError: when there are such keys. It names them.
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


def _is_number(value: Any) -> bool:
    """Tell whether this is a finite number that fits into a float. Python's whole numbers can be larger than that."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


def _written(value: float) -> str:
    """Write a number in short form. Where rounding would hide the difference from a limit, write it in full.

    >>> _written(1e9), _written(-1), _written(2**53 + 1)
    ('1e+09', '-1', '9007199254740993')
    """
    rounded = f"{value:g}"
    return rounded if float(rounded) == value else short(value)


def _limits(least: float, most: float, above: float) -> str:
    parts = [
        f"{word} {_written(limit)}"
        for word, limit in (("above", above), ("at least", least), ("at most", most))
        if math.isfinite(limit)
    ]
    return " and ".join(parts)
