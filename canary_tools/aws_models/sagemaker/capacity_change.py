"""A change of weights or instance counts of the fleet in service."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.barrier import Barrier
from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status
from canary_tools.aws_models.sagemaker.fleet_deployment import INSUFFICIENT_CAPACITY
from canary_tools.aws_models.sagemaker.instances import Instance, InstanceHost, LaunchOrder, LaunchResult
from canary_tools.aws_models.sagemaker.ordered_faults import OrderedFaults
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.aws_models.sagemaker.variants import Variant, retire_all, single_precision
from canary_tools.clock import Clock


class CapacityChange:
    """One update of weights and counts. It ends with the new values, or with the old ones if it fails."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        weights: Mapping[str, float],
        counts: Mapping[str, int],
        clock: Clock,
        host: InstanceHost,
        timing: Timing,
        faults: OrderedFaults,
        containers_of: Callable[[str], Sequence[Mapping[str, Any]]],
        role_of: Callable[[str], str],
        set_status: Callable[[Endpoint, Status], None],
    ) -> None:
        assert endpoint.fleet is not None
        self._endpoint = endpoint
        self._variants = endpoint.fleet.variants
        self._weights = weights
        self._counts = counts
        self._clock = clock
        self._host = host
        self._timing = timing
        self._faults = faults
        self._containers_of = containers_of
        self._role_of = role_of
        self._set_status = set_status
        self._arrived: dict[str, list[Instance]] = {}

    def start(self) -> None:
        """Record the desired weights and counts, and launch the missing instances."""
        for name, weight in self._weights.items():
            self._variants[name].desired_weight = single_precision(weight)
        for name, count in self._counts.items():
            self._variants[name].desired_count = count
        growing = [self._variants[name] for name in self._counts if _missing(self._variants[name]) > 0]
        complete = Barrier(parties=len(growing) + 1, then=self._end)
        self._clock.call_at(self._clock.now() + self._seconds(), complete.arrive)
        for variant in growing:
            self._grow(variant, complete)

    def _seconds(self) -> float:
        if not self._counts:
            return self._timing.weight_update_seconds
        waits = [self._faults.stalled.get((self._endpoint.name, name)) for name in self._counts]
        return max([self._timing.instance_launch_seconds, *(wait for wait in waits if wait is not None)])

    def _grow(self, variant: Variant, complete: Barrier) -> None:
        def settled(result: LaunchResult) -> None:
            self._arrived[variant.name] = list(result.instances)
            if result.failure is not None:
                self._endpoint.failure_reason = result.failure
            complete.arrive()

        if (self._endpoint.name, variant.name) in self._faults.stalled:
            settled(LaunchResult(failure=INSUFFICIENT_CAPACITY))
            return
        try:
            containers = self._containers_of(variant.model_name)
        except ApiError as error:
            settled(LaunchResult(failure=error.message))
            return
        order = LaunchOrder(
            endpoint_name=self._endpoint.name, variant_name=variant.name, containers=containers,
            role=self._role_of(variant.model_name), count=_missing(variant),
        )  # fmt: skip
        self._host.launch(order, settled)

    def _end(self) -> None:
        if self._faults.take_weight_rollback(self._endpoint.name):
            self._set_status(self._endpoint, Status.ROLLING_BACK)
            for variant in self._variants.values():
                variant.desired_weight = variant.current_weight
            self._clock.call_at(self._clock.now() + self._timing.weight_update_seconds, self._settle)
        else:
            self._settle()

    def _settle(self) -> None:
        for variant in self._variants.values():
            variant.current_weight = variant.desired_weight
            variant.instances += self._arrived.get(variant.name, [])
            surplus = variant.instances[variant.desired_count :]
            variant.instances = variant.instances[: variant.desired_count]
            variant.desired_count = variant.current_count
            retire_all(surplus)
        self._set_status(self._endpoint, Status.IN_SERVICE)


def _missing(variant: Variant) -> int:
    return variant.desired_count - variant.current_count
