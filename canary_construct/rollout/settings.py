"""What the handlers must know of an endpoint, whatever calls them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rollout.contract.plan import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.watching.rollout_alarms import RolloutAlarms


@dataclass(frozen=True, kw_only=True)
class ApiStage:
    """One stage of a front door, on which rollouts set and clear cohort rules."""

    rest_api_id: str
    stage_name: str


def deploy_settings(endpoint_name: str, scaling: InstanceScaling) -> dict[str, Any]:
    """Return what the guards of a deploy must know, and nothing that leaves the endpoint alone."""
    return {
        "schema": SCHEMA,
        "endpoint": endpoint_name,
        "scaling": _by_role(scaling),
        "alarms": {},
        "metric_period_seconds": 60,
    }


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """What every handler must know. Alarms and stages may be added until the template is rendered."""

    endpoint_name: str
    scaling: InstanceScaling
    alarms: RolloutAlarms
    metric_period_seconds: int
    state_machine_arn: str
    start_on_deploy: bool
    api_stages: Sequence[ApiStage]

    def render(self) -> dict[str, Any]:
        """Return the settings as the handlers read them, with the alarms and stages of this moment."""
        return {
            **deploy_settings(self.endpoint_name, self.scaling),
            "alarms": self.alarms.names(),
            "metric_period_seconds": self.metric_period_seconds,
            "state_machine_arn": self.state_machine_arn,
            "start_on_deploy": self.start_on_deploy,
            "api_stages": rendered_stages(self.api_stages),
        }


def rendered_stages(stages: Sequence[ApiStage]) -> list[dict[str, str]]:
    """Return the stages as the handlers read them."""
    return [asdict(stage) for stage in stages]


def _by_role(scaling: InstanceScaling) -> dict[str, Any]:
    return {
        "min_instances": scaling.min_instances,
        "max_instances": scaling.max_instances,
        "idle_instances": scaling.idle_instances,
        "invocations_per_instance": scaling.invocations_per_instance,
    }
