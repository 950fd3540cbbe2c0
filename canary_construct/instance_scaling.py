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
        for name in ("min_instances", "max_instances", "idle_instances"):
            _check_at_least_one(name, getattr(self, name))
        if self.invocations_per_instance is not None:
            _check_at_least_one("invocations_per_instance", self.invocations_per_instance)
        for name in ("min_instances", "idle_instances"):
            if getattr(self, name) > self.max_instances:
                raise ValueError(
                    f"{name} must not exceed max_instances ({self.max_instances}), got {getattr(self, name)}"
                )
        for name in ("scale_out_cooldown_seconds", "scale_in_cooldown_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")


def _check_at_least_one(name: str, value: int) -> None:
    if not Token.is_unresolved(value) and value < 1:
        raise ValueError(f"{name} must be 1 or more, got {value}")
