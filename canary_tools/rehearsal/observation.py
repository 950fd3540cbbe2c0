"""What happened in a rehearsal, minute by minute and event by event."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status
from canary_tools.aws_models.sagemaker.variants import Fleet, Variant
from canary_tools.rehearsal.services.executions import seconds_of
from canary_tools.rehearsal.services.lambda_functions import Invoked
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.traffic import Served

if TYPE_CHECKING:
    from canary_tools.rehearsal.traffic.cohort import Cohort

MINUTE = 60.0


@dataclass
class Minute:
    """One minute of the rollout, by variant. `cohort_percent` of all requests reach the canary whatever its weight."""

    start_s: float
    served: dict[str, Served] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    cohort_percent: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something to tell: `kind` groups happenings of one sort."""

    at_s: float
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """One evaluation: each gate's evidence and what it needs to roll back, as natural logarithms."""

    at_s: float
    gates: dict[str, tuple[float, float]]


class Observation:
    """Keeps the record of one rollout."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self.minutes: list[Minute] = []
        self.happenings: list[Happening] = []
        self.looks: list[Look] = []
        self.first_worse_s: float | None = None
        self.exposed_s: float | None = None
        self.last_exposed_s: float | None = None
        self.halted_s: float | None = None
        self.instance_seconds = 0.0
        self.lambda_megabyte_seconds = 0.0
        self.lambda_requests = 0
        self._last_instances: tuple[float, int] | None = None
        self._slot = ""
        self._cohort: Cohort | None = None
        aws.users.listeners.append(self._served)
        aws.functions.listeners.append(self._invoked)
        aws.sagemaker.endpoints.on_change.append(self._changed)
        aws.on_record.append(self._recorded)

    def note(self, kind: str, text: str) -> None:
        """Add a happening of this moment."""
        self.happenings.append(Happening(at_s=self._aws.second(), kind=kind, text=text))

    def of_canary(self) -> Iterator[Served]:
        """Yield what the slot of the canary answered, minute by minute."""
        slot = self.canary_slot()
        yield from (minute.served[slot] for minute in self.minutes if slot in minute.served)

    def of_stable(self) -> Iterator[Served]:
        """Yield what the other slot answered."""
        slot = self.canary_slot()
        for minute in self.minutes:
            yield from (served for name, served in minute.served.items() if name != slot)

    def canary_slot(self) -> str:
        """Return the slot that holds the release; it stays the same, whoever deploys what later."""
        self._slot = self._slot or self._slot_of_release()
        return self._slot

    def _slot_of_release(self) -> str:
        fleet = self._aws.sagemaker.endpoints.find(self._aws.declared.endpoint_name).fleet
        assert fleet is not None
        return next(name for name, variant in fleet.variants.items() if variant.model_name == self._aws.release_model)

    def bus_happenings(self) -> Iterator[Happening]:
        """Yield the events of alarms, executions and the rollout itself."""
        for seen in self._aws.bus.seen:
            at_s = seen.at - self._aws.zero
            if at_s < 0:
                continue
            if seen.source == "aws.cloudwatch":
                before, after = seen.detail["previousState"]["value"], seen.detail["state"]["value"]
                yield Happening(at_s=at_s, kind="alarm", text=f"{seen.detail['alarmName']}: {before} → {after}")
            elif seen.source == "aws.states":
                yield Happening(at_s=at_s, kind="execution", text=f"execution {seen.detail['status']}")
            elif seen.source == "canary-construct":
                reason = seen.detail.get("reason", "")
                text = seen.detail_type.removeprefix("Canary ")
                yield Happening(at_s=at_s, kind="rollout", text=f"{text}: {reason}" if reason else text)

    def _served(self, fleet: Fleet, variant: Variant, served: Served) -> None:
        second = self._aws.second()
        if not self._aws.is_counting():
            return
        start = second // MINUTE * MINUTE
        if not self.minutes or self.minutes[-1].start_s != start:
            self.minutes.append(Minute(start))
        minute = self.minutes[-1]
        minute.served.setdefault(variant.name, Served()).add(served)
        minute.weights[variant.name] = variant.current_weight
        minute.instances[variant.name] = variant.current_count
        if variant.model_name == self._aws.release_model:
            cohort = self._aws.cohort.now()
            minute.cohort_percent = 0.0 if cohort is None or cohort.variant != variant.name else cohort.percent
            self._exposure(variant, second, in_cohort=minute.cohort_percent)
        self._count_instances(fleet, second)

    def _exposure(self, variant: Variant, second: float, *, in_cohort: float) -> None:
        if variant.current_weight + in_cohort <= 0:
            return
        self.exposed_s = second if self.exposed_s is None else self.exposed_s
        self.last_exposed_s = second
        users = self._aws.users
        if self.first_worse_s is None and users.is_worse(variant):
            self.first_worse_s = second

    def _count_instances(self, fleet: Fleet, second: float) -> None:
        count = sum(variant.current_count for variant in fleet.variants.values())
        if self._last_instances is not None:
            before, instances = self._last_instances
            self.instance_seconds += (second - before) * instances
        self._last_instances = (second, count)

    def _invoked(self, invoked: Invoked) -> None:
        if not self._aws.is_counting():
            return
        self.lambda_requests += 1
        self.lambda_megabyte_seconds += invoked.seconds * invoked.function.memory_mb
        if invoked.outcome.error:
            name = invoked.function.short_name.replace("_", " ")
            self.note("handler", f"{name} raised {invoked.outcome.error}: {invoked.outcome.message}")
        if invoked.function.short_name == "evaluate":
            self._look()

    def _recorded(self, record: str) -> None:
        if record == "cohort":
            self._note_cohort()
        if record != "lock" or self.halted_s is not None:
            return
        lock = self._aws.lock()
        if lock.get("halted"):
            self.halted_s = self._aws.second()
            self.note("halt", f"exposure was ordered to zero: {lock['halted']}")

    def _note_cohort(self) -> None:
        cohort, self._cohort = self._cohort, self._aws.cohort.now()
        if self._cohort is not None and self._cohort != cohort:
            self.note("cohort", f"a cohort of {self._cohort.percent:g} % was published for {self._cohort.variant}")
        elif cohort is not None and self._cohort is None:
            self.note("cohort", "the cohort was withdrawn")

    def _look(self) -> None:
        """Read the evidence of the last evaluation from the ledger."""
        running = next(reversed(self._aws.executions.all()), None)
        if running is None:
            return
        endpoint = self._aws.declared.endpoint_name
        record = self._aws.table.item(endpoint, f"rollout#{running['name']}") or {}
        steps: list[dict[str, Any]] = record.get("steps", [])
        gates = steps[-1].get("gates", []) if steps else []
        if gates:
            values = {gate["name"]: (float(gate["log_evidence"]), float(gate["dispersion"])) for gate in gates}
            self.looks.append(Look(at_s=self._aws.second(), gates=values))

    def _changed(self, endpoint: Endpoint) -> None:
        if self._aws.second() < 0 or endpoint.status is not Status.IN_SERVICE or endpoint.fleet is None:
            return
        state = ", ".join(
            f"{name} weight {variant.current_weight:g} on {variant.current_count} instances"
            for name, variant in endpoint.fleet.variants.items()
        )
        if endpoint.failure_reason:
            state += f" ({endpoint.failure_reason})"
        if not self.happenings or self.happenings[-1].text != state:
            self.note("endpoint", state)


def since(zero: float, moment: str) -> float:
    """Return a moment of the ledger in seconds of the rollout."""
    return seconds_of(moment) - zero
