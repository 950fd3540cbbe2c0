"""Values and types in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import FunctionType, MethodType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from aws_cdk import Duration

from canary_construct.border.deploy_time import is_deploy_time

_LONGEST = 60
_MOST_NAMES = 7
"""Of an enumeration that are all told: the days of a week."""
_SIMPLE = {str: "text", int: "whole number", float: "number", bytes: "bytes"}


def allowed(hint: Any) -> str:
    """Return what an annotation allows.

    >>> allowed(str | None), allowed(Sequence[bytes | str]), allowed(Mapping[str, str])
    ('a text or left out', 'a list of bytes or texts', 'a mapping from texts to texts')
    """
    match get_origin(hint) or hint:
        case origin if origin in {Union, UnionType}:
            words = " or ".join(allowed(each) for each in get_args(hint))
        case origin if origin in {None, NoneType}:
            words = "left out"
        case origin if origin is bool:
            words = "True or False"
        case origin if origin is Mapping:
            keys, values = get_args(hint)
            words = f"a mapping from {_several(keys)} to {_several(values)}"
        case origin if origin in {Sequence, list, tuple}:
            words = f"a list of {_several(get_args(hint)[0])}"
        case origin if isinstance(origin, type) and issubclass(origin, Enum):
            words = _one_of(origin)
        case origin:
            name = _SIMPLE.get(origin) or _name(origin)
            words = name if name == "bytes" else f"{_article(name)} {name}"
    return words


def described(value: object) -> str:
    """Return what was given, in a few words.

    >>> described("x"), described(None), described([1, 2]), described(int)
    ("the text 'x'", 'None', 'a list of 2', 'the class int')
    """
    match value:
        case str():
            words = f"the text {_short(value)}"
        case Enum():
            words = f"{type(value).__name__}.{value.name}"
        case _ if is_deploy_time(value):
            words = "a value of deploy time (a token)"
        case None | bool() | int() | float() | bytes():
            words = _short(value)
        case list() | tuple():
            words = f"a list of {len(value)}"
        case type():
            words = f"the class {value.__name__}"
        case _ if isinstance(value, FunctionType | MethodType):
            words = f"the function {value.__name__}"
        case _:
            words = f"{_article(_name(type(value)))} {_name(type(value))}"
    return words


def advice(value: object, wanted: Any) -> str:
    """Return what a person who gave this and not what is wanted probably means, as the end of a sentence.

    >>> advice(1800, Duration)
    '; write Duration.seconds(1800) if you mean seconds'
    """
    if wanted is Duration and isinstance(value, int | float) and not isinstance(value, bool):
        return f"; write Duration.seconds({_short(value)}) if you mean seconds"
    if isinstance(value, str) and getattr(wanted, "_is_protocol", False):
        return f"; {_name(wanted)[1:]}.from_… makes one of a name or an ARN"
    if value is wanted and isinstance(value, type) and not issubclass(value, Enum):
        return f"; make one with {value.__name__}(…)"
    return ""


def _one_of(kind: type[Enum]) -> str:
    names = [f"{kind.__name__}.{each.name}" for each in kind]
    return f"one of {', '.join(names)}" if len(names) <= _MOST_NAMES else f"a {kind.__name__} such as {names[0]}"


def _several(hint: Any) -> str:
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(_several(each) for each in get_args(hint))
    name = _SIMPLE.get(hint)
    return _name(hint) if name is None else name if name == "bytes" else f"{name}s"


def _name(hint: Any) -> str:
    """Return the name of a type as code has it; what the CDK returns behind an interface has that one's."""
    return str(getattr(hint, "__name__", hint)).removeprefix("_").removesuffix("Proxy")


def _article(name: str) -> str:
    is_spelled = name[1:2].isupper() or name[1:2].isdigit()
    return "an" if name[:1].upper() in ("AEFHILMNORSX" if is_spelled else "AEIOU") else "a"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
