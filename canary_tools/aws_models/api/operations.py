"""The shape of every operation: a request in, an answer out, both as plain dictionaries.

Members are spelled as in the API, times are seconds since the epoch.
"""

from collections.abc import Callable, Mapping
from typing import Any

Request = Mapping[str, Any]
Operation = Callable[[Request], dict[str, Any]]
