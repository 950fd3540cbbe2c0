"""Checks the arguments of everything public, before any of them goes to the CDK."""

from __future__ import annotations

import inspect
import re
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from jsii.errors import JavaScriptError

from canary_construct.border.calls import misuse
from canary_construct.border.types_in import types_in
from canary_construct.border.values import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Public = TypeVar("Public", bound="Callable[..., Any]")
_KIND = re.compile(r"^[A-Z]\w*: ")


def checked(*, deploy_time: Collection[str] = ()) -> Callable[[Public], Public]:
    """Let a class or a function refuse arguments that do not fit their annotations, with a sentence for each.

    Of a class: its constructor, its factories and its public methods. Numbers and durations must be known at synth,
    since plans are computed from them; `deploy_time` names those that may be CloudFormation's. Booleans are no numbers,
    a text is no list, no number is infinite, and a text that may be left out is not empty. What the CDK refuses by
    itself, such as a second construct of one ID, is told in its own sentence, without its stack of JavaScript.

    Raises:
        TypeError: when an argument is of another type, unknown or missing.
        ValueError: when a number is not finite, a duration has parts of a second, a value is known at deploy time only,
            or the CDK refuses something.
    """

    def decorate(public: Public) -> Public:
        if not isinstance(public, type):
            return _checking(public, public.__name__, deploy_time)  # type: ignore[return-value]  # the same signature
        for name, member in list(vars(public).items()):
            if name == "__init__":
                setattr(public, name, _checking(member, public.__name__, deploy_time))
            elif not name.startswith("_"):
                _check_member(public, name, member, deploy_time)
        return public

    return decorate


def _check_member(public: type, name: str, member: object, deploy_time: Collection[str]) -> None:
    """Check a factory or a method; properties and values are left alone."""
    title = f"{public.__name__}.{name}"
    if isinstance(member, classmethod | staticmethod):
        setattr(public, name, type(member)(_checking(member.__func__, title, deploy_time)))
    elif inspect.isfunction(member):
        setattr(public, name, _checking(member, title, deploy_time))


def _checking(function: Callable[..., Any], title: str, deploy_time: Collection[str]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    types = cache(lambda: types_in(function))

    @wraps(function)
    def checking(*positional: Any, **named: Any) -> Any:
        try:
            arguments = signature.bind(*positional, **named).arguments
        except TypeError:
            raise TypeError(misuse(title, signature, positional, named)) from None
        for name, value in arguments.items():
            if name in types():
                is_many = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                for each in value if is_many else [value]:
                    _check(f"{name} of {title}", each, types()[name], may_be_token=name in deploy_time)
        try:
            return function(*positional, **named)
        except RuntimeError as error:
            if not isinstance(error.__cause__, JavaScriptError):
                raise
            raise ValueError(f"{title}: {_sentence(error)}") from None

    return checking


def _sentence(error: RuntimeError) -> str:
    """Return what the CDK says, without the name of the kind of error that it begins with, in one line."""
    return " ".join(_KIND.sub("", str(error)).split())


def _check(title: str, value: object, hint: object, *, may_be_token: bool) -> None:
    found = problem(value, hint, may_be_token=may_be_token)
    if found is not None:
        raise found.kind(f"{title} must {found.sentence}")
