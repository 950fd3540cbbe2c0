"""The cohort of a rollout: which requests reach the new release beside the weights."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollout.contract.stage_variables import BUCKETS, HEADER, VALUES, VARIANT

from canary_tools.rehearsal.services.front_doors import FrontDoors
from canary_tools.rehearsal.template.plan_steps import Step, expected_percent


@dataclass(frozen=True)
class Cohort:
    """A share of all requests, in percent, that goes to one variant whatever its weight."""

    variant: str
    percent: float


class PublishedCohort:
    """What is published of a cohort at present, in the ledger and at the front doors.

    The expected share of the requests matches as long as one of them holds the rule: some users come through each.
    """

    def __init__(self, steps: Iterable[Step], front_doors: FrontDoors) -> None:
        self._steps: Sequence[Step] = [step for step in steps if step.get("cohort") is not None]
        self._front_doors = front_doors
        self.in_ledger: Mapping[str, Any] | None = None

    def now(self) -> Cohort | None:
        """Return who matches at present; `None` when nobody does."""
        found = [*self._of_ledger(), *self._of_front_doors()]
        return max(found, key=lambda cohort: cohort.percent, default=None)

    def _of_ledger(self) -> Iterable[Cohort]:
        published = self.in_ledger
        if published is not None:
            yield from _first(
                published["variant"], (step for step in self._steps if step["cohort"] == published["rule"])
            )

    def _of_front_doors(self) -> Iterable[Cohort]:
        for variables in self._front_doors.letting_through().values():
            yield from _first(
                variables[VARIANT], (step for step in self._steps if _is_at_door(step["cohort"], variables))
            )


def _first(variant: str, steps: Iterable[Step]) -> Iterable[Cohort]:
    yield from [Cohort(variant, expected_percent(step)) for step in steps][:1]


def _is_at_door(rule: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
    """Tell whether a stage's variables hold this rule."""
    if rule["header"] != variables[HEADER]:
        return False
    if rule["kind"] == "users":
        return f"{rule['buckets']:04d}" == variables[BUCKETS]
    return f",{','.join(rule['values'])}," == variables[VALUES]
