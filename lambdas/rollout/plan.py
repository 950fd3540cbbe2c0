"""What the construct decided at synth, as handlers receive it. `SCHEMA` versions the payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.contract.errors import PayloadTooNew
from rollout.contract.names import CALLER

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Instances per role. `invocations_per_instance` is per minute; `None` is a fixed fleet.

    CDK leaves `None` out of the JSON that it renders.
    """

    min_instances: int
    max_instances: int
    idle_instances: int
    invocations_per_instance: int | None = None


@dataclass(frozen=True, kw_only=True)
class ApiStage:
    """One stage of an API Gateway REST API through which users reach the endpoint."""

    rest_api_id: str
    stage_name: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every handler needs to know of one endpoint."""

    endpoint: str
    scaling: Scaling
    alarms: dict[str, list[str]]
    """Alarm names by slot, and under `caller` those that the caller of the construct gave."""
    metric_period_seconds: int
    state_machine_arn: str
    start_on_deploy: bool
    api_stages: tuple[ApiStage, ...] = ()

    @classmethod
    def parse(cls, payload: dict[str, Any]) -> Settings:
        """Read the payload that the construct rendered.

        Raises:
            PayloadTooNew: when a newer library wrote the payload.
        """
        if payload["schema"] > SCHEMA:
            raise PayloadTooNew(f"payload schema {payload['schema']} is newer than {SCHEMA}, the newest known here")
        return cls(
            endpoint=payload["endpoint"],
            scaling=Scaling(**payload["scaling"]),
            alarms=payload["alarms"],
            metric_period_seconds=int(payload["metric_period_seconds"]),
            state_machine_arn=payload.get("state_machine_arn", ""),
            start_on_deploy=bool(payload.get("start_on_deploy", True)),
            api_stages=tuple(ApiStage(**stage) for stage in payload.get("api_stages", ())),
        )

    def alarms_that_stop(self, canary: str) -> list[str]:
        """Return the alarms that end a rollout: the canary's own and the caller's."""
        return [*self.alarms[canary], *self.alarms[CALLER]]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One traffic share of the rollout. Times in seconds, shares in percent of all requests.

    `percent` is the canary's weight. In a cohort step that is 0, and the requests that match a rule, about
    `expected_percent` of all, reach the canary.
    """

    percent: int
    bake_seconds: int
    max_bake_seconds: int
    min_requests: int
    expected_percent: float
    cohort: Mapping[str, Any] | None = None

    @property
    def title(self) -> str:
        """Return what people call this step."""
        return f"{self.percent} %" if self.cohort is None else f"a cohort of {self.expected_percent:g} %"


def steps_of(plan: dict[str, Any]) -> list[Step]:
    """Read the traffic steps of a plan."""
    return [Step(**{"expected_percent": step["percent"], **step}) for step in plan["steps"]]
