"""The published cohort: who reaches the canary while its weight is 0. It is exposure, like a weight.

The ledger holds the cohort for clients that call SageMaker directly; the stages of the front doors hold a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.api_stages import ApiStages, variables_of
from rollout.contract.stage_variables import AT_REST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.contract.cohort import Cohort
    from rollout.contract.lock import Lock
    from rollout.contract.plan import ApiStage
    from rollout.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Cohorts:
    """The cohort of one endpoint. `stages` are those that this handler was told of."""

    ledger: Ledger
    stages: Sequence[ApiStage]

    def publish(self, cohort: Cohort) -> None:
        """Send the requests that match to the canary. Only the shift handler may call this (invariant 2).

        The ledger comes last: a cohort that it holds is published everywhere.
        """
        ApiStages(self.stages).set_variables(variables_of(cohort.variant, cohort.rule))
        self.ledger.unrepeated().publish_cohort(cohort)

    def withdraw(self, lock: Lock) -> None:
        """Send no request to the canary but by its weight: at once through the front doors, directly soon after.

        Direct clients are told even when a front door refuses. The caller repeats this until both have succeeded.
        """
        try:
            self._close_front_doors(lock)
        finally:
            self.ledger.withdraw_cohort()

    def make_way(self, lock: Lock) -> None:
        """Withdraw before weights rise. The ledger comes last: a cohort that it does not hold is published nowhere."""
        self._close_front_doors(lock)
        self.ledger.withdraw_cohort()

    def _close_front_doors(self, lock: Lock) -> None:
        """Close the stages known here and those of the lock: who ends a dead rollout may know no others."""
        ApiStages(list(dict.fromkeys([*self.stages, *lock.api_stages]))).set_variables(AT_REST)
