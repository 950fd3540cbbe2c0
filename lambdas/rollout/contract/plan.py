"""What the construct decides at synth and the state machine hands to every handler. Times are in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rollout.contract.cohort import CohortRule
from rollout.contract.errors import PayloadTooNew
from rollout.contract.exposure import EVERYTHING
from rollout.contract.gate_rules import GateRules
from rollout.contract.names import CALLER
from rollout.contract.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA = 1
"""The version of the payload."""
DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class FollowedMetric:
    """A metric of each slot that target tracking keeps at `target`. `dimensions` are those beside endpoint and slot."""

    namespace: str
    name: str
    statistic: str
    target: float
    dimensions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> FollowedMetric:
        """Read what `to_json` wrote."""
        return cls(**{**payload, "target": float(payload["target"])})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON. The target is text: DynamoDB takes no float."""
        return {**vars(self), "target": str(self.target)}


@dataclass(frozen=True, kw_only=True)
class ScheduledMinimum:
    """A least number of instances for `minutes` from `start` (minutes after midnight), on `days` (Monday is 0)."""

    min_instances: int
    start: int
    minutes: int
    days: Sequence[int]
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Instances per role. `invocations_per_instance` is per minute. A fleet that follows nothing has a fixed size.

    The cooldowns, in seconds, are those of target tracking.
    """

    min_instances: int
    max_instances: int
    idle_instances: int
    invocations_per_instance: int | None = None
    follows: Sequence[FollowedMetric] = ()
    """What the instances follow beside the invocations."""
    scheduled: Sequence[ScheduledMinimum] = ()
    """Raise `min_instances` at times; `decisions.minimum` knows which holds."""
    scale_out_cooldown_seconds: int = 60
    scale_in_cooldown_seconds: int = 300

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Scaling:
        """Read what `to_json` wrote."""
        follows = tuple(map(FollowedMetric.parse, payload.get("follows", ())))
        scheduled = tuple(ScheduledMinimum(**minimum) for minimum in payload.get("scheduled", ()))
        return cls(**{**payload, "follows": follows, "scheduled": scheduled})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON, without what is not there; CDK leaves it out as well."""
        lists = {"follows": [metric.to_json() for metric in self.follows], "scheduled": list(map(vars, self.scheduled))}
        told = {**vars(self), **lists}
        return {name: value for name, value in told.items() if value not in (None, [])}

    @property
    def is_tracked(self) -> bool:
        """Tell whether target tracking sizes the fleets; otherwise their floors do."""
        return self.invocations_per_instance is not None or bool(self.follows)


@dataclass(frozen=True, kw_only=True)
class ApiStage:
    """One stage of an API Gateway REST API through which users reach the endpoint."""

    rest_api_id: str
    stage_name: str


@dataclass(frozen=True, kw_only=True)
class AlarmLimits:
    """When the alarms of a slot go off, by the requests of one metric period.

    There are `min_requests` or more, and more than `failed_percent` of them failed, or 1 % of them took longer than
    `p99_latency_ms`.
    """

    failed_percent: float = 25
    p99_latency_ms: float = 10_000
    min_requests: int = 25


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every handler knows of one endpoint. The guards of a deploy are told `deploy_json` only."""

    endpoint: str
    scaling: Scaling
    alarms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Alarm names by slot, and under `caller` those of the construct's caller."""
    alarm_limits: AlarmLimits = AlarmLimits()
    metric_period_seconds: int = 60
    state_machine_arn: str = ""
    start_on_deploy: bool = True
    api_stages: Sequence[ApiStage] = ()

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Settings:
        """Read what `to_json` or `deploy_json` wrote.

        Raises:
            PayloadTooNew: when a newer library wrote the payload.
        """
        if payload["schema"] > SCHEMA:
            raise PayloadTooNew(f"payload schema {payload['schema']} is newer than {SCHEMA}, the newest known here")
        known = {name: payload[name] for name in cls.__dataclass_fields__ if name in payload}
        parts = {
            "scaling": Scaling.parse(payload["scaling"]),
            "alarm_limits": AlarmLimits(**payload.get("alarm_limits", {})),
            "api_stages": tuple(ApiStage(**stage) for stage in payload.get("api_stages", ())),
        }
        return cls(**{**known, **parts})

    def deploy_json(self) -> dict[str, object]:
        """Return what the guards of a deploy must know, and nothing that leaves the endpoint alone."""
        return {"schema": SCHEMA, "endpoint": self.endpoint, "scaling": self.scaling.to_json()}

    def to_json(self) -> dict[str, object]:
        """Return the payload of every handler."""
        parts = {
            "scaling": self.scaling.to_json(),
            "alarm_limits": vars(self.alarm_limits),
            "api_stages": [vars(stage) for stage in self.api_stages],
        }
        return {"schema": SCHEMA, **vars(self), **parts}

    def alarms_that_stop(self, canary: str) -> list[str]:
        """Return the alarms that end a rollout: the canary's own and the caller's."""
        return [*self.alarms[canary], *self.alarms[CALLER]]


