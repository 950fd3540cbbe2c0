"""Lazy values: what they stand for is asked when the template is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import IResolvable, IStableAnyProducer, IStableListProducer, Lazy

if TYPE_CHECKING:
    from collections.abc import Callable


@jsii.implements(IStableListProducer)
class _ListProducer:
    def __init__(self, produce: Callable[[], list[str]]) -> None:
        self._produce = produce

    def produce(self) -> list[str]:
        """Return the list as it is when the template is rendered."""
        return self._produce()


@jsii.implements(IStableAnyProducer)
class _ValueProducer:
    def __init__(self, produce: Callable[[], Any]) -> None:
        self._produce = produce

    def produce(self) -> Any:
        """Return the value as it is when the template is rendered."""
        return self._produce()


def lazy_list(produce: Callable[[], list[str]]) -> list[str]:
    """Return a token that stands for a list of texts."""
    return Lazy.list(_ListProducer(produce))


def lazy_value(produce: Callable[[], Any]) -> IResolvable:
    """Return a token that stands for any JSON value."""
    return Lazy.any(_ValueProducer(produce))
