"""The progress of a rollout: every gate's state, and which minutes were used."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from rollout.contract.gate_rules import GateRule, JudgeRules
from rollout.gates.capital import Capital
from rollout.gates.gate import Gate, GateState
from rollout.gates.logs import log_sum
from rollout.gates.minutes import Minute
from rollout.gates.traffic import TrafficGate

State = dict[str, Any]


@dataclass(slots=True)
class Progress:
    """The state while minutes are added; `from_json` reads what `to_json` writes.

    `last` is the last minute used, `began` the first one of the current step. `share` is the canary's share (0 to 1,
    None while it is not known), `even` the first minute of the step since which it has been the same. `failed` is the
    gate that rolls back. `passed` is the minute since which the proofs of all gates stand in the current step.
    """

    rules: JudgeRules
    states: dict[str, GateState]
    traffic: Capital
    last: int | None = None
    step: int = 0
    began: int | None = None
    failed: str | None = None
    passed: int | None = None
    traffic_seen: tuple[int, int, float] | None = None
    share: float | None = None
    even: int | None = None

    @classmethod
    def start(cls, rules: JudgeRules) -> Self:
        """Return the progress before the first minute."""
        states = {gate.name: Gate(gate, rules).new_state() for gate in rules.gates}
        return cls(rules, states, _traffic_gate(rules).new_state())

    @classmethod
    def from_json(cls, rules: JudgeRules, state: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        states = {gate.name: GateState.from_json(state["gates"][gate.name]) for gate in rules.gates}
        seen = state["seen"]
        share, even = state.get("even", (None if seen is None else seen[2], state["began"]))
        return cls(
            rules,
            states,
            Capital(tuple(state["traffic"]), state.get("traffic_cash")),
            last=state["last"],
            step=state["step"],
            began=state["began"],
            failed=state["failed"],
            passed=state["passed"],
            traffic_seen=None if seen is None else (seen[0], seen[1], seen[2]),
            share=share,
            even=even,
        )

    def to_json(self) -> State:
        """Return the state as plain JSON values; the share apart only when it has moved within the step."""
        seen = self.traffic_seen
        has_moved = (self.share, self.even) != (None if seen is None else seen[2], self.began)
        return {
            **({"even": [self.share, self.even]} if has_moved else {}),
            "last": self.last,
            "step": self.step,
            "began": self.began,
            "failed": self.failed,
            "passed": self.passed,
            "traffic": list(self.traffic.logs),
            "traffic_cash": self.traffic.cash,
            "seen": None if seen is None else list(seen),
            "gates": {name: gate.to_json() for name, gate in self.states.items()},
        }

    @property
    def gates(self) -> list[tuple[Gate, GateState]]:
        """Every gate with its state, in the order of the configuration."""
        return [(self._gate(rule, self.last), self.states[rule.name]) for rule in self.rules.gates]

    def _gate(self, rule: GateRule, minute: int | None) -> Gate:
        age, even = (0 if minute is None or first is None else minute - first for first in (self.began, self.even))
        return Gate(rule, self.rules, self.step, age, self.has_all_traffic, even)

    @property
    def traffic_gate(self) -> TrafficGate:
        """The gate on who receives the requests."""
        return _traffic_gate(self.rules)

    @property
    def has_all_traffic(self) -> bool:
        """Whether the canary's share was 100 % in the last minute that had requests."""
        return self.traffic_seen is not None and self.traffic_seen[2] >= 1.0

    def add(self, minute: Minute) -> None:
        """Add the next minute."""
        self.begin(minute.step)
        if self.began is None:
            self.began = self.even = minute.number
        self._follow_share(minute)
        for rule in self.rules.gates:
            self.states[rule.name] = self._after(rule, self.states[rule.name], minute)
        self._add_traffic(minute)
        self.last = minute.number
        self.failed = self._failing_gate()
        proven = [gate.proves(state) for gate, state in self.gates if gate.is_asked]
        if not proven or not all(proven):
            self.passed = None
        elif self.passed is None:
            self.passed = minute.number

    def begin(self, step: int) -> None:
        """Begin every step up to this one. No step passes on what an earlier one showed."""
        while self.step < step:
            self._begin_step()

    def _begin_step(self) -> None:
        self.step += 1
        self.began = self.even = None
        self.passed = None
        self.traffic = self.traffic_gate.new_state()
        for gate, state in self.gates:
            self.states[gate.rule.name] = gate.begin_step(state)

    def _follow_share(self, minute: Minute) -> None:
        """Note when the share moves within a step. A minute without a share says nothing of it."""
        if minute.share is None or minute.share == self.share:
            return
        self.share, self.even = minute.share, minute.number
        self.states = {gate.rule.name: gate.at_new_share(state) for gate, state in self.gates}

    def _after(self, rule: GateRule, state: GateState, minute: Minute) -> GateState:
        gate = replace(self._gate(rule, minute.number), has_all_traffic=minute.share == 1.0, fleet_age=minute.fleet_age)
        counts = minute.counts_of(rule.name)
        if counts is None or not gate.is_asked:
            return state
        if minute.fell_from is not None:
            return gate.fall(state, counts, minute.fell_from)
        if gate.is_left_out:
            return gate.warm_up(state, counts)
        known = replace(state, bounded=True) if rule.name in minute.bounded else state
        grown = gate.update(known, counts, minute.opposite_bounds_of(rule.name))
        if minute.invocations is None or minute.share is None:
            return grown
        return gate.check_split(grown, counts, minute.invocations, minute.share)

    def _add_traffic(self, minute: Minute) -> None:
        if minute.invocations is None or minute.share is None:
            return
        self.traffic_seen = (*minute.invocations, minute.share)
        self.traffic = self.traffic_gate.update(self.traffic, *self.traffic_seen)

    def _failing_gate(self) -> str | None:
        """Return the gate with the most evidence if the evidence of all gates together rolls back.

        A gate that does not count both variants alike says nothing.
        """
        scores = {gate.rule.name: gate.score(state) for gate, state in self.gates if gate.is_comparable(state)}
        if log_sum(scores.values()) < -math.log(self.rules.alpha_of_requests):
            return None
        return max(scores, key=lambda name: scores[name])


def _traffic_gate(rules: JudgeRules) -> TrafficGate:
    return TrafficGate(rules.traffic_ratio, -math.log(rules.alpha))
