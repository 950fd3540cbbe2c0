"""The cohort of a rollout: which requests reach the new release beside the weights."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rollout.contract.cohort import CohortRule
from rollout.contract.plan import Step
from rollout.contract.stage_variables import BUCKETS, HEADER, VALUES, VARIANT

from canary_tools.rehearsal.services.front_doors import FrontDoors


@dataclass(frozen=True)
class Cohort:
    """A share of all requests, in percent. These requests go to one variant; its weight does not matter."""

    variant: str
    percent: float


class PublishedCohort:
    """The cohort that is published now, in the ledger and at the front doors.

    Users come through all of them. So the expected share of the requests matches as long as one of them has the rule.
    """

    def __init__(self, steps: Iterable[Step], front_doors: FrontDoors) -> None:
        self._shares = [(step.cohort, step.expected_percent) for step in steps if step.cohort is not None]
        self._front_doors = front_doors
        self.in_ledger: Mapping[str, Any] | None = None

    def now(self) -> Cohort | None:
        """Return the cohort that matches requests now; `None` without one."""
        found = [*self._of_ledger(), *self._of_front_doors()]
        return max(found, key=lambda cohort: cohort.percent, default=None)

    def _of_ledger(self) -> Iterable[Cohort]:
        if self.in_ledger is not None:
            published = CohortRule.parse(self.in_ledger["rule"])
            yield from self._first(self.in_ledger["variant"], lambda rule: rule == published)

    def _of_front_doors(self) -> Iterable[Cohort]:
        for variables in self._front_doors.letting_through().values():
            yield from self._first(variables[VARIANT], partial(_is_at_door, variables))

    def _first(self, variant: str, is_published: Callable[[CohortRule], bool]) -> Iterable[Cohort]:
        """Return the cohort of the first step whose rule is published."""
        return [Cohort(variant, percent) for rule, percent in self._shares if is_published(rule)][:1]


def _is_at_door(variables: Mapping[str, str], rule: CohortRule) -> bool:
    """Tell whether the variables of a stage contain this rule."""
    if rule.header != variables[HEADER]:
        return False
    if rule.buckets:
        return f"{rule.buckets:04d}" == variables[BUCKETS]
    return f",{','.join(rule.values)}," == variables[VALUES]
