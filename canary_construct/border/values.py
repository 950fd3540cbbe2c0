"""Compares a value with an annotation, and says in words what was given and what is allowed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from aws_cdk import Duration, Size, SizeRoundingBehavior

from canary_construct.border.deploy_time import has_members, is_deploy_time
from canary_construct.border.words import advice, allowed, described

_NUMBERS = (int, float)
_LISTS = (Sequence, list, tuple)


@dataclass(frozen=True)
class Problem:
    """Why a value is refused: `sentence` goes on after "must"."""

    kind: type[Exception]
    sentence: str


def problem(value: object, hint: object, *, may_be_token: bool = False) -> Problem | None:
    """Return why a value does not fit an annotation; `None` when it does.

    >>> problem(True, int).sentence
    'be a whole number, got True'
    >>> problem("0.5", float | None).sentence
    "be a number or left out, got the text '0.5'"
    >>> problem([1, "2"], Sequence[int]).sentence
    "be a list of whole numbers, got the text '2' in it"
    >>> problem(float("nan"), float).sentence
    'be a finite number, got nan'
    >>> problem([5, 50], Sequence[float]) is None
    True
    >>> problem(Duration.millis(1500), Duration).sentence
    'be a whole number of seconds, got 1.5'
    >>> problem("", str | None).sentence
    'be left out or say something, got an empty text'
    """
    if is_deploy_time(value) and _takes_known(hint):
        return None if may_be_token else Problem(ValueError, "be known at synth, got a value of deploy time (a token)")
    if not _fits(value, hint):
        return Problem(TypeError, f"be {allowed(hint)}, got {_what(value, hint)}{_advice(value, hint)}")
    refusal = _odd_number(value) or _odd_unit(value) or _no_text(value, hint)
    return None if refusal is None else Problem(ValueError, refusal)


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, TypeVar) or hint in {Any, object}:
        return True
    match get_origin(hint) or hint:
        case origin if origin in {Union, UnionType}:
            fits = any(_fits(value, each) for each in get_args(hint))
        case origin if origin in _LISTS:
            fits = _is_list(value) and all(_fits(each, get_args(hint)[0]) for each in value)
        case origin if origin is Mapping:
            keys, values = get_args(hint)
            fits = isinstance(value, Mapping) and all(_fits(key, keys) for key in value)
            fits = fits and all(_fits(item, values) for item in value.values())
        case origin if origin in {int, float}:
            fits = isinstance(value, int if hint is int else _NUMBERS) and not isinstance(value, bool)
        case origin if _is_interface(origin):
            fits = has_members(value, origin)
        case origin:
            fits = value is None if origin in {None, NoneType} else isinstance(value, origin)
    return fits


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _what(value: Any, hint: Any) -> str:
    """Describe a value, or the first item of a list that should not be in it."""
    for each in get_args(hint) if get_origin(hint) in {Union, UnionType} else [hint]:
        if get_origin(each) in _LISTS and _is_list(value):
            inner = get_args(each)[0]
            return next(f"{described(item)} in it" for item in value if not _fits(item, inner))
    return described(value)


def _advice(value: object, hint: Any) -> str:
    """Return what a person who gave this probably wants to write, as the end of a sentence."""
    options = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    if any(get_origin(each) in _LISTS and _fits(value, get_args(each)[0]) for each in options):
        return "; put it into a list"
    return next(filter(None, (advice(value, each) for each in options)), "")


def _numbers_in(value: Any) -> list[float]:
    items = list(value) if _is_list(value) else [value]
    return [item for item in items if isinstance(item, int | float)]


def _odd_number(value: object) -> str | None:
    """Refuse what is not finite."""
    odd = next((number for number in _numbers_in(value) if not abs(number) <= sys.float_info.max), None)
    return None if odd is None else f"be a finite number, got {described(odd)}"


def _odd_unit(value: object) -> str | None:
    """Refuse a part of the unit in which AWS takes durations and sizes; the CDK would say it with its stack."""
    match value:
        case Duration():
            amount, unit = value.to_seconds(integral=False), "seconds"
        case Size():
            amount, unit = value.to_gibibytes(rounding=SizeRoundingBehavior.NONE), "GiB"
        case _:
            return None
    return None if float(amount).is_integer() else f"be a whole number of {unit}, got {amount:g}"


def _no_text(value: object, hint: Any) -> str | None:
    """Refuse an empty text where it can be left out: a variable that nobody has set, as a rule."""
    is_optional = {str, NoneType} <= set(get_args(hint))
    is_empty = isinstance(value, str) and not value.strip()
    return "be left out or say something, got an empty text" if is_optional and is_empty else None


def _takes_known(hint: Any) -> bool:
    """Tell whether an annotation is of something that plans are computed from."""
    return any(each in {int, float, bool, Duration, Size} for each in (hint, *get_args(hint)))


def _is_interface(hint: Any) -> bool:
    """Tell whether a type is an interface of the CDK."""
    return bool(getattr(hint, "_is_protocol", False))
