"""Lists that are answered page by page."""

from collections.abc import Mapping, Sequence
from typing import Any

_DEFAULT_ROWS = 100


def page(member: str, rows: Sequence[Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page that `MaxResults` and `NextToken` ask for, with its rows under `member`.

    >>> page("Models", ["a", "b", "c"], {"MaxResults": 2})
    {'Models': ['a', 'b'], 'NextToken': '2'}
    >>> page("Models", ["a", "b", "c"], {"MaxResults": 2, "NextToken": "2"})
    {'Models': ['c']}
    """
    start = int(request.get("NextToken") or 0)
    end = start + int(request.get("MaxResults") or _DEFAULT_ROWS)
    answer: dict[str, Any] = {member: list(rows[start:end])}
    if end < len(rows):
        answer["NextToken"] = str(end)
    return answer
