"""The published cohort rule: who reaches the canary while its weight is 0. It is exposure, like a weight.

The ledger holds the rule for clients that call SageMaker directly; the stages of the front doors hold a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.api_stages import ApiStages, variables_of
from rollout.contract.stage_variables import AT_REST
from rollout.plan import ApiStage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.ledger import Ledger, Lock


@dataclass(frozen=True, kw_only=True)
class Cohorts:
    """The cohort of one endpoint. `stages` are those that this handler was told of."""

    ledger: Ledger
    stages: Sequence[ApiStage]

    def publish(self, execution: str, *, canary: str, rule: Mapping[str, Any]) -> None:
        """Send the requests that match to the canary. Only the shift handler may call this (invariant 2).

        The ledger comes last: what it holds is published everywhere.
        """
        ApiStages(self.stages).set_variables(variables_of(canary, rule))
        self.ledger.unrepeated().publish_cohort(variant=canary, rule=rule, salt=execution)

    def withdraw(self, lock: Lock) -> None:
        """Send no request to the canary but by its weight: at once through the front doors, directly soon after.

        Direct clients are told even when a front door cannot be: whoever lowers comes again until both are.
        """
        try:
            self._close_front_doors(lock)
        finally:
            self.ledger.withdraw_cohort()

    def make_way(self, lock: Lock) -> None:
        """Withdraw before weights rise: the ledger comes last, so that a cohort is nowhere when it is not there."""
        self._close_front_doors(lock)
        self.ledger.withdraw_cohort()

    def _close_front_doors(self, lock: Lock) -> None:
        """Close the stages known here, and those of the lock: whoever takes a dead rollout over knows no others."""
        pinned = (ApiStage(**stage) for stage in lock.api_stages)
        ApiStages(list(dict.fromkeys([*self.stages, *pinned]))).set_variables(AT_REST)
