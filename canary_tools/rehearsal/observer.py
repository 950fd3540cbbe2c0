"""Watches a rehearsal and keeps the record of its rollout."""

from typing import TYPE_CHECKING

from rollout.contract.lock import ROLLOUT, Lock

from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status
from canary_tools.aws_models.sagemaker.variants import Fleet, Variant
from canary_tools.rehearsal.record.observation import LockSeen, Look, Minute, Observation
from canary_tools.rehearsal.services.lambda_functions import Invoked
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.traffic import Served

if TYPE_CHECKING:
    from canary_tools.rehearsal.traffic.cohort import Cohort

MINUTE = 60.0


class Observer:
    """Listens to the simulated world. `observation`: the record that it keeps."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self.observation = Observation(second=aws.second, zero=lambda: aws.zero, seen=aws.bus.seen)
        self._last_instances: tuple[float, int] | None = None
        self._cohort: Cohort | None = None
        aws.users.listeners.append(self._served)
        aws.functions.listeners.append(self._invoked)
        aws.sagemaker.endpoints.on_change.append(self._changed)
        aws.on_record.append(self._recorded)

    def begin(self) -> None:
        """Note which slot holds the release when the rollout begins. A later deploy does not change the record."""
        variants = self._aws.fleet().variants.items()
        release = self._aws.release_model
        self.observation.slot = next(name for name, variant in variants if variant.model_name == release)

    def _served(self, fleet: Fleet, variant: Variant, served: Served) -> None:
        second = self._aws.second()
        if not self._aws.is_counting():
            return
        minute = self._minute(second)
        minute.served.setdefault(variant.name, Served()).add(served)
        minute.weights[variant.name] = variant.current_weight
        minute.instances[variant.name] = variant.current_count
        if variant.model_name == self._aws.release_model:
            cohort = self._aws.cohort.now()
            minute.cohort_percent = 0.0 if cohort is None or cohort.variant != variant.name else cohort.percent
            self._note_exposure(variant, second, in_cohort=minute.cohort_percent)
        self._count_instances(fleet, second)

    def _minute(self, second: float) -> Minute:
        """Return the minute of this second."""
        start, minutes = second // MINUTE * MINUTE, self.observation.minutes
        if not minutes or minutes[-1].start_s != start:
            minutes.append(Minute(start))
        return minutes[-1]

    def _note_exposure(self, variant: Variant, second: float, *, in_cohort: float) -> None:
        if variant.current_weight + in_cohort <= 0:
            return
        self.observation.last_exposed_s = second
        if self.observation.first_worse_s is None and self._aws.users.is_worse(variant):
            self.observation.first_worse_s = second

    def _count_instances(self, fleet: Fleet, second: float) -> None:
        count = sum(variant.current_count for variant in fleet.variants.values())
        if self._last_instances is not None:
            before, instances = self._last_instances
            self.observation.instance_seconds += (second - before) * instances
        self._last_instances = (second, count)

    def _invoked(self, invoked: Invoked) -> None:
        if not self._aws.is_counting():
            return
        self.observation.lambda_requests += 1
        self.observation.lambda_megabyte_seconds += invoked.seconds * invoked.function.memory_mb
        if invoked.outcome.error:
            name = invoked.function.short_name.replace("_", " ")
            self.observation.note("handler", f"{name} raised {invoked.outcome.error}: {invoked.outcome.message}")
        if invoked.function.short_name == "evaluate":
            self._look()

    def _recorded(self, record: str) -> None:
        if record == "cohort":
            self._note_cohort()
        if record == "landing":
            kept = "instances are kept" if self._aws.is_landing() else "instances are not kept any more"
            self.observation.note("landing", kept)
        if record == "lock":
            self._look_at_lock()

    def _look_at_lock(self) -> None:
        lock = self._aws.lock()
        if lock.get("kind") == ROLLOUT and "holder" in lock:
            self.observation.locks.append(LockSeen(at_s=self._aws.second(), lock=Lock.parse(lock)))
        if lock.get("halted") and self.observation.halted_s is None:
            self.observation.halted_s = self._aws.second()
            self.observation.note("halt", f"exposure was ordered to zero: {lock['halted']}")

    def _note_cohort(self) -> None:
        cohort, self._cohort = self._cohort, self._aws.cohort.now()
        if self._cohort is not None and self._cohort != cohort:
            text = f"a cohort of {self._cohort.percent:g} % was published for {self._cohort.variant}"
            self.observation.note("cohort", text)
        elif cohort is not None and self._cohort is None:
            self.observation.note("cohort", "the cohort was withdrawn")

    def _look(self) -> None:
        """Read the evidence of the last evaluation from the ledger."""
        running = next(reversed(self._aws.executions.all()), None)
        if running is None:
            return
        steps = self._aws.rollout(running).get("steps", [])
        gates = steps[-1].get("gates", []) if steps else []
        if gates:
            values = {gate["name"]: (float(gate["log_evidence"]), float(gate["dispersion"])) for gate in gates}
            self.observation.looks.append(Look(at_s=self._aws.second(), gates=values))

    def _changed(self, endpoint: Endpoint) -> None:
        if self._aws.second() < 0 or endpoint.status is not Status.IN_SERVICE or endpoint.fleet is None:
            return
        state = ", ".join(
            f"{name} weight {variant.current_weight:g} on {variant.current_count} instances"
            for name, variant in endpoint.fleet.variants.items()
        )
        if endpoint.failure_reason:
            state += f" ({endpoint.failure_reason})"
        happenings = self.observation.happenings
        if not happenings or happenings[-1].text != state:
            self.observation.note("endpoint", state)
