"""How a rehearsed rollout ended, as plain data."""

from collections.abc import Mapping
from typing import Any

from canary_tools.rehearsal.observation import Observation, since
from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.services.executions import Execution, Usage, seconds_of
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.template.plan_steps import expected_percent, title

PROMOTED, ROLLED_BACK = "PROMOTED", "ROLLED_BACK"

Result = dict[str, Any]


class Outcome:
    """Reads the end of a rehearsal."""

    def __init__(
        self, aws: SimulatedAws, observation: Observation, execution: Execution, instances_before: int
    ) -> None:
        self._aws = aws
        self._observation = observation
        self._execution = execution
        self._instances_before = instances_before
        self._record: Mapping[str, Any] = self._item(f"rollout#{execution['name']}") or {}

    def result(self) -> Result:
        """Return everything that a rehearsal answers."""
        usage = self._usage()
        canary, stable = list(self._observation.of_canary()), list(self._observation.of_stable())
        final = self._final()
        problems = self.unsafe()
        return {
            "outcome": self._record.get("outcome", self._execution["status"]),
            "reason": self._record.get("reason") or self._execution.get("cause") or "",
            "seconds": self._seconds(),
            "steps": self._steps(),
            "bad_requests_caused": sum(served.caused for served in canary),
            "canary_requests": sum(served.requests for served in canary),
            "stable_requests": sum(served.requests for served in stable),
            "seconds_to_detect": self._seconds_to_detect(),
            "seconds_to_weight_zero": self._seconds_to_weight_zero(),
            "final": final,
            "safe_end": not problems,
            "unsafe": problems,
            "history_events": usage.history_events,
            "state_transitions": usage.state_transitions,
            "api_calls": dict(sorted(self._aws.calls.items())),
            "cost_usd": self._cost(usage),
        }

    def unsafe(self) -> list[str]:
        """Return what is not as it must be at the end, in sentences; nothing if the end is safe.

        An endpoint that was deleted has no weights and no floors.
        """
        final = self._final()
        outcome = self._record.get("outcome")
        serving = [slot for slot, weight in final["weights"].items() if weight > 0]
        problems = []
        if self._execution["status"] == "RUNNING":
            problems.append("the execution still runs")
        if len(serving) != 1 and self._aws.has_endpoint():
            problems.append(f"exactly one variant must have all the weight, got {final['weights']}")
        if final["lock"] is not None:
            problems.append(f"the lock is held by {final['lock']}")
        if outcome not in {PROMOTED, ROLLED_BACK} or not self._record.get("reason"):
            problems.append(f"the ledger does not say how and why the rollout ended, it says {outcome}")
        problems += self._open_cohorts()
        if len(serving) == 1:
            problems += self._wrong_floors(serving[0])
            problems += self._wrong_slot(serving[0])
        return problems

    def _open_cohorts(self) -> list[str]:
        final = self._final()
        published = [] if final["cohort"] is None else [f"a cohort is still published: {final['cohort']}"]
        doors = [f"stage {name} still has a cohort: {held}" for name, held in final["front_doors"].items()]
        return published + doors

    def _wrong_floors(self, stable: str) -> list[str]:
        scaling = self._aws.declared.plan["scaling"]
        problems = []
        for target in self._targets():
            slot = _slot(target)
            declared = scaling["min_instances"] if slot == stable else scaling["idle_instances"]
            if target["MinCapacity"] != declared:
                problems.append(f"the floor of {slot} must be {declared}, got {target['MinCapacity']}")
            if any(target["SuspendedState"].values()):
                problems.append(f"scaling of {slot} is suspended")
        return problems

    def _wrong_slot(self, serving: str) -> list[str]:
        """Return what is wrong unless that release serves which the ledger says was promoted last."""
        names = [execution["name"] for execution in self._aws.executions.all()]
        records = [self._item(f"rollout#{name}") or {} for name in names]
        promoted = [record["version"] for record in records if record.get("outcome") == PROMOTED]
        expected = promoted[-1] if promoted else self._aws.served_before
        fleet = self._aws.sagemaker.endpoints.find(self._aws.declared.endpoint_name).fleet
        serves = "" if fleet is None else self._aws.version_in(fleet.variants[serving].model_name)
        return [] if serves == expected else [f"{serving} serves {serves} although the ledger says {expected}"]

    def _final(self) -> dict[str, Any]:
        lock = self._item("lock")
        variants = self._aws.endpoint()["ProductionVariants"] if self._aws.has_endpoint() else []
        return {
            "weights": {row["VariantName"]: row["CurrentWeight"] for row in variants},
            "scaling_floors": {_slot(target): target["MinCapacity"] for target in self._targets()},
            "lock": None if lock is None else f"{lock['kind']} {lock['holder']}",
            "cohort": (self._item("cohort") or {}).get("cohort"),
            "front_doors": self._aws.front_doors.letting_through(),
            "executions": [
                {"name": execution["name"], "status": execution["status"]} for execution in self._aws.executions.all()
            ],
        }

    def _steps(self) -> list[dict[str, Any]]:
        declared = self._aws.declared.plan["steps"]
        return [
            {
                "title": title(declared[index]),
                "expected_percent": expected_percent(declared[index]),
                "percent": step["percent"],
                "started_s": round(since(self._aws.zero, step["shifted_at"]), 1),
                "ended_s": round(since(self._aws.zero, step["ended_at"]), 1) if "ended_at" in step else None,
                "canary_requests": step["canary_requests"],
                "reason": step.get("reason", ""),
            }
            for index, step in enumerate(self._record.get("steps", []))
        ]

    def _seconds(self) -> float:
        end = self._execution["stopDate"]
        return round((seconds_of(end) if end else self._aws.clock.now()) - self._aws.zero, 1)

    def _seconds_to_detect(self) -> float | None:
        """From the first moment at which users met a worse canary to the decision against it."""
        decided, begun = self._decided_s(), self._observation.first_worse_s
        return None if decided is None or begun is None else round(max(decided - begun, 0.0), 1)

    def _seconds_to_weight_zero(self) -> float | None:
        """From the decision against the canary to the end of its last requests."""
        decided, last = self._decided_s(), self._observation.last_exposed_s
        return None if decided is None or last is None else round(max(last - decided, 0.0), 1)

    def _decided_s(self) -> float | None:
        """Return when it was decided to roll back: by an order to halt, or by the state machine."""
        if self._record.get("outcome") == PROMOTED:
            return None
        halted = [] if self._observation.halted_s is None else [self._observation.halted_s]
        entered = self._aws.executions.entered(self._execution, "RollBack")
        moments = halted if entered is None else [*halted, entered - self._aws.zero]
        return min(moments) if moments else None

    def _usage(self) -> Usage:
        return self._aws.executions.usage(self._execution)

    def _cost(self, usage: Usage) -> float | None:
        """Return nothing for an instance type whose price is not known."""
        seconds = self._observation.minutes[-1].start_s + 60 if self._observation.minutes else 0.0
        extra = max(self._observation.instance_seconds - self._instances_before * seconds, 0.0)
        instances = list_prices.instances(self._aws.instance_type, extra)
        orchestration = list_prices.orchestration(
            state_transitions=usage.state_transitions,
            lambda_requests=self._observation.lambda_requests,
            lambda_megabyte_seconds=self._observation.lambda_megabyte_seconds,
            calls=self._aws.calls,
        )
        return None if instances is None else round(instances + orchestration, 4)

    def _targets(self) -> list[dict[str, Any]]:
        request = {"ServiceNamespace": "sagemaker"}
        targets: list[dict[str, Any]] = self._aws.sagemaker.scaling.describe_targets(request)["ScalableTargets"]
        return targets

    def _item(self, record: str) -> dict[str, Any] | None:
        return self._aws.table.item(self._aws.declared.endpoint_name, record)


def _slot(target: Mapping[str, Any]) -> str:
    return str(target["ResourceId"]).rpartition("/")[2]
