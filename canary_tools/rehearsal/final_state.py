"""The state in which a rollout left the world, and whether that is safe."""

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.contract.names import ENDINGS, PROMOTED, SCALED_SERVICE
from rollout.contract.plan import Scaling
from rollout.contract.records import RolloutRecord

from canary_tools.rehearsal.services.executions import Execution
from canary_tools.rehearsal.simulated_aws import SimulatedAws


class FinalState:
    """Weights, floors, lock and cohort at the end of a rehearsal. A deleted endpoint has no weights and no floors."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        variants = aws.endpoint()["ProductionVariants"] if aws.has_endpoint() else []
        self._weights = {row["VariantName"]: row["CurrentWeight"] for row in variants}
        self._targets: list[dict[str, Any]] = aws.sagemaker.scaling.describe_targets(
            {"ServiceNamespace": SCALED_SERVICE}
        )["ScalableTargets"]
        lock = aws.record("lock")
        self._lock = None if lock is None else f"{lock['kind']} {lock['holder']}"
        self._cohort = (aws.record("cohort") or {}).get("cohort")
        self._front_doors = aws.front_doors.letting_through()

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "weights": self._weights,
            "scaling_floors": {_slot(target): target["MinCapacity"] for target in self._targets},
            "lock": self._lock,
            "cohort": self._cohort,
            "front_doors": self._front_doors,
            "executions": [
                {"name": execution["name"], "status": execution["status"]} for execution in self._aws.executions.all()
            ],
        }

    def problems(self, execution: Execution, record: RolloutRecord) -> list[str]:
        """Return what is not safe, in sentences; an empty list if the end is safe.

        `record`: what the ledger says of the rollout.
        """
        serving = [slot for slot, weight in self._weights.items() if weight > 0]
        return [
            *_of_execution(execution),
            *self._of_weights(serving),
            *self._of_lock(),
            *self._of_landing(),
            *_of_record(record),
            *self._of_cohorts(),
            *(self._of_serving(serving[0]) if len(serving) == 1 else ()),
        ]

    def _of_weights(self, serving: list[str]) -> Iterator[str]:
        if len(serving) != 1 and self._aws.has_endpoint():
            yield f"exactly one variant must have all the weight, got {self._weights}"

    def _of_lock(self) -> Iterator[str]:
        if self._lock is not None:
            yield f"the lock is held by {self._lock}"

    def _of_landing(self) -> Iterator[str]:
        if self._aws.is_landing():
            yield "a rollout that has ended keeps its instances still"

    def _of_cohorts(self) -> Iterator[str]:
        if self._cohort is not None:
            yield f"a cohort is still published: {self._cohort}"
        for name, variables in self._front_doors.items():
            yield f"stage {name} still has a cohort: {variables}"

    def _of_serving(self, stable: str) -> Iterator[str]:
        """Yield what is wrong with scaling and release, given the slot that serves."""
        for target in self._targets:
            slot = _slot(target)
            scaling = self._scaling_of(slot)
            declared = scaling.min_instances if slot == stable else scaling.idle_instances
            if target["MinCapacity"] != declared:
                yield f"the floor of {slot} must be {declared}, got {target['MinCapacity']}"
            if any(target["SuspendedState"].values()):
                yield f"scaling of {slot} is suspended"
        yield from self._of_release(stable)

    def _scaling_of(self, slot: str) -> Scaling:
        """Return the scaling of the release in a slot. The one that served before has the endpoint's."""
        declared = self._aws.declared
        is_usual = self._aws.version_in(self._aws.fleet().variants[slot].model_name) == self._aws.served_before
        return declared.plan.settings.scaling if is_usual else declared.release_scaling()

    def _of_release(self, stable: str) -> Iterator[str]:
        """Yield what is wrong unless that release serves which the ledger says was promoted last."""
        records = [self._aws.rollout(execution) for execution in self._aws.executions.all()]
        promoted = [record["version"] for record in records if record.get("outcome") == PROMOTED]
        expected = promoted[-1] if promoted else self._aws.served_before
        serves = self._aws.version_in(self._aws.fleet().variants[stable].model_name)
        if serves != expected:
            yield f"{stable} serves {serves} although the ledger says {expected}"


def _of_execution(execution: Execution) -> Iterator[str]:
    if execution["status"] == "RUNNING":
        yield "the execution still runs"


def _of_record(record: RolloutRecord) -> Iterator[str]:
    outcome = record.get("outcome")
    if outcome not in ENDINGS or not record.get("reason"):
        yield f"the ledger does not say how and why the rollout ended, it says {outcome}"


def _slot(target: Mapping[str, Any]) -> str:
    return str(target["ResourceId"]).rpartition("/")[2]
