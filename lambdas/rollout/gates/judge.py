"""All gates of a rollout: the state to keep between evaluations, and the verdict of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from rollout.contract.gate_rules import JudgeRules
from rollout.gates import report
from rollout.gates.minutes import Minute, new_in_order
from rollout.gates.progress import Progress, State
from rollout.gates.report import Assessment, Verdict
from rollout.gates.view import GateView


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the canary against stable, as often as the caller likes.

    A healthy canary is in every minute at most `ratio` times as bad as stable. It is rolled back with a chance of at
    most alpha over the *whole* rollout. The judge holds no state and reads no clock.

    >>> judge = Judge.from_config({"gates": [{"name": "errors"}], "mode": "exact"})
    >>> seen = {"canary_total": 300, "canary_bad": 9, "stable_total": 5700, "stable_bad": 6}
    >>> state, assessment = judge.update(judge.new_state(), [Minute(0, 0, {"errors": seen})])
    >>> print(assessment.verdict, "-", assessment.reason)  # doctest: +NORMALIZE_WHITESPACE
    FAIL - errors: canary 9 of 300 requests failed (3.00 %), stable 6 of 5,700 (0.11 %);
    the canary is at least 1.25 times worse, evidence 1 in 100
    """

    rules: JudgeRules

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Read `judge` of the plan, or GATES.json.

        Raises:
            InvalidGatesError: for an unknown key or a value outside its range.
        """
        return cls(JudgeRules.parse(config))

    def new_state(self) -> State:
        """Return the state at the start of a rollout, as a small JSON value."""
        return Progress.start(self.rules).to_json()

    def update(self, state: Mapping[str, Any], minutes: Iterable[Minute], *, step: int = 0) -> tuple[State, Assessment]:
        """Add the final minutes since the last evaluation and judge. The given state is not changed.

        Minutes that were used before are ignored, and nothing is added after a `FAIL`, so a repeated evaluation changes
        nothing. The order within a batch does not matter. `step` is the number of the step to judge; it may have no
        final minute yet. Without it, the last step that had a minute is judged.

        Raises:
            InvalidMinutesError: when a minute comes twice, a later minute belongs to an earlier step, or a minute has
                a share and fell from one.
        """
        progress = Progress.from_json(self.rules, state)
        skipped: list[str] = []
        for minute in new_in_order(minutes, state["last"], state["step"]):
            if progress.failed is not None:
                break
            progress.add(minute)
            skipped += minute.skipped
        if progress.failed is None:
            progress.begin(step)
        return progress.to_json(), report.assess(progress, tuple(skipped))

    def views(self, state: Mapping[str, Any], *, before: Mapping[str, Any]) -> list[GateView]:
        """Return what the pace of a rollout must know of each gate that is asked in the current step.

        `before` is the state before the minutes that pacing bets on.
        """
        earlier = Progress.from_json(self.rules, before).states
        gates = Progress.from_json(self.rules, state).gates
        return [GateView.of(gate, seen, before=earlier[gate.rule.name]) for gate, seen in gates if gate.is_asked]

    def asks_proof(self, state: Mapping[str, Any]) -> bool:
        """Tell whether the current step passes on a proof only.

        Not at 100 %: there stable serves nothing to compare with, and the steps before have given the proof. Nor does
        a cohort that cannot judge: the steps after it give the proof.
        """
        progress = Progress.from_json(self.rules, state)
        return self.rules.asks_proof_in(progress.step) and not progress.has_all_traffic

    def at_bake_end(self, state: Mapping[str, Any]) -> Assessment:
        """Judge a step whose bake is over: `PASS` if it saw enough, `CONTINUE` if the bake must be extended.

        Enough is `min_requests` and `min_minutes` on every gate. Where a proof is asked it is an early pass.
        """
        progress = Progress.from_json(self.rules, state)
        assessment = report.assess(progress)
        if assessment.verdict is not Verdict.CONTINUE or self.asks_proof(state) or assessment.holds:
            return assessment
        return report.at_bake_end(progress, assessment)
