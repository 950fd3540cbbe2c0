"""Says what is wrong with a call whose arguments have no place in it."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from canary_construct.border.not_for import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from inspect import Signature

MOST_LISTED = 12
"""Arguments in a sentence; of more, nobody reads it."""


def misuse(title: str, signature: Signature, positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return why a call does not fit a signature.

    >>> from inspect import signature
    >>> def step(scope: str, *, percent: int, bake: int = 0) -> None: ...
    >>> misuse("step", signature(step), ["s"], {"percnt": 5})
    'step has no argument percnt; did you mean percent?'
    >>> misuse("step", signature(step), ["s"], {"colour": 5})
    'step has no argument colour; it has scope, percent and bake'
    >>> misuse("step", signature(step), [], {})
    'step needs scope and percent'
    >>> misuse("step", signature(step), ["s", 5], {})
    'step takes percent and what follows it by name only: write percent=…'
    """
    parameters = [each for each in signature.parameters.values() if each.name not in {"self", "cls"}]
    known = [each.name for each in parameters]
    for name, value in named.items():
        if name not in known:
            return refusal(name, value) or _unknown(title, name, known)
    in_order = [each for each in signature.parameters.values() if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    by_name = [each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY]
    if len(positional) > len(in_order) and by_name:
        return f"{title} takes {by_name[0]} and what follows it by name only: write {by_name[0]}=…"
    taken = {*named, *(each.name for each in in_order[: len(positional)])}
    missing = [each.name for each in parameters if each.default is Parameter.empty and each.name not in taken]
    return f"{title} needs {_listed(missing)}" if missing else f"{title} was given an argument twice or one too many"


def _unknown(title: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"{title} has no argument {name}; did you mean {near[0]}?"
    others = _listed(known) if len(known) <= MOST_LISTED else f"{len(known)} others, which help({title}) explains"
    return f"{title} has no argument {name}; it has {others}"


def _listed(names: list[str]) -> str:
    *first, last = names or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
