"""What the endpoint model needs of the machines behind a variant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Instance(Protocol):
    """One machine that serves one variant's model."""

    def retire(self) -> None:
        """Finish what was accepted, then end; nothing new is sent to it after this call."""
        ...


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """A request for instances.

    Attributes:
        container: the model's container definition, as `CreateModel` takes it.
    """

    endpoint_name: str
    variant_name: str
    container: Mapping[str, Any]
    count: int


@dataclass(frozen=True, kw_only=True)
class LaunchResult:
    """The instances that came, or the reason why none did, in SageMaker's words."""

    instances: Sequence[Instance] = ()
    failure: str | None = None


class InstanceHost(Protocol):
    """Launches instances."""

    def launch(self, order: LaunchOrder, settled: Callable[[LaunchResult], None]) -> None:
        """Start the instances and call `settled` once, when all of them serve or one of them cannot."""
        ...


class SimulatedInstance:
    """A machine that exists in name only."""

    def retire(self) -> None:
        """End."""


class SimulatedHost:
    """Launches simulated instances at once; containers that were declared broken fail.

    Attributes:
        broken: the failure by `ModelDataUrl`.
    """

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}

    def launch(self, order: LaunchOrder, settled: Callable[[LaunchResult], None]) -> None:
        """Settle before returning."""
        failure = self.broken.get(order.container.get("ModelDataUrl", ""))
        if failure is None:
            settled(LaunchResult(instances=[SimulatedInstance() for _ in range(order.count)]))
        else:
            settled(LaunchResult(failure=failure))
