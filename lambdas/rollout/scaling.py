"""Instances of the two slots, through Application Auto Scaling: floors, ceilings and suspension."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from botocore.exceptions import ClientError

from rollout import clients
from rollout.contract.errors import EndpointBusy, Throttled
from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE, SLOTS
from rollout.decisions.capacity import ceiling
from rollout.decisions.following import is_ours, policies_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.contract.plan import Scaling

COLLISIONS = frozenset({"ConcurrentUpdateException", "FailedResourceAccessException"})
"""Another change of the same target runs, or SageMaker could not be asked. Source:
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html"""


BOUNDS = ("MinCapacity", "MaxCapacity", "SuspendedState")
POLICY = ("PolicyName", "PolicyType", "TargetTrackingScalingPolicyConfiguration")


class Suspension(Enum):
    """Which dynamic scaling of a slot is suspended: scale-in, scale-out."""

    NONE = (False, False)
    SCALE_IN = (True, False)
    ALL = (True, True)


@dataclass(frozen=True, kw_only=True)
class SlotScaling:
    """What is registered for one slot."""

    floor: int
    ceiling: int
    scale_in_suspended: bool
    scale_out_suspended: bool


class SlotScalers:
    """The scalable targets of one endpoint's slots."""

    def __init__(self, endpoint: str, *, client: Any = None) -> None:
        self._endpoint = endpoint
        self._client = clients.client("application-autoscaling") if client is None else client

    def registered(self) -> dict[str, SlotScaling]:
        """Return what is registered, by slot; a slot without a scalable target is left out.

        Raises:
            Throttled, Unavailable: when the service limits the calls, or does not answer.
        """
        slots = [self._resource_id(slot) for slot in SLOTS]
        answer = self._call("describe_scalable_targets", ServiceNamespace=SCALED_SERVICE, ResourceIds=slots)
        return {target["ResourceId"].rsplit("/", 1)[1]: _slot_scaling(target) for target in answer["ScalableTargets"]}

    def set_floor(self, slot: str, floor: int, scaling: Scaling, suspended: Suspension) -> None:
        """Register a floor, and the ceiling of this scaling; instances come at once if the endpoint is quiet.

        Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html

        Raises:
            EndpointBusy: when SageMaker refuses the change because another one is in progress.
            Throttled, Unavailable: when the service limits the calls, or does not answer.
        """
        self._register(slot, suspended, MinCapacity=floor, MaxCapacity=ceiling(floor, scaling))

    def set_size(self, slot: str, instances: int) -> None:
        """Give one slot so many instances, and neither more nor fewer. Raises as `set_floor` does."""
        self._register(slot, Suspension.NONE, MinCapacity=instances, MaxCapacity=instances)

    def follow(self, slot: str, scaling: Scaling) -> None:
        """Put the policies that a slot's size follows, and delete those that it shall not follow any more.

        This may be repeated. Source:
        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html

        Raises:
            Throttled, Unavailable: when the service limits the calls, or does not answer.
        """
        wanted = policies_of(scaling, self._endpoint, slot)
        for name in {policy["PolicyName"] for policy in self.policies(slot)} - wanted.keys():
            if is_ours(name, slot):
                self._change("delete_scaling_policy", slot, PolicyName=name)
        for name, policy in wanted.items():
            followed = {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": policy}
            self.put_policy(slot, {"PolicyName": name, **followed})

    def suspend(self, slot: str, suspended: Suspension) -> None:
        """Suspend dynamic scaling of one slot, or resume it; its bounds stay. Raises as `set_floor` does."""
        self._register(slot, suspended)

    # A variant, which may be no slot yet: read, taken away and put back

    def target(self, variant: str) -> dict[str, Any] | None:
        """Return bounds and suspension as they are registered; `None` when the variant is not scaled."""
        asked = {"ServiceNamespace": SCALED_SERVICE, "ResourceIds": [self._resource_id(variant)]}
        found = self._call("describe_scalable_targets", **asked)["ScalableTargets"]
        return _picked(found[0], BOUNDS) if found else None

    def policies(self, variant: str) -> list[dict[str, Any]]:
        """Return what the size of a variant follows."""
        found = self._change("describe_scaling_policies", variant)["ScalingPolicies"]
        return [_picked(policy, POLICY) for policy in found]

    def scheduled_actions(self, variant: str) -> list[dict[str, Any]]:
        """Return what changes the bounds of a variant by the clock."""
        found: list[dict[str, Any]] = self._change("describe_scheduled_actions", variant)["ScheduledActions"]
        return found

    def put_target(self, variant: str, target: Mapping[str, Any]) -> None:
        """Set bounds or suspension; what is left out stays. Raises as `set_floor` does."""
        self._change("register_scalable_target", variant, **target)

    def put_policy(self, variant: str, policy: Mapping[str, Any]) -> None:
        """Let the size of a variant follow something. Raises as `set_floor` does."""
        self._change("put_scaling_policy", variant, **policy)

    def take_away(self, variant: str) -> None:
        """Take a target away, and with it its policies. This may be repeated. Raises as `set_floor` does."""
        try:
            self._change("deregister_scalable_target", variant)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ObjectNotFoundException":
                raise

    def _change(self, operation: str, variant: str, **arguments: Any) -> Any:
        of = {"ServiceNamespace": SCALED_SERVICE, "ScalableDimension": SCALED_DIMENSION}
        return self._call(operation, **of, ResourceId=self._resource_id(variant), **arguments)

    def _register(self, slot: str, suspended: Suspension, **bounds: int) -> None:
        scale_in, scale_out = suspended.value
        self._change(
            "register_scalable_target",
            slot,
            SuspendedState={"DynamicScalingInSuspended": scale_in, "DynamicScalingOutSuspended": scale_out},
            **bounds,
        )

    def _resource_id(self, slot: str) -> str:
        return f"endpoint/{self._endpoint}/variant/{slot}"

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            with clients.named_failures():
                return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            message: str = error.response["Error"]["Message"]
            if error.response["Error"]["Code"] in COLLISIONS:
                raise Throttled(message) from error
            if "in-progress endpoint" in message:
                raise EndpointBusy(message) from error
            raise


def _picked(described: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: described[name] for name in names if name in described}


class _Suspended(TypedDict, total=False):
    DynamicScalingInSuspended: bool
    DynamicScalingOutSuspended: bool


class _Target(TypedDict):
    """A scalable target, as far as it is read here."""

    MinCapacity: int
    MaxCapacity: int
    SuspendedState: NotRequired[_Suspended]


def _slot_scaling(target: _Target) -> SlotScaling:
    suspended = target.get("SuspendedState", {})
    return SlotScaling(
        floor=target["MinCapacity"],
        ceiling=target["MaxCapacity"],
        scale_in_suspended=suspended.get("DynamicScalingInSuspended", False),
        scale_out_suspended=suspended.get("DynamicScalingOutSuspended", False),
    )
