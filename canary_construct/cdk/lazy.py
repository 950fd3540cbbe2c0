"""Lazy values: what they stand for is asked when the template is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import IAnyProducer, IResolvable, IStableAnyProducer, IStableListProducer, Lazy

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import IResolveContext


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


@jsii.implements(IAnyProducer)
class _RenderedProducer:
    def __init__(self, produce: Callable[[], Any]) -> None:
        self._produce = produce

    def produce(self, context: IResolveContext) -> Any:
        """Return nothing while the app is prepared: references between stacks have no names yet."""
        return None if context.preparing else self._produce()


def lazy_list(produce: Callable[[], list[str]]) -> list[str]:
    """Return a token that stands for a list of texts."""
    return Lazy.list(_ListProducer(produce))


def lazy_value(produce: Callable[[], Any]) -> IResolvable:
    """Return a token that stands for any JSON value."""
    return Lazy.any(_ValueProducer(produce))


def rendered_value(produce: Callable[[], Any]) -> IResolvable:
    """Return a token that stands for a value which is made of other parts of the finished template."""
    return Lazy.uncached_any(_RenderedProducer(produce))
