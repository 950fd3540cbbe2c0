"""Instances: the machines that serve a variant, and the host that launches them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Instance(Protocol):
    """One machine that serves the model of one variant."""

    def retire(self) -> None:
        """Finish the accepted requests, then end. The caller sends no request after this call."""
        ...


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """An order to launch instances.

    Attributes:
        containers: the container definitions of the model, in the form of `CreateModel`; several are a pipeline.
        role: the ARN of the model's execution role, which must still be able to read its archive.
    """

    endpoint_name: str
    variant_name: str
    containers: Sequence[Mapping[str, Any]]
    role: str
    count: int


@dataclass(frozen=True, kw_only=True)
class LaunchResult:
    """The launched instances, or the `FailureReason` if none could be launched."""

    instances: Sequence[Instance] = ()
    failure: str | None = None


class InstanceHost(Protocol):
    """Launches instances."""

    def launch(self, order: LaunchOrder, settled: Callable[[LaunchResult], None]) -> None:
        """Start the instances. Call `settled` once, when all of them are in service or one has failed."""
        ...


class SimulatedInstance:
    """An instance that does nothing."""

    def retire(self) -> None:
        """Do nothing: there is no machine."""


class SimulatedHost:
    """Launches simulated instances at once. Containers that are listed as broken fail.

    Attributes:
        broken: the `FailureReason` of each broken container, by its `ModelDataUrl`.
    """

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}

    def launch(self, order: LaunchOrder, settled: Callable[[LaunchResult], None]) -> None:
        """Call `settled` before returning."""
        urls = [container.get("ModelDataUrl", "") for container in order.containers]
        failure = next((self.broken[url] for url in urls if url in self.broken), None)
        if failure is None:
            settled(LaunchResult(instances=[SimulatedInstance() for _ in range(order.count)]))
        else:
            settled(LaunchResult(failure=failure))
