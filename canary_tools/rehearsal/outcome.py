"""How a rehearsed rollout ended, as plain data."""

from typing import Any

from rollout.contract.names import PROMOTED

from canary_tools.rehearsal.final_state import FinalState
from canary_tools.rehearsal.record.observation import Observation
from canary_tools.rehearsal.record.rehearsed import Result
from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.services.executions import Execution, Usage, seconds_of
from canary_tools.rehearsal.simulated_aws import SimulatedAws


class Outcome:
    """Reads the end of a rehearsal."""

    def __init__(
        self, aws: SimulatedAws, observation: Observation, execution: Execution, instances_before: int
    ) -> None:
        self._aws = aws
        self._observation = observation
        self._execution = execution
        self._instances_before = instances_before
        self._record = self._aws.rollout(execution)

    def result(self) -> Result:
        """Return everything that a rehearsal answers."""
        usage = self._usage()
        canary, stable = list(self._observation.of_canary()), list(self._observation.of_stable())
        final = FinalState(self._aws)
        problems = final.problems(self._execution, self._record)
        return {
            "outcome": self._record.get("outcome", self._execution["status"]),
            "reason": self._record.get("reason") or self._execution.get("cause") or "",
            "seconds": self._seconds(),
            "steps": self._steps(),
            "bad_requests_caused": sum(served.caused for served in (*canary, *stable)),
            "bad_requests_caused_at_stable": sum(served.caused for served in stable),
            "canary_requests": sum(served.requests for served in canary),
            "stable_requests": sum(served.requests for served in stable),
            "seconds_to_detect": self._seconds_to_detect(),
            "seconds_to_weight_zero": self._seconds_to_weight_zero(),
            "final": final.to_json(),
            "safe_end": not problems,
            "unsafe": problems,
            "history_events": usage.history_events,
            "state_transitions": usage.state_transitions,
            "api_calls": dict(sorted(self._aws.calls.items())),
            "metrics_read": self._aws.metrics_read,
            "cost_usd": self._cost(usage),
            "prices_as_of": list_prices.as_of(self._aws.instance_type),
        }

    def _steps(self) -> list[dict[str, Any]]:
        """Return each share that the canary had. Cohorts come first, and each of them is one."""
        cohorts = [step for step in self._aws.declared.plan.steps if step.cohort is not None]
        return [
            {
                "title": cohorts[index].title if index < len(cohorts) else f"{step['percent']:g} %",
                "expected_percent": cohorts[index].expected_percent if index < len(cohorts) else step["percent"],
                "percent": step["percent"],
                "started_s": round(self._second_of(step["shifted_at"]), 1),
                "ended_s": round(self._second_of(step["ended_at"]), 1) if "ended_at" in step else None,
                "canary_requests": step["canary_requests"],
                "reason": step.get("reason", ""),
            }
            for index, step in enumerate(self._record.get("steps", []))
        ]

    def _second_of(self, moment: str) -> float:
        """Return a moment of the ledger as a second of the rollout."""
        return seconds_of(moment) - self._aws.zero

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
            ledger_calls=sum(count for call, count in self._aws.calls.items() if call.startswith("dynamodb:")),
            metrics=self._aws.metrics_read,
        )
        return None if instances is None else round(instances + orchestration, 4)
