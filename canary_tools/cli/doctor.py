"""Looks whether a release could start now. What cannot be read is a finding too, and does not hide the others."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from rollout import clock
from rollout.cohorts import Cohorts
from rollout.contract.errors import RolloutError
from rollout.contract.names import SLOTS, other_slot
from rollout.contract.plan import Plan
from rollout.contract.scalings import Scalings
from rollout.endpoint import EndpointView
from rollout.metrics import Metrics
from rollout.scaling import SlotScalers
from rollout.watching.reading import Reader
from rollout.world import World

from canary_tools.cli import checks
from canary_tools.cli.checks import BLOCKS, NOT_KNOWN, Finding
from canary_tools.cli.refusals import is_denied, sentence_of
from canary_tools.cli.session import Session

MINUTE = 60

Found = TypeVar("Found")


def stands_in_the_way(found: Sequence[Finding]) -> bool:
    """Tell whether a release could not start now."""
    return any(each.state == BLOCKS for each in found)


def findings_of(reader: Reader, session: Session) -> list[Finding]:
    """Return what each check found."""
    examination = _Examination(reader, session)
    examination.examine()
    return examination.found


class _Examination:
    """One run of all checks."""

    def __init__(self, reader: Reader, session: Session) -> None:
        self._reader = reader
        self._session = session
        self.found: list[Finding] = []

    def examine(self) -> None:
        """Make every check that can be made."""
        view = self._ask("endpoint", self._reader.endpoint.describe)
        plan = self._ask("plan", lambda: self._reader.plan)
        if view is not None:
            self.found.append(checks.of_endpoint(view))
        lock_is_free = self._look_at_the_lock()
        if view is not None and plan is not None:
            waits = self._look_at_the_release(view, plan)
            per_minute = self._look_at_what_watches(view, plan)
            scalings = self._look_at_scaling(view, plan, lock_is_free=lock_is_free)
            self._look_at_instances(view, scalings, per_minute=per_minute, waits=waits)
        if not any(each.check == "permissions" for each in self.found):
            self.found.insert(0, Finding(check="permissions", state=checks.FINE, sentence="all that a look needs"))

    def _look_at_the_lock(self) -> bool:
        try:
            lock = self._reader.ledger.lock()
            runs = lock is not None and self._reader.executing(lock) is not None
        except (RolloutError, BotoCoreError, ClientError) as error:
            self._not_read("lock", error)
            return False
        self.found.append(checks.of_lock(lock, execution_runs=runs))
        return lock is None and self._reader.ledger.landing() is None

    def _look_at_the_release(self, view: EndpointView, plan: Plan) -> str:
        """Return the slot in which a release waits; empty when none does, or that is not known."""
        versions = self._ask("versions", lambda: self._reader.versions(view))
        declared = self._ask("release", lambda: [self._reader.ledger.declared()])
        if versions is not None and declared is not None:
            start = plan.settings.start_on_deploy
            self.found.append(checks.of_release(declared[0], view, versions, start_on_deploy=start))
        if plan.windows:
            self.found.append(checks.of_windows(plan, clock.now()))
        return "" if versions is None or declared is None else checks.waiting_in(declared[0], view, versions)

    def _look_at_what_watches(self, view: EndpointView, plan: Plan) -> float:
        """Return the requests a minute of the busiest metric period that was seen."""
        serving = view.serving_slots()
        alarms = self._ask("alarms", lambda: self._reader.alarms(plan))
        if alarms is not None:
            canary = other_slot(serving[0]) if len(serving) == 1 else ""
            self.found.append(checks.of_alarms(plan, alarms, canary))
        now = clock.now()
        counts = self._ask("metrics", lambda: self._reader.counts(plan, now))
        if counts is None:
            return 0.0
        self.found.append(checks.of_metrics(view, counts, now))
        busiest = max((sum(each.requests.values()) for each in counts), default=0.0)
        return MINUTE * busiest / plan.settings.metric_period_seconds

    def _look_at_scaling(self, view: EndpointView, plan: Plan, *, lock_is_free: bool) -> Scalings | None:
        client = self._session.client("application-autoscaling")
        scalers = SlotScalers(view.name, client=client)
        registered = self._ask("scaling", scalers.registered)
        if registered is None:
            return None
        rests = lock_is_free and view.quiet
        scalings = self._ask("scaling", self._world(plan, scalers).scalings)
        if scalings is not None:
            self.found.append(checks.of_scaling(scalings, view, registered, rests=rests))
        return scalings

    def _look_at_instances(
        self, view: EndpointView, scalings: Scalings | None, *, per_minute: float, waits: str
    ) -> None:
        types = self._ask("instances", lambda: self._instance_types(view))
        if types is None:
            return
        needed = checks.instances_of_a_rollout(view, types, scalings, per_minute=per_minute, waits=waits)
        for instance_type, instances in sorted(needed.items()):
            self.found.append(checks.of_quota(instance_type, needed=instances, quota=self._quota(instance_type)))

    def _world(self, plan: Plan, scalers: SlotScalers) -> World:
        """Return the adapters as handlers have them."""
        ledger, period = self._reader.ledger, plan.settings.metric_period_seconds
        return World(
            settings=plan.settings,
            endpoint=self._reader.endpoint,
            scalers=scalers,
            ledger=ledger,
            metrics=Metrics(plan.settings.endpoint, period, client=self._session.client("cloudwatch")),
            cohorts=Cohorts(ledger=ledger, stages=()),
        )

    def _instance_types(self, view: EndpointView) -> dict[str, str]:
        placed = self._reader.endpoint.config(view.config_name)
        return {slot: placed[slot].instance_type for slot in SLOTS if slot in placed}

    def _quota(self, instance_type: str) -> float | None:
        """Return how many instances of a type the account may have for endpoints; `None` when AWS does not tell.

        Source: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
        """
        try:
            pages = self._session.client("service-quotas").get_paginator("list_service_quotas")
            return _quota_in(pages.paginate(ServiceCode="sagemaker"), f"{instance_type} for endpoint usage")
        except (BotoCoreError, ClientError):
            return None

    def _ask(self, what: str, look: Callable[[], Found]) -> Found | None:
        """Return what a look finds; `None` when it was refused, which is a finding."""
        try:
            return look()
        except (RolloutError, BotoCoreError, ClientError) as error:
            self._not_read(what, error)
            return None

    def _not_read(self, what: str, error: Exception) -> None:
        if is_denied(error) or is_denied(error.__cause__ or error):
            self.found.append(
                Finding(check="permissions", state=BLOCKS, sentence=sentence_of(error), see="permissions")
            )
        else:
            self.found.append(
                Finding(check=what, state=NOT_KNOWN, sentence=sentence_of(error), see="aws-does-not-answer")
            )


def _quota_in(pages: Any, name: str) -> float | None:
    found = (quota["Value"] for page in pages for quota in page["Quotas"] if quota["QuotaName"] == name)
    return next(found, None)
