"""How long SageMaker takes."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Durations in seconds of the clock in use.

    Attributes:
        fleet_update_seconds: for a fleet of an endpoint that is created or updated.
        instance_launch_seconds: until instances that scaling asked for serve.
        weight_update_seconds: for a change of weights, for its rollback, and for a deletion.
    """

    fleet_update_seconds: float
    instance_launch_seconds: float
    weight_update_seconds: float
