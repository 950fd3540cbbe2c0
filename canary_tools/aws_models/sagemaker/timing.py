"""How long SageMaker takes for its changes."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Durations in seconds.

    Attributes:
        fleet_update_seconds: to deploy a fleet, when an endpoint is created or updated.
        instance_launch_seconds: until additional instances are in service.
        weight_update_seconds: for a change of weights, for its rollback, and for the deletion of an endpoint.
    """

    fleet_update_seconds: float
    instance_launch_seconds: float
    weight_update_seconds: float
