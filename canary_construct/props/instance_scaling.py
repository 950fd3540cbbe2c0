"""How many instances each role has, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Token


@dataclass(frozen=True, kw_only=True)
class InstanceScaling:
    """Instances of the stable slot and of the idle one.

    `min_instances` (at least 1) and `max_instances` bound the slot that serves. `invocations_per_instance` is the
    target per minute and instance that scaling follows; leave it out for a fixed fleet of `min_instances`.
    `idle_instances` (at least 1) are kept in the other slot, ready for the next release. The cooldowns are in seconds.

    During a rollout the canary gets the instances that its share needs before it gets the share, and stable keeps
    those that the whole traffic needs.

    Raises:
        ValueError: when a number is out of its range.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
    """

    min_instances: int = 1
    max_instances: int = 4
    invocations_per_instance: int | None = None
    idle_instances: int = 1
    scale_out_cooldown_seconds: int = 60
    scale_in_cooldown_seconds: int = 300

    def __post_init__(self) -> None:
        for name, least in (
            ("min_instances", 1),
            ("max_instances", 1),
            ("idle_instances", 1),
            ("invocations_per_instance", 1),
            ("scale_out_cooldown_seconds", 0),
            ("scale_in_cooldown_seconds", 0),
        ):
            value = getattr(self, name)
            if _is_known(value) and value < least:
                raise ValueError(f"{name} must be {least} or more, got {value}")
        for name in ("min_instances", "idle_instances"):
            value = getattr(self, name)
            if _is_known(value) and _is_known(self.max_instances) and value > self.max_instances:
                raise ValueError(f"{name} must not exceed max_instances ({self.max_instances}), got {value}")


def _is_known(value: int | None) -> bool:
    return value is not None and not Token.is_unresolved(value)
