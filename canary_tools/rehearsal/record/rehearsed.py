"""A finished rehearsal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.contract.records import RolloutRecord
from rollout.watching.view import StatusView

from canary_tools.rehearsal.record.observation import Observation
from canary_tools.rehearsal.scenario import Scenario
from canary_tools.rehearsal.template import DeclaredEndpoint

Result = dict[str, Any]
"""The result as the command prints it. `docs/rehearsal.md` names its keys."""


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What is reported of a rehearsal, and the record behind it."""

    scenario: Scenario
    declared: DeclaredEndpoint
    result: Result
    observation: Observation
    rollouts: Mapping[str, RolloutRecord]
    """What the ledger says at the end of each rollout, by the name of its execution; the oldest first."""
    last_look: StatusView | None
    """What the dashboard would show at the end; `None` without an endpoint."""
    aws: Any
    """The `SimulatedAws` as the rehearsal left it, with its executions and its metrics."""
    virtual_seconds: float
    real_seconds: float

    @property
    def record(self) -> RolloutRecord:
        """Return what the ledger says of the rollout that was rehearsed, the first one."""
        return next(iter(self.rollouts.values()))
