"""Instances of the two slots, through Application Auto Scaling: floors, ceilings and suspension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout import clients
from rollout.errors import Throttled

if TYPE_CHECKING:
    from rollout.plan import Scaling

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


@dataclass(frozen=True, kw_only=True)
class SlotScaling:
    """What is registered for one slot."""

    floor: int
    ceiling: int
    scale_in_suspended: bool
    scale_out_suspended: bool


class SlotScalers:
    """The scalable targets of one endpoint's slots."""

    def __init__(self, endpoint: str, scaling: Scaling, *, client: Any = None) -> None:
        self._endpoint = endpoint
        self._scaling = scaling
        self._client = clients.client("application-autoscaling") if client is None else client

    def registered(self) -> dict[str, SlotScaling]:
        """Return what is registered, by slot; a slot without a scalable target is left out.

        Raises:
            Throttled: when the service limits the calls.
        """
        answer = self._call("describe_scalable_targets", ServiceNamespace=NAMESPACE, ResourceIds=self._resource_ids())
        return {target["ResourceId"].rsplit("/", 1)[1]: _slot_scaling(target) for target in answer["ScalableTargets"]}

    def set_floor(self, slot: str, floor: int, *, suspend_scale_in: bool, suspend_scale_out: bool = False) -> None:
        """Register a floor for one slot; instances come at once if the endpoint is quiet.

        A fleet without target tracking has its floor as its ceiling too, so that it also shrinks.
        Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html

        Raises:
            Throttled: when the service limits the calls.
        """
        fixed = self._scaling.invocations_per_instance is None
        self._call(
            "register_scalable_target",
            ServiceNamespace=NAMESPACE,
            ScalableDimension=DIMENSION,
            ResourceId=self._resource_id(slot),
            MinCapacity=floor,
            MaxCapacity=floor if fixed else self._scaling.max_instances,
            SuspendedState={
                "DynamicScalingInSuspended": suspend_scale_in,
                "DynamicScalingOutSuspended": suspend_scale_out,
                "ScheduledScalingSuspended": False,
            },
        )

    def suspend(self, slot: str) -> None:
        """Keep dynamic scaling from changing one slot."""
        self._call(
            "register_scalable_target",
            ServiceNamespace=NAMESPACE,
            ScalableDimension=DIMENSION,
            ResourceId=self._resource_id(slot),
            SuspendedState={"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True},
        )

    def _resource_id(self, slot: str) -> str:
        return f"endpoint/{self._endpoint}/variant/{slot}"

    def _resource_ids(self) -> list[str]:
        return [self._resource_id(slot) for slot in ("variant-a", "variant-b")]

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"ThrottlingException", "ConcurrentUpdateException"}:
                raise Throttled(error.response["Error"]["Message"]) from error
            raise


def _slot_scaling(target: dict[str, Any]) -> SlotScaling:
    suspended = target.get("SuspendedState", {})
    return SlotScaling(
        floor=target["MinCapacity"],
        ceiling=target["MaxCapacity"],
        scale_in_suspended=suspended.get("DynamicScalingInSuspended", False),
        scale_out_suspended=suspended.get("DynamicScalingOutSuspended", False),
    )
