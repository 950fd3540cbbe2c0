"""The deployment of a fleet: launch its instances, wait, then put it into service step by step, or give up."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canary_tools.aws_models.sagemaker.barrier import Barrier
from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status
from canary_tools.aws_models.sagemaker.fleet_swap import FleetSwap, SwapPlan
from canary_tools.aws_models.sagemaker.instances import InstanceHost, LaunchOrder, LaunchResult
from canary_tools.aws_models.sagemaker.ordered_faults import OrderedFaults, UpdateFailure
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.aws_models.sagemaker.variants import Fleet
from canary_tools.clock import Clock

INSUFFICIENT_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


class FleetDeployment:
    """One fleet that is being put into service.

    The old fleet serves until the new one is complete, and both serve while the requests move. If the new fleet fails,
    an endpoint that is being updated returns to `InService` on its old config without an error; `FailureReason` says
    why until the next update. An endpoint that is being created ends as `Failed`. If an alarm stops the update, the
    endpoint is `RollingBack` in between.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        fleet: Fleet,
        *,
        clock: Clock,
        host: InstanceHost,
        timing: Timing,
        faults: OrderedFaults,
        plan: SwapPlan,
        alarm_state: Callable[[str], str | None],
        reason_is_told: bool,
        containers_of: Callable[[str], Sequence[Mapping[str, Any]]],
        role_of: Callable[[str], str],
        set_status: Callable[[Endpoint, Status], None],
    ) -> None:
        self._endpoint = endpoint
        self._fleet = fleet
        self._clock = clock
        self._host = host
        self._timing = timing
        self._faults = faults
        self._plan = plan
        self._alarm_state = alarm_state
        self._reason_is_told = reason_is_told
        self._began = clock.now()
        self._containers_of = containers_of
        self._role_of = role_of
        self._set_status = set_status
        self._failures: list[str] = []

    def start(self) -> None:
        """Launch the instances of every variant. The deployment ends when all launches and the update time are over."""
        complete = Barrier(parties=len(self._fleet.variants) + 1, then=self._end)
        self._clock.call_at(self._clock.now() + self._timing.fleet_update_seconds, complete.arrive)
        for variant in self._fleet.variants.values():
            order = LaunchOrder(
                endpoint_name=self._endpoint.name,
                variant_name=variant.name,
                containers=self._containers_of(variant.model_name),
                role=self._role_of(variant.model_name),
                count=variant.desired_count,
            )
            self._host.launch(order, self._settling(variant.name, complete))

    def _settling(self, variant_name: str, complete: Barrier) -> Callable[[LaunchResult], None]:
        def settled(result: LaunchResult) -> None:
            self._fleet.variants[variant_name].instances = list(result.instances)
            if result.failure is not None:
                self._failures.append(result.failure)
            complete.arrive()

        return settled

    def _end(self) -> None:
        failure = self._failure()
        if failure is not None:
            self._give_up(failure)
            return
        FleetSwap(
            self._endpoint, self._plan, clock=self._clock, alarm_state=self._alarm_state, began=self._began,
            end=self._swapped,
        ).start()  # fmt: skip

    def _swapped(self, stopped_by: str | None) -> None:
        if stopped_by is None:
            self._swap()
            return
        self._set_status(self._endpoint, Status.ROLLING_BACK)
        stopped = UpdateFailure(reason=stopped_by if self._reason_is_told else None, silent=True)
        self._clock.call_at(self._clock.now() + self._timing.weight_update_seconds, lambda: self._give_up(stopped))

    def _failure(self) -> UpdateFailure | None:
        ordered = self._faults.updates.pop(self._endpoint.name, None)
        if ordered is not None:
            return ordered
        if any((self._endpoint.name, name) in self._faults.stalled for name in self._fleet.variants):
            return UpdateFailure(reason=INSUFFICIENT_CAPACITY, silent=True)
        return UpdateFailure(reason=self._failures[0], silent=True) if self._failures else None

    def _swap(self) -> None:
        self._endpoint.pending, self._endpoint.pending_percent = None, 0
        old, self._endpoint.fleet = self._endpoint.fleet, self._fleet
        self._endpoint.config_name = self._fleet.config_name
        self._set_status(self._endpoint, Status.IN_SERVICE)
        if old is not None:
            old.retire()

    def _give_up(self, failure: UpdateFailure) -> None:
        self._endpoint.pending = None
        self._fleet.retire()
        self._endpoint.failure_reason = failure.reason
        back_in_service = self._endpoint.fleet is not None and failure.silent
        self._set_status(self._endpoint, Status.IN_SERVICE if back_in_service else Status.FAILED)
