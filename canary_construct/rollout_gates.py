"""The gates of one endpoint, which may grow until the template is rendered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.gate import Gate
    from canary_construct.traffic_routing import TrafficRouting

GATE_PERIODS = 5
"""How many metric periods a gate must have seen before a step passes."""


class RolloutGates:
    """Gates that share one chance `alpha` of rolling back a healthy release.

    Raises:
        ValueError: when there is no gate, two have one name, a step is too short for one, or alpha is out of its range.
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
        self._check()

    def add(self, gate: Gate) -> None:
        """Add a gate that fits the others and the steps."""
        self._gates.append(gate)
        self._check()

    def render(self) -> dict[str, Any]:
        """Return the rules for the judge, and where each gate's counts come from."""
        return {
            "judge": {
                "alpha": self._alpha,
                "require_proof": self._require_proof,
                "gates": [gate.render(self._period) for gate in self._gates],
            },
            "sources": {gate.name: dict(gate.source) for gate in self._gates},
        }

    def _check(self) -> None:
        twice = [name for name, count in Counter(gate.name for gate in self._gates).items() if count > 1]
        if twice:
            raise ValueError(f"gates must have different names, got {', '.join(twice)} twice")
        for gate in self._gates:
            self._check_time(gate)

    def _check_time(self, gate: Gate) -> None:
        needed = gate.warm_up_seconds + GATE_PERIODS * self._period
        for step in self._routing.traffic_steps:
            if step.bake_seconds < needed:
                raise ValueError(
                    f"bake must be at least {needed} s for gate {gate.name} (its warm-up of {gate.warm_up_seconds} s "
                    f"and {GATE_PERIODS} metric periods), got {step.bake_seconds} s at {step.title}"
                )
