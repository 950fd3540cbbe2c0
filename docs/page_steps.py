"""What a reader of a page does, step by step: files to write, words to change, commands to type.

A page says it in these ways, and in no other:

- a paragraph that begins with a file's name in code, or has it before a colon at its end, is followed by that file
- "In `file`, change `old` to `new`" is a change
- each line of a `bash` block is a command; after a paragraph with "a terminal of its own" it runs until Ctrl-C
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^`([\w./-]+\.\w+)`(?=[,:])|`([\w./-]+\.\w+)`:$")
_CHANGE = re.compile(r"\bIn `([^`]+)`, change `([^`]+)` to `([^`]+)`")
_UNTIL_INTERRUPTED = "a terminal of its own"


@dataclass(frozen=True, kw_only=True)
class Write:
    """A file that the page shows."""

    path: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """Words of a file that the page wants in another form."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """A command that ends by itself, or one that runs until Ctrl-C in a terminal of its own."""

    command: str
    until_interrupted: bool = False


Step = Write | Change | Run


def steps(page: str) -> Iterator[Step]:
    r"""Yield what the page tells its reader to do, in its order.

    >>> list(steps("In `a.py`, change `1` to `2`. `b.json`:\n\n```json\n{}\n```\n"))
    [Change(path='a.py', old='1', new='2'), Write(path='b.json', content='{}\n')]
    >>> list(steps("In a terminal of its own:\n\n```bash\nserve\n```\n"))
    [Run(command='serve', until_interrupted=True)]

    Raises:
        ValueError: a block is neither a file nor commands.
    """
    end = 0
    for fence in _FENCE.finditer(page):
        before, end = page[end : fence.start()], fence.end()
        yield from _changes(before)
        yield from _block(*fence.groups(), above=before.strip().split("\n\n")[-1])
    yield from _changes(page[end:])


def _changes(prose: str) -> Iterator[Change]:
    yield from (Change(path=path, old=old, new=new) for path, old, new in _CHANGE.findall(prose))


def _block(language: str, body: str, *, above: str) -> Iterator[Step]:
    if language == "bash":
        until_interrupted = _UNTIL_INTERRUPTED in above
        yield from (Run(command=line, until_interrupted=until_interrupted) for line in body.splitlines())
        return
    named = _FILE.search(above)
    if named is None:
        raise ValueError(f"a block is neither commands nor a file that the paragraph above it names: {body[:60]!r}")
    yield Write(path=named[1] or named[2], content=body)