class Passes(StrEnum):
    """What a step waits for, once it has its share.

    `EVIDENCE`: the gates pass it, early or at the end of its bake. `BUDGET`: a larger share may break no more than the
    harm budget; its bake is the least that it is watched. `PROOF`: for every gate it is shown that the canary is as
    good as stable, or at the end of its bake that this is likelier than not. `WATCH`: its whole bake. `HOLD_BACK`: no
    evidence, because the release is promoted.
    """

    EVIDENCE = "evidence"
    BUDGET = "budget"
    PROOF = "proof"
    WATCH = "watch"
    HOLD_BACK = "hold_back"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One traffic share of the rollout, in percent of all requests.

    `percent` is the canary's weight. In a cohort step it is 0; the requests that match the rule, about
    `expected_percent` of all, reach the canary. In a paced step the canary's share rises to `percent` little by little.
    """

    percent: int
    bake_seconds: int
    max_bake_seconds: int
    min_requests: int
    expected_percent: float
    cohort: CohortRule | None = None
    passes: Passes = Passes.EVIDENCE
    approval_seconds: int = 0
    """How long the step waits for a person's yes when it has passed; 0: it asks nobody."""

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Step:
        """Read what `to_json` wrote."""
        rule = payload.get("cohort")
        cohort = None if rule is None else CohortRule.parse(rule)
        passes = Passes(payload.get("passes", Passes.EVIDENCE))
        return cls(**{"expected_percent": payload["percent"], **payload, "cohort": cohort, "passes": passes})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON. `expected_percent` and `cohort` are those of a cohort step only.

        `passes` is left out where the gates decide, `approval_seconds` where nobody is asked.
        """
        left_out = {"passes"} if self.passes is Passes.EVIDENCE else set()
        if not self.approval_seconds:
            left_out.add("approval_seconds")
        if self.cohort is None:
            left_out |= {"expected_percent", "cohort"}
        said = {name: value for name, value in vars(self).items() if name not in left_out}
        return said if self.cohort is None else {**said, "cohort": self.cohort.to_json()}

    @property
    def title(self) -> str:
        """Return what people call this step."""
        return f"{self.percent} %" if self.cohort is None else f"a cohort of {self.expected_percent:g} %"


@dataclass(frozen=True, kw_only=True)
class HoldBackRule:
    """After the promotion the former release keeps `percent` of the traffic (1 to 49) for a time, to compare with.

    It is looked at every `interval_seconds`.
    """

    percent: int
    duration_seconds: int
    interval_seconds: int

    @property
    def step(self) -> Step:
        """Return the hold-back as one more step of the rollout. Nothing has to be shown in it."""
        share = EVERYTHING - self.percent
        return Step(
            percent=share,
            bake_seconds=self.duration_seconds,
            max_bake_seconds=self.duration_seconds,
            min_requests=1,
            expected_percent=share,
            passes=Passes.HOLD_BACK,
        )


@dataclass(frozen=True, kw_only=True)
class SmokeRequest:
    """One request to the canary before users reach it. `payload` is in base64."""

    payload: str
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole course of a rollout."""

    settings: Settings
    steps: Sequence[Step]
    gates: GateRules
    smoke_test: Sequence[SmokeRequest] = ()
    harm_budget: float | None = None
    """How many requests a release may break before it is noticed; `None`: the shares are not paced."""
    hold_back: HoldBackRule | None = None
    """What comes after the steps, when the release is promoted; `None`: nothing."""
    undecided_seconds: int = 0
    """How long a step whose time is over without a decision waits for a person; 0: it asks nobody and rolls back."""
    windows: Sequence[Window] = ()
    """Outside of which nothing is raised; empty: it may be at any time."""
    windows_seconds: int = 0
    """How long the rollout may wait for them in all."""
    hold_seconds: int = DAY_SECONDS
    """How long people may hold the rollout in all, beside what its steps wait for them."""
    hold_interval_seconds: int = 0
    """Between two looks while it is held, if that is more than usual."""
    evaluation_interval_seconds: int
    poll_seconds: int
    capacity_timeout_seconds: int
    weights_timeout_seconds: int

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote.

        Raises:
            PayloadTooNew: when a newer library wrote the payload.
        """
        parts: dict[str, Any] = {
            "settings": Settings.parse(payload),
            "steps": tuple(map(Step.parse, payload["steps"])),
            "gates": GateRules.parse(payload["gates"]),
            "smoke_test": tuple(SmokeRequest(**request) for request in payload.get("smoke_test") or ()),
            "hold_back": HoldBackRule(**payload["hold_back"]) if "hold_back" in payload else None,
            "windows": tuple(map(Window.parse, payload.get("windows", ()))),
        }
        known = {name: payload[name] for name in cls.__dataclass_fields__ if name in payload}
        return cls(**{**known, **parts})

    def to_json(self) -> dict[str, object]:
        """Return the `plan` of the state machine's payload."""
        optional = {
            "harm_budget": self.harm_budget,
            "hold_back": self.hold_back and vars(self.hold_back),
            "windows": [window.to_json() for window in self.windows] or None,
            "windows_seconds": self.windows_seconds or None,
        }
        own = {name: value for name, value in vars(self).items() if name not in {"settings", *optional}}
        return {
            **self.settings.to_json(),
            **own,
            **{name: value for name, value in optional.items() if value is not None},
            "steps": [step.to_json() for step in self.steps],
            "gates": self.gates.to_json(),
            "smoke_test": [vars(request) for request in self.smoke_test] or None,
        }

    @property
    def longest_hold_seconds(self) -> int:
        """Return how long the rollout may be held in all, by pauses, windows and steps that wait for a person."""
        return (
            self.hold_seconds
            + self.windows_seconds
            + sum(step.approval_seconds + self.undecided_seconds for step in self.steps)
        )

    def step(self, index: int) -> Step:
        """Return a step of the rollout by its number, from 0. The hold-back comes after the steps.

        Raises:
            IndexError: when the rollout has no such step.
        """
        return [*self.steps, *([] if self.hold_back is None else [self.hold_back.step])][index]

    def holds_back_after(self, index: int) -> bool:
        """Tell whether the hold-back begins when this step has passed."""
        return self.hold_back is not None and index == len(self.steps) - 1
