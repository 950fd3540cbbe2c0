"""Copies of plain data, many times as fast as the module `copy` makes them."""

import copy
import marshal
from typing import Any


class PlainCopies:
    """Stands in for the module `copy` in the emulator, which copies JSON at every call."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        """Return a deep copy.

        >>> original = {"steps": [{"percent": 10}]}
        >>> copied = PlainCopies.deepcopy(original)
        >>> copied == original, copied["steps"][0] is original["steps"][0]
        (True, False)
        """
        try:
            return marshal.loads(marshal.dumps(value))  # noqa: S302  # written in the same line
        except ValueError:  # not plain data
            return copy.deepcopy(value)

    def __getattr__(self, name: str) -> Any:
        """Leave everything else as it is."""
        return getattr(copy, name)
