"""Everything that a look at an endpoint reads. What is made of it is decided elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rollout import clock
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.plan import Plan
from rollout.endpoint import Endpoint, EndpointView
from rollout.ledger import Ledger, Release
from rollout.metrics import Metrics
from rollout.watching.counts import Counts, newest_counts
from rollout.watching.executing import Executing, deployed_plan, executing
from rollout.watching.records import Rollout, rollouts_of
from rollout.watching.target import Access, Target
from rollout.way_back import plan_of


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One look. `now`: in seconds since the epoch. `versions`: of the release in each slot, where it is known.

    `rollouts`: the oldest first. `executing`: of the rollout that holds the lock. `alarms`: states by name.
    """

    target: Target
    region: str
    now: float
    endpoint: EndpointView
    versions: Mapping[str, str]
    lock: Lock | None
    declared: Release | None
    rollouts: Sequence[Rollout]
    plan: Plan
    executing: Executing | None
    alarms: Mapping[str, str]
    counts: Sequence[Counts]

    @property
    def rollout(self) -> Rollout | None:
        """Return the rollout that runs, or the last one that ran."""
        running = [each for each in self.rollouts if self.lock is not None and each.execution == self.lock.holder]
        known = running or self.rollouts
        return known[-1] if known else None

    @property
    def runs(self) -> bool:
        """Tell whether a rollout holds the lock."""
        return self.lock is not None and self.lock.kind == ROLLOUT


class Reader:
    """Reads one endpoint, each thing by itself: one permission that is missing does not hide the others."""

    def __init__(self, access: Access, target: Target) -> None:
        self._access = access
        self.target = target
        self._plan: Plan | None = None
        self.ledger = Ledger(target.endpoint, table=target.ledger, client=access.client("dynamodb"))
        sagemaker = access.client("sagemaker")
        self.endpoint = Endpoint(target.endpoint, reading=sagemaker, changing=sagemaker)

    @property
    def plan(self) -> Plan:
        """Return the plan that is deployed; it is read once.

        No `cached_property`: up to Python 3.11 it lets the readers of all threads wait for each other.
        """
        if self._plan is None:
            self._plan = deployed_plan(self._access.client("stepfunctions"), self.target.state_machine_arn)
        return self._plan

    def rollouts(self) -> list[Rollout]:
        """Return all rollouts, the oldest first."""
        return rollouts_of(self._access.client("dynamodb"), table=self.target.ledger, endpoint=self.target.endpoint)

    def versions(self, view: EndpointView) -> dict[str, str]:
        """Return the version in each slot; a slot whose model no deploy has declared is left out."""
        releases = {
            slot: self.ledger.release_in(placed.model_name)
            for slot, placed in self.endpoint.config(view.config_name).items()
        }
        return {slot: release.version for slot, release in releases.items() if release is not None}

    def executing(self, lock: Lock | None) -> Executing | None:
        """Return where the rollout that holds the lock is."""
        if lock is None or lock.kind != ROLLOUT:
            return None
        found = executing(self._access.client("stepfunctions"), self.target.state_machine_arn, lock.holder)
        return None if found is None else replace(found, plan=plan_of(found.plan, lock))

    def alarms(self, plan: Plan) -> dict[str, str]:
        """Return the state of every alarm, by name."""
        names = list(dict.fromkeys(name for of in plan.settings.alarms.values() for name in of))
        metrics = Metrics(self.target.endpoint, plan.settings.metric_period_seconds, client=self._cloudwatch)
        return {name: state for part in _hundreds(names) for name, state in metrics.alarm_states(part).items()}

    def counts(self, plan: Plan, now: float) -> list[Counts]:
        """Return the newest metric periods, the newest first."""
        period = plan.settings.metric_period_seconds
        return newest_counts(self._cloudwatch, self.target.endpoint, period=period, now=now)

    def was_deployed_after(self, moment: str) -> bool:
        """Tell whether the last deploy of the stack began after a time in ISO 8601, and succeeded or still runs.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
        """
        (stack,) = self._access.client("cloudformation").describe_stacks(StackName=self.target.stack_id)["Stacks"]
        began = clock.iso(stack.get("LastUpdatedTime", stack["CreationTime"]).timestamp())
        return bool(began > moment and "ROLLBACK" not in stack["StackStatus"] and "FAILED" not in stack["StackStatus"])

    @property
    def _cloudwatch(self) -> object:
        return self._access.client("cloudwatch")

    def read(self) -> Reading:
        """Look at everything, once."""
        now, lock, view = clock.now(), self.ledger.lock(), self.endpoint.describe()
        running = self.executing(lock)
        plan = self.plan if running is None else running.plan
        return Reading(
            target=self.target,
            region=self._access.region,
            now=now,
            endpoint=view,
            versions=self.versions(view),
            lock=lock,
            declared=self.ledger.declared(),
            rollouts=self.rollouts(),
            plan=plan,
            executing=running,
            alarms=self.alarms(plan),
            counts=self.counts(plan, now),
        )


def _hundreds(names: Sequence[str]) -> list[Sequence[str]]:
    """Return the names in parts that one call of DescribeAlarms takes."""
    return [names[first : first + 100] for first in range(0, len(names), 100)]
