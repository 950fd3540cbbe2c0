"""Lists that may grow until the template is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import IStableListProducer, Lazy

if TYPE_CHECKING:
    from collections.abc import Callable


@jsii.implements(IStableListProducer)
class _Producer:
    def __init__(self, produce: Callable[[], list[str]]) -> None:
        self._produce = produce

    def produce(self) -> list[str]:
        """Return the list as it is when the template is rendered."""
        return self._produce()


def late_list(produce: Callable[[], list[str]]) -> list[str]:
    """Return a token that stands for the list."""
    return Lazy.list(_Producer(produce))
