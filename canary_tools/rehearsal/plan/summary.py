"""What the plan of a template means: durations, instances, costs, and requests before a gate or an alarm can act.

Nothing is simulated here: these are bounds. Durations, history events and guards are what synth wrote into the
template's metadata. Only traffic and prices are added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from rollout.contract.plan import Plan, Step
from rollout.contract.timing import SUCCESSOR_PERIODS

from canary_tools.rehearsal.plan.fleet import Fleet, fleet_of
from canary_tools.rehearsal.plan.held_back import HeldBack, held_back_of
from canary_tools.rehearsal.plan.metadata import Guard, PlanMetadata, metadata_of
from canary_tools.rehearsal.plan.pacing import Pacing, pacing_of
from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.services.durations import WEIGHT_UPDATE_SECONDS
from canary_tools.rehearsal.template import DeclaredEndpoint

TRANSITIONS_PER_LOOK = 3
"""Of each evaluation: a wait, a Lambda task and a choice."""
CALLS_PER_LOOK = 12
METRICS_PER_LOOK = 50
"""About as many as a look of the default gates and alarms is charged for, where slow requests are not counted."""
MEGABYTE_SECONDS_PER_LOOK = 512.0
PERIODS_AFTER_BAKE = SUCCESSOR_PERIODS + 1
"""How many metric periods after its bake, and after their delay, a step has judged its last one. That began within the
bake."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What the plan itself does not say.

    `rps`: requests a second on the whole endpoint. `rps_from`: `--rps`, `expected_rps` or `default`. `launch_s`: how
    many seconds a new instance needs until it serves.
    """

    rps: float
    rps_from: str
    launch_s: float


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How many requests reach a bad release in each step before a guard can act. `requests`: by the step's title."""

    guard: Guard
    requests: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the exposure as plain data."""
        return {
            "guard": self.guard.name,
            "earliest_s": self.guard.earliest_seconds,
            "requests": dict(self.requests),
        }


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a plan means. Costs in US dollars; `None` where the price of the instance type is not known."""

    endpoint: str
    steps: tuple[Step, ...]
    metadata: PlanMetadata
    usual_seconds: int
    fleet: Fleet
    cost_usd: float | None
    orchestration_cost_usd: float
    assumptions: Assumptions
    pacing: Pacing | None
    """`None` where the steps have fixed shares."""
    hold_back: HeldBack | None
    """`None` where the former release keeps nothing after the promotion."""

    @property
    def step_titles(self) -> list[str]:
        """Return what people call the steps."""
        return [step.title for step in self.steps]

    def exposures(self) -> Iterator[Exposure]:
        """Yield the requests before each gate and each alarm can act."""
        for guard in self.metadata.guards:
            requests = {step.title: round(self._rps_of(step) * guard.earliest_seconds) for step in self.steps}
            yield Exposure(guard=guard, requests=requests)

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "endpoint": self.endpoint,
            "steps": [step.expected_percent for step in self.steps],
            "step_titles": self.step_titles,
            "shortest_seconds": self.metadata.shortest_seconds,
            "usual_seconds": self.usual_seconds,
            "longest_seconds": self.metadata.longest_seconds,
            "history_events": self.metadata.history_events,
            "history_limit": self.metadata.history_events_allowed,
            "cohorts": list(self.metadata.cohorts),
            "pacing": None if self.pacing is None else self.pacing.to_json(),
            "hold_back": None if self.hold_back is None else self.hold_back.to_json(),
            **self.fleet.to_json(),
            "cost_usd": self.cost_usd,
            "orchestration_cost_usd": self.orchestration_cost_usd,
            "exposed_requests": [exposure.to_json() for exposure in self.exposures()],
            "assumed": {
                "rps": self.assumptions.rps,
                "rps_from": self.assumptions.rps_from,
                "launch_s": self.assumptions.launch_s,
                "metric_delay_s": self.metadata.metric_delay_seconds,
            },
        }

    def _rps_of(self, step: Step) -> float:
        return self.assumptions.rps * step.expected_percent / 100


def summarise(declared: DeclaredEndpoint, assumptions: Assumptions) -> Summary:
    """Return what the plan of this endpoint means.

    Raises:
        RehearsalError: when the template does not have the metadata of the plan.
    """
    plan, fleet = declared.plan, fleet_of(declared, assumptions.rps)
    metadata = metadata_of(declared)
    around = _seconds_around_bake(plan, assumptions.launch_s) + metadata.metric_delay_seconds
    seconds = [step.bake_seconds + around for step in plan.steps]
    return Summary(
        endpoint=declared.endpoint_name,
        steps=tuple(plan.steps),
        metadata=metadata,
        usual_seconds=round(sum(seconds)),
        fleet=fleet,
        cost_usd=_cost(plan, fleet, seconds),
        orchestration_cost_usd=round(_orchestration_cost(plan, sum(seconds)), 4),
        assumptions=assumptions,
        pacing=pacing_of(plan, assumptions.rps),
        hold_back=held_back_of(plan, fleet),
    )


def _seconds_around_bake(plan: Plan, launch_s: float) -> float:
    """Return the seconds of a step beside its bake: instances start, the weight changes, the last period is judged."""
    ending = PERIODS_AFTER_BAKE * plan.settings.metric_period_seconds
    return launch_s + WEIGHT_UPDATE_SECONDS + 2 * plan.poll_seconds + ending


def _cost(plan: Plan, fleet: Fleet, seconds: list[float]) -> float | None:
    """Return what a rollout costs beyond the instances that run without one; `None` if that is not known."""
    extra = sum(count * of_step for count, of_step in zip(fleet.extra_by_step, seconds, strict=True))
    instances = list_prices.instances(fleet.instance_type, extra)
    if instances is None or fleet.refused is not None:
        return None
    return round(instances + _orchestration_cost(plan, sum(seconds)), 4)


def _orchestration_cost(plan: Plan, seconds: float) -> float:
    looks = ceil(seconds / plan.evaluation_interval_seconds)
    return list_prices.orchestration(
        state_transitions=TRANSITIONS_PER_LOOK * looks,
        lambda_requests=looks,
        lambda_megabyte_seconds=MEGABYTE_SECONDS_PER_LOOK * looks,
        ledger_calls=CALLS_PER_LOOK * looks,
        metrics=METRICS_PER_LOOK * looks,
    )
