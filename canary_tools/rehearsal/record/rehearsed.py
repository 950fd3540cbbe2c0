"""A finished rehearsal."""

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
    record: RolloutRecord
    """What the ledger says of the rollout."""
    last_look: StatusView | None
    """What the dashboard would show at the end; `None` without an endpoint."""
    aws: Any
    """The `SimulatedAws` as the rehearsal left it, with its executions and its metrics."""
    virtual_seconds: float
    real_seconds: float
