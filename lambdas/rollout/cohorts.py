"""The published cohort rule: who reaches the canary while its weight is 0. It is exposure, like a weight.

The ledger holds the rule for clients that call SageMaker directly; the stages of the front doors hold a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.api_stages import AT_REST, ApiStages, variables_of
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
        self.ledger.publish_cohort(variant=canary, rule=rule, salt=execution)

    def withdraw(self, lock: Lock) -> None:
        """Send no request to the canary but by its weight: at once through the front doors, directly soon after.

        A handler that takes a dead rollout over knows that rollout's stages from its lock.
        """
        pinned = (ApiStage(**stage) for stage in lock.api_stages)
        try:
            ApiStages(list(dict.fromkeys([*self.stages, *pinned]))).set_variables(AT_REST)
        finally:
            self.ledger.withdraw_cohort()
