"""Says what is wrong with a call whose arguments have no place in it."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from canary_construct.border.not_for import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from inspect import Signature


def misuse(title: str, signature: Signature, named: Mapping[str, Any]) -> str | None:
    """Return why a call does not fit a signature; `None` when Python's own sentence has to do.

    >>> from inspect import signature
    >>> def step(*, percent: int, bake: int = 0) -> None: ...
    >>> misuse("step", signature(step), {"percnt": 5})
    'step has no argument percnt; did you mean percent?'
    >>> misuse("step", signature(step), {"colour": 5})
    'step has no argument colour; it has percent and bake'
    >>> misuse("step", signature(step), {})
    'step needs percent'
    """
    by_name = [parameter for parameter in signature.parameters.values() if parameter.kind is Parameter.KEYWORD_ONLY]
    known = [name for name, parameter in signature.parameters.items() if parameter.kind is not Parameter.VAR_POSITIONAL]
    for name, value in named.items():
        if name not in known:
            return refusal(name, value) or _unknown(title, name, [each for each in known if each != "self"])
    missing = [each.name for each in by_name if each.default is Parameter.empty and each.name not in named]
    return f"{title} needs {_listed(missing)}" if missing else None


def _unknown(title: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"{title} has no argument {name}; " + (f"did you mean {near[0]}?" if near else f"it has {_listed(known)}")


def _listed(names: list[str]) -> str:
    *first, last = names or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
