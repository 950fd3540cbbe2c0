"""Digests by which a deploy notices what changed: of what the template says, and of values that only AWS knows."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_SUBSTITUTED = re.compile(r"\$\{([^!.}][^.}]*)")
_PSEUDO = "AWS::"


@dataclass(frozen=True, kw_only=True)
class Digest:
    """The SHA-256 of a content, and the values in it that are known when it is deployed."""

    sha256: str
    values: list[Any]
    """References as the template has them; CloudFormation resolves them, and the guard adds them to the digest."""

    @classmethod
    def of(cls, content: Any, *, own: Collection[str] = ()) -> Digest:
        """Return the digest of a resolved content.

        What refers to a pseudo parameter (the same for the life of a stack) or to a resource among `own` (logical
        IDs) counts as it is written.
        """
        values = [value for value in _intrinsics(content) if _may_change(value, own)]
        return cls(sha256=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(), values=values)


def _may_change(intrinsic: Mapping[str, Any], own: Collection[str]) -> bool:
    names = set(_names(intrinsic))
    return any(not name.startswith(_PSEUDO) for name in names) and names.isdisjoint(own)


def _intrinsics(content: Any) -> Iterator[dict[str, Any]]:
    """Return the outermost intrinsic functions of a content.

    >>> list(_intrinsics({"image": {"Fn::Join": ["", ["a", {"Ref": "Tag"}]]}, "b": [{"Ref": "Other"}, 1]}))
    [{'Ref': 'Other'}, {'Fn::Join': ['', ['a', {'Ref': 'Tag'}]]}]
    """
    match content:
        case dict() if len(content) == 1 and _is_function(next(iter(content))):
            yield content
        case dict():
            for name in sorted(content):
                yield from _intrinsics(content[name])
        case list():
            for item in content:
                yield from _intrinsics(item)


def _is_function(name: str) -> bool:
    return name == "Ref" or name.startswith("Fn::")


def _names(content: Any) -> Iterator[str]:
    """Return what an intrinsic function refers to; an export of another stack by the name of the function.

    >>> sorted(_names({"Fn::Sub": "${AWS::Region}-${Models.Arn}-${Tag}"}))
    ['AWS::Region', 'Models', 'Tag']
    >>> list(_names({"Fn::Join": ["/", [{"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn"]}]]}))
    ['A', 'B']
    >>> list(_names({"Fn::ImportValue": "models"}))
    ['Fn::ImportValue']
    """
    match content:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from _SUBSTITUTED.findall(text)
        case {"Fn::Sub": [str(text), named]}:
            yield from [*_SUBSTITUTED.findall(text), *_names(named)]
        case {"Fn::If": [str(condition), *branches]}:
            yield from [condition, *_names(branches)]
        case {"Fn::ImportValue": _}:
            yield "Fn::ImportValue"
        case dict():
            for item in content.values():
                yield from _names(item)
        case list():
            for item in content:
                yield from _names(item)
