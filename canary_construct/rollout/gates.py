"""The gates of one endpoint. More may be added until the template is rendered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rollout.contract.gate_rules import WIDEST_JUDGED, FailedRequests, GateRules, JudgeRules, RefusedRequests
from rollout.contract.plan import Passes
from rollout.contract.timing import BLIND_SECONDS, GATE_PERIODS, HIGH_RESOLUTION_SECONDS, METRICS_SETTLED_SECONDS

from canary_construct.props.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.traffic_routing import TrafficRouting

STANDARD_PERIOD_SECONDS = 60
"""Shorter metric periods are of high resolution."""
STANDARD_RESOLUTION_SECONDS = 15 * 24 * 3600
"""How long CloudWatch keeps periods of 60 s. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""


class RolloutGates:
    """Gates that share one chance `alpha` of rolling back a healthy release.

    Where failed requests are compared, refused ones are as well, by a gate of their own: many callers at fault must not
    hide a few failures, and the other way round.

    Raises:
        ValueError: when there is no gate, two have one name, a step is too short for one, a delay is too long for the
            metric period, no gate is asked in a cohort step, a proof is asked that no step can give, or alpha is
            out of its range.
    """

    def __init__(
        self,
        gates: Sequence[Gate],
        *,
        routing: TrafficRouting,
        alpha: float,
        require_proof: bool,
        metric_period_seconds: int,
    ) -> None:
        self._gates = list(gates)
        self._routing = routing
        self._alpha = alpha
        self._require_proof = require_proof
        self._period = metric_period_seconds
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be above 0 and below 1, got {alpha}")
        if not self._gates:
            raise ValueError("gates must hold at least one gate, got none")
        if require_proof and self._routing.proof_step is None:
            raise ValueError("require_proof needs a step before 100 %: there both serve, got 100 % alone")
        self._check()

    def add(self, gate: Gate) -> None:
        """Add a gate that fits the others and the steps."""
        self._gates.append(gate)
        self._check()

    def rules(self) -> GateRules:
        """Return the rules of the judge, and where each gate's counts come from."""
        proven_in = self._routing.proof_step
        cohorts = tuple(n for n, step in enumerate(self._routing.traffic_steps) if step.rule is not None)
        return GateRules(
            judge=JudgeRules(
                alpha=self._alpha,
                require_proof=self._require_proof,
                warm_up_once=self._routing.is_paced,
                gates=tuple(
                    gate.rule_in_periods(
                        self._period, superior_step=proven_in, cohort_steps=cohorts, spreads=self._spreads(gate)
                    )
                    for gate in self.gates
                ),
            ),
            sources={gate.name: gate.source for gate in self.gates},
        )

    @property
    def gates(self) -> Sequence[Gate]:
        """Return the gates of this moment."""
        kinds = [type(gate.source) for gate in self._gates]
        if FailedRequests not in kinds or RefusedRequests in kinds:
            return tuple(self._gates)
        after = kinds.index(FailedRequests) + 1
        return (*self._gates[:after], Gate.refused_requests(), *self._gates[after:])

    def widest_spread(self, index: int) -> float:
        """Return how many times the users of a step may differ by themselves; 1 where requests are drawn."""
        return max(gate.spread_in(index) for gate in self.rules().judge.gates)

    def chance_of_draw(self, gate: Gate) -> float:
        """Return a gate's chance of more than its spread in one cohort step: together they take half of alpha."""
        part = gate.rule.alpha_share / sum(gate.rule.alpha_share for gate in self.gates)
        return self._alpha / 2 * part / max(len(self._routing.cohorts), 1)

    def waits(self, gate: Gate, index: int) -> dict[str, int]:
        """Return the seconds of a step, by reason, that pass before a gate counts what it shall judge there.

        Where the share rises little by little, the canary is cold in the first step only.
        """
        warm_up = 0 if index and self._routing.is_paced else gate.warm_up_seconds
        waits = {"warm-up": warm_up, "delay": gate.delay_seconds if self._waits_for_delay(index) else 0}
        return {reason: seconds for reason, seconds in waits.items() if seconds}

    def _spreads(self, gate: Gate) -> list[float]:
        return [rule.spread(self.chance_of_draw(gate)) for rule in self._routing.cohorts]

    def _check(self) -> None:
        twice = [name for name, count in Counter(gate.name for gate in self.gates).items() if count > 1]
        if twice:
            raise ValueError(f"gates must have different names, got {', '.join(twice)} twice")
        if not any(gate.asked_in_cohorts for gate in self.gates):
            self._refuse_cohorts()
        for gate in self.gates:
            self._check_delay(gate)
            self._check_time(gate)
            if gate.superior:
                self._check_superiority(gate)
        if self._require_proof:
            self._check_proof()

    def _refuse_cohorts(self) -> None:
        cohorts = [step.title for step in self._routing.traffic_steps if step.rule is not None]
        if cohorts:
            names = ", ".join(gate.name for gate in self.gates)
            raise ValueError(
                f"a cohort step needs a gate that is asked there, such as Gate.error_rate(), got {names} at "
                f"{cohorts[0]}"
            )

    def _check_delay(self, gate: Gate) -> None:
        """Refuse a delay after which CloudWatch may have dropped what shall be read: it may still be late, or away."""
        is_short = self._period < STANDARD_PERIOD_SECONDS
        kept = HIGH_RESOLUTION_SECONDS if is_short else STANDARD_RESOLUTION_SECONDS
        longest = kept - METRICS_SETTLED_SECONDS - BLIND_SECONDS
        if gate.delay_seconds > longest:
            periods = f"{'under' if is_short else 'of'} {STANDARD_PERIOD_SECONDS} s"
            raise ValueError(
                f"delay must be at most {longest} s at metric_period {self._period}, because CloudWatch keeps periods "
                f"{periods} for {kept // 3600} hours; got {gate.delay_seconds} s for gate {gate.name}"
            )

    def _check_time(self, gate: Gate) -> None:
        """Refuse a bake in which a gate sees too little. A step that waits for the budget is not judged by its bake."""
        for index, step in enumerate(self._routing.traffic_steps):
            if step.passes is Passes.BUDGET:
                continue
            waits = self.waits(gate, index)
            needed = sum(waits.values()) + GATE_PERIODS * self._period
            if step.bake_seconds < needed:
                parts = [f"{reason} of {seconds} s" for reason, seconds in waits.items()]
                raise ValueError(
                    f"bake must be at least {needed} s for gate {gate.name} (its "
                    f"{' and '.join([*parts, f'{GATE_PERIODS} metric periods'])}), got {step.bake_seconds} s at "
                    f"{step.title}"
                )

    def _waits_for_delay(self, index: int) -> bool:
        """Tell whether a step's own counts matter: at 100 %, the gates read the delayed ones of the step before."""
        return index == 0 or index < len(self._routing.traffic_steps) - 1

    def _check_superiority(self, gate: Gate) -> None:
        number = self._routing.proof_step
        if number is None:
            raise ValueError(
                f"gate {gate.name} asks for a proof that the canary is better than stable, which needs a step before "
                "100 %: there both serve, got 100 % alone"
            )
        step = self._routing.traffic_steps[number]
        if step.rule is not None and step.rule.values:
            raise ValueError(
                f"gate {gate.name} asks for a proof that the canary is better than stable, which needs a share of the "
                f"users or of the requests before 100 %: other people than stable's prove nothing, got {step.title} "
                f"chosen by header {step.rule.header}"
            )
        if step.rule is not None:
            self._check_judges(gate, number, f"gate {gate.name} asks for a proof that the canary is better than stable")

    def _check_proof(self) -> None:
        number = self._routing.proof_step
        assert number is not None
        for gate in self.gates:
            self._check_judges(gate, number, "require_proof asks for a proof that the canary is not worse than stable")

    def _check_judges(self, gate: Gate, number: int, asked: str) -> None:
        """Refuse a proof by a cohort whose own users may explain too much."""
        rule = next(rule for rule in self.rules().judge.gates if rule.name == gate.name)
        if not rule.judges_in(number):
            raise ValueError(
                f"{asked}, which {self._routing.traffic_steps[number].title} cannot give: its own users may explain "
                f"{rule.spread_in(number):g} times stable's rate, more than {WIDEST_JUDGED:g}; "
                f"{self.way_out(gate, number)}"
            )

    def way_out(self, gate: Gate, number: int) -> str:
        """Return what a cohort step needs so that a gate can judge what is better there."""
        cohort = self._routing.cohorts[number]
        later = "let a later step judge that gives the canary a share of the requests"
        if not cohort.buckets:
            return later
        needed = cohort.users_for(WIDEST_JUDGED, self.chance_of_draw(gate))
        return f"share_of_users needs users of {needed:,} or more for that, or {later}"
