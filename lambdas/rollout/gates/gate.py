"""One gate through a rollout: its state, and what one more minute does to it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from rollout.contract.gate_rules import GateRule, JudgeRules
from rollout.gates import effects, failing, passing, restarts
from rollout.gates.bad_minutes import PART, BadMinutes
from rollout.gates.capital import Capital
from rollout.gates.counts import FIELDS, NOTHING, Counts
from rollout.gates.dispersion import INDEPENDENT, Dispersion
from rollout.gates.logs import floored, log_sum
from rollout.gates.proof import Proof
from rollout.gates.split import PART as SPLIT_PART
from rollout.gates.split import Split
from rollout.gates.stable_alone import is_outage, minutes_alone
from rollout.gates.suspicion import Suspicion

RESERVE = 0.08
SAME_SUM = 0.01
"""Of a request. What differs by less is not stored: two weeks of minutes lose at most 200 requests by it."""
MEMORY = 0.99
NEITHER_WAY = 0.0
"""The log of evidence that speaks neither for a claim nor against it."""
DOUBTFUL = Dispersion(excess=40.0, pairs=8)
"""Where fewer events are worse: a discount of 3 at first, of about 1.3 after forty independent minutes.

The cap on a minute cuts a burst of bad events. A lull of good ones lasts for minutes, in which nothing varies.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """What a gate remembers.

    `proof` bets that the step may pass. `rising` counts what was seen since the evidence was last at its minimum
    `lowest`: the best guess at when a fault began. `expected` and `rising_expected` sum up, minute by minute, how many
    of the canary's requests in `seen` and in `rising` were bad at stable's rate. `recent` is stable's (bad, all), in
    which older minutes fade. `bounded` tells whether any of these counts are bounds, see `Minute`.
    `minutes` and `own` count the current step: only minutes in which both had requests, and none before the gate last
    counted both alike. `split` tells whether it does; `None` while its totals were just the requests, and where a step
    begins with totals that fitted. `suspicion` looks at stable alone; `None` until a share is left or a step is over,
    before which nothing was counted. `alone` counts the minutes for which stable alone has been in trouble.
    """

    capital: Capital
    proof: Proof
    bad_minutes: BadMinutes
    dispersion: Dispersion = INDEPENDENT
    seen: Counts = NOTHING
    expected: float = 0.0
    rising: Counts = NOTHING
    rising_expected: float = 0.0
    lowest: float = 0.0
    recent: tuple[float, float] = (0.0, 0.0)
    minutes: int = 0
    own: Counts = NOTHING
    split: Split | None = None
    suspicion: Suspicion | None = None
    alone: int = 0
    bounded: bool = False

    @property
    def stable_rate(self) -> float | None:
        """Stable's recent rate, None before its first request."""
        bad, total = self.recent
        return (bad + 0.5) / (total + 1.0) if total else None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values with short keys: they are stored every minute."""
        checked = {} if self.split is None else {"split": self.split.to_json()}
        suspected = {} if self.suspicion is None else {"both": self.suspicion.to_json()}
        return {
            **checked,
            **suspected,
            "bets": list(self.capital.logs),
            "cash": self.capital.cash,
            "alone": self.bad_minutes.as_list(),
            **self.proof.to_json(),
            "var": self.dispersion.as_list(),
            "seen": [*self.seen.as_list(), *_unless_summed(self.expected, self.seen)],
            "rise": [*self.rising.as_list(), self.lowest, *_unless_summed(self.rising_expected, self.rising)],
            "past": list(self.recent),
            "step": [self.minutes] if self.own == self.seen else [self.minutes, *self.own.as_list()],
            **({"outage": self.alone} if self.alone else {}),
            **({"bounded": True} if self.bounded else {}),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        seen, *expected = _counts_first(state["seen"])
        rising, lowest, *rising_expected = _counts_first(state["rise"])
        minutes, *own = state["step"]
        return cls(
            capital=Capital(tuple(state["bets"]), state["cash"]),
            proof=Proof.parse(state),
            bad_minutes=BadMinutes.parse(state["alone"]),
            dispersion=Dispersion.parse(state["var"]),
            seen=seen,
            expected=expected[0] if expected else seen.expected,
            rising=rising,
            rising_expected=rising_expected[0] if rising_expected else rising.expected,
            lowest=lowest,
            recent=(state["past"][0], state["past"][1]),
            minutes=minutes,
            own=Counts(*own) if own else seen,
            split=Split.parse(state["split"]) if "split" in state else None,
            suspicion=Suspicion.parse(state["both"]) if "both" in state else None,
            alone=state.get("outage", 0),
            bounded=state.get("bounded", False),
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """The rules of one gate in one minute.

    `step` is the number of the step, `age` counts the minutes since it began. `has_all_traffic` tells whether the
    canary's share is 100 %. `even` counts the minutes of the step since which the share has been the same.
    `fleet_age` counts those since the canary's instances grew in number, None if they did not.
    """

    rule: GateRule
    judge: JudgeRules
    step: int = 0
    age: int = 0
    has_all_traffic: bool = False
    even: int = 0
    fleet_age: int | None = None

    @property
    def threshold(self) -> float:
        """ln(1/alpha), of the part of alpha that chance among requests may spend."""
        return -math.log(self.judge.alpha_of_requests)

    @property
    def spread(self) -> float:
        """How many times the users behind this minute may differ by chance. A delayed count has those before, too."""
        spread = self.rule.spread_in(self.step)
        return spread if self.is_own or not self.step else max(spread, self.rule.spread_in(self.step - 1))

    @property
    def widened(self) -> GateRule:
        """The rule with the ratio that a tolerable release and its users explain together."""
        spread = self.spread
        return self.rule if spread == 1.0 else replace(self.rule, ratio=self.rule.tolerated(spread))

    @property
    def alpha_share(self) -> float:
        """The part of alpha that this gate may spend."""
        return self.judge.alpha_shares[self.rule.name]

    @property
    def asks_superiority(self) -> bool:
        """Whether this step passes only with a proof that the canary is better than stable."""
        return self.step == self.rule.superior_step

    @property
    def is_asked(self) -> bool:
        """Whether this gate has a say in this step."""
        return self.step not in self.rule.unasked_steps

    @property
    def is_own(self) -> bool:
        """Whether this minute counts what was shown in this step, not in the one before."""
        return self.age >= self.rule.delay

    @property
    def has_one_split(self) -> bool:
        """Whether all that this minute counts was shown in this step and under the share that the canary has now."""
        return self.even >= self.rule.delay

    @property
    def is_left_out(self) -> bool:
        """Whether this minute only tells stable's rate: the canary warms up, or another release was shown."""
        warms_up = self.step == 0 or not self.judge.warm_up_once
        return (warms_up and self.age < self.rule.warm_up) or (self.step == 0 and not self.is_own)

    @property
    def may_be_cold(self) -> bool:
        """Whether the canary has new instances that warm up: what is bad then is not held against it."""
        return self.fleet_age is not None and self.fleet_age < self.rule.warm_up

    @property
    def _shows_the_step(self) -> bool:
        """Whether this minute may help the step to pass. At 100 % a step has nothing of its own to compare."""
        return self.is_own or self.has_all_traffic

    @property
    def _bets(self) -> tuple[float, ...]:
        return effects.harmful_weights(self.rule)

    def new_state(self) -> GateState:
        """Return the state before the first minute."""
        reserve = RESERVE if self.judge.is_robust else 0.0
        return GateState(
            capital=Capital.start(self._bets, reserve),
            proof=Proof(self._start_proof()),
            bad_minutes=BadMinutes.start(),
            dispersion=DOUBTFUL if self.rule.is_lower_worse else INDEPENDENT,
        )

    def begin_step(self, state: GateState) -> GateState:
        """Bet part of the cash, and reset what belongs to one step. What was not counted alike still is not."""
        return replace(
            state,
            capital=restarts.at_step(state.capital, self._bets, self.discount(state)),
            proof=Proof(self._start_proof()),
            dispersion=state.dispersion.begin_step(),
            minutes=0,
            own=NOTHING,
            split=None if state.split is None or self.is_comparable(state) else state.split.at_new_share(),
            suspicion=self._new_suspicion(state),
        )

    def _new_suspicion(self, state: GateState) -> Suspicion | None:
        return Suspicion(state.recent) if state.recent[1] and not self.rule.of_callers else None

    def at_new_share(self, state: GateState) -> GateState:
        """Forget what the canary's share of the bad requests was before its share of all requests moved.

        What harms both may begin with any move: stable is compared with what it was before.
        """
        return replace(
            state,
            dispersion=state.dispersion.begin_step(),
            split=None if state.split is None else state.split.at_new_share(),
            suspicion=state.suspicion or self._new_suspicion(state),
        )

    def warm_up(self, state: GateState, counts: Counts) -> GateState:
        """Learn stable's rate from a minute that is not compared."""
        return replace(state, recent=_faded(state.recent, counts))

    def update(self, state: GateState, counts: Counts, opposite: Counts | None = None) -> GateState:
        """Add one minute. While the gate does not count both alike, it says nothing for or against the canary.

        Neither does an outage of stable alone: nothing is bet on it from its second minute on, and it proves nothing.
        `opposite`: where the counts are bounds, those that speak least for the canary. Only they prove that it is good.
        """
        suspicion, alone = state.suspicion, minutes_alone(self.rule, counts, state.stable_rate, state.alone)
        since_shift = min(state.minutes, max(0, self.even - self.rule.delay))
        return replace(
            self._with_evidence(state, counts, opposite or counts, alone) if self.is_comparable(state) else state,
            alone=alone,
            suspicion=suspicion.observe(self.rule, counts, since_shift) if suspicion and self.is_own else suspicion,
            dispersion=state.dispersion.observe(counts) if self.has_one_split and not alone else state.dispersion,
            seen=state.seen + counts,
            expected=state.expected + counts.expected,
            recent=_faded(state.recent, counts),
        )

    def fall(self, state: GateState, counts: Counts, share: float) -> GateState:
        """Add a minute in which the canary's share fell from at most `share` (0 to 1).

        How many requests each variant got at which share is not known. So only the capital learns from this minute, and
        what `is_practical` compares: it takes the canary for as much exposed as it can have been.
        """
        is_bounded = 0.0 < share < 1.0 and not self.rule.is_lower_worse
        is_left_out = self.is_left_out or self.may_be_cold
        if is_left_out or not self.has_one_split or not is_bounded or not self.is_comparable(state):
            return state
        capital = failing.grow_in_a_fall(self._ready(state), self.widened, counts, share, self._limits(state))
        return _risen(state, capital, counts.with_share(share))

    def check_split(self, state: GateState, counts: Counts, requested: tuple[int, int], share: float) -> GateState:
        """Hold one minute's totals against the (canary, stable) requests; `share`: the canary's configured share.

        Only a chance split can be checked, and a delayed count only if it was shown under the share of this minute.
        A gate that counts the very requests has nothing to check: the evidence begins after the first minute in which
        its totals are others. Where no chance splits the requests, nothing is held against it any more. Served requests
        need not be split as the requests are.
        """
        counted = (counts.canary_total, counts.stable_total)
        if not self.has_one_split or self.rule.of_served:
            return state
        if not 0.0 < share < 1.0:
            return replace(state, split=None)
        if state.split is None:
            return state if counted == requested else replace(state, split=Split.start())
        checked = replace(state, split=state.split.observe(counted, requested, share, self._split_threshold))
        return checked if self.is_comparable(checked) else self._begun_anew(checked)

    def _begun_anew(self, state: GateState) -> GateState:
        """Give up what was learned of the canary in this rollout: nobody knows since when it is wrong.

        No error grows more likely by it: a capital keeps at most what each bet began with, and whether a minute is bet
        on depends on earlier minutes only.
        """
        capital = state.capital.at_most(self.new_state().capital)
        return replace(
            state,
            capital=capital,
            proof=Proof(state.proof.whole.at_most(self._start_proof())),
            bad_minutes=state.bad_minutes.given_up(),
            rising=NOTHING,
            rising_expected=0.0,
            lowest=floored(capital.total),
            minutes=0,
            own=NOTHING,
        )

    def is_comparable(self, state: GateState) -> bool:
        """Tell whether the gate counts both variants alike, as far as this step has shown."""
        return state.split is None or state.split.fits(self._split_threshold)

    def suspects(self, state: GateState) -> bool:
        """Tell whether stable itself became much worse with this step, and still is; not where the canary is fine."""
        return state.suspicion is not None and state.suspicion.lasts and not state.alone

    @property
    def _split_threshold(self) -> float:
        return self.threshold - math.log(SPLIT_PART * self.alpha_share)

    def _is_compared(self, counts: Counts) -> bool:
        """Tell whether a minute of the step had requests on both sides. At 100 % stable has none."""
        serving = counts.canary_total > 0 and (counts.stable_total > 0 or self.has_all_traffic)
        return self._shows_the_step and serving

    def discount(self, state: GateState) -> float:
        """Return the factor on the required evidence."""
        return state.dispersion.discount if self.judge.is_robust else 1.0

    def required(self, state: GateState) -> float:
        """Return the log-capital at which this gate alone rolls back."""
        return self._limits(state).required

    def score(self, state: GateState) -> float:
        """Return the log-evidence after discount and alpha share; the gates' scores are summed.

        Requests count only when the difference matters. Minutes that were bad for the canary alone always do.
        """
        of_requests = self._of_requests(state) if self.is_practical(state) else -math.inf
        return log_sum((of_requests, self._of_minutes(state))) + math.log(self.alpha_share)

    def rests_on_minutes(self, state: GateState) -> bool:
        """Tell whether the evidence comes from minutes that were bad for the canary alone, not from all requests."""
        return self._of_minutes(state) > self._of_requests(state)

    def required_of_minutes(self) -> float:
        """Return the log-capital of bad minutes at which this gate alone rolls back."""
        return self.threshold - math.log(PART * self.alpha_share)

    def _of_requests(self, state: GateState) -> float:
        part = 1.0 - PART if self.judge.is_robust else 1.0
        return state.capital.total - (self.discount(state) - 1.0) * self.threshold + math.log(part)

    def _of_minutes(self, state: GateState) -> float:
        return state.bad_minutes.capital.total + math.log(PART) if self.judge.is_robust else -math.inf

    def is_practical(self, state: GateState) -> bool:
        """Tell whether the rates differ by `min_difference` since the evidence began to rise.

        Minute by minute, as the evidence: in the sums of all minutes, an outage of both while the canary had half of
        the traffic, beside quiet minutes in which it had little, makes a good canary look worse.
        """
        rising = state.rising
        if not rising.canary_total or not rising.stable_total:
            return False
        worse = (rising.canary_bad - state.rising_expected) / rising.canary_total
        return (-worse if self.rule.is_lower_worse else worse) >= self.rule.min_difference

    def has_enough(self, state: GateState) -> bool:
        """Tell whether the step has the minutes and the requests to both that every pass of this gate needs."""
        if not self.is_asked:
            return True
        own = state.own
        fewest = own.canary_total if self.has_all_traffic else min(own.canary_total, own.stable_total)
        return state.minutes >= self.judge.min_minutes and fewest >= self.judge.min_requests

    def proves(self, state: GateState) -> bool:
        """Tell whether a proof stands now: not worse than tolerated or, where the step asks for it, better.

        A proof that is required must stand on the newer half of the step as well: that the canary is better by a proof
        of its own, that it is not worse by evidence that is not against it.
        """
        required = self.required_proof(state)
        if (
            not self.has_enough(state)
            or not self.is_comparable(state)
            or self.suspects(state)
            or state.proof.whole.total < required
        ):
            return False
        if self.asks_superiority:
            return state.proof.newer.total >= required and self._is_better(state.own)
        return not self.judge.require_proof or state.proof.newer.total >= NEITHER_WAY

    def _is_better(self, counts: Counts) -> bool:
        canary, stable = counts.canary_bad * counts.stable_total, counts.stable_bad * counts.canary_total
        return canary > stable if self.rule.is_lower_worse else canary < stable

    def required_proof(self, state: GateState) -> float:
        """Return the log-capital that proves it."""
        return self._proof_limits(state).required

    def lacks_superiority(self, state: GateState) -> bool:
        """Tell whether the step must go on because the canary is not proven better than stable."""
        return self.asks_superiority and not self.proves(state)

    def _with_evidence(self, state: GateState, counts: Counts, proving: Counts, alone: int) -> GateState:
        stable_rate = state.stable_rate
        if stable_rate is None:
            stable_rate = 0.0
        compared = self._is_compared(counts)
        proves = not (is_outage(alone) or is_outage(state.alone))
        return replace(
            state if self.may_be_cold else self._with_evidence_against(state, counts, stable_rate),
            proof=self._grow_proof(state, proving, stable_rate) if proves else state.proof,
            minutes=state.minutes + 1 if compared else state.minutes,
            own=state.own + counts if compared else state.own,
        )

    def _with_evidence_against(self, state: GateState, counts: Counts, stable_rate: float) -> GateState:
        """Add one minute to what speaks against the canary. Whether it is bet on depends on earlier minutes only."""
        bad_minutes = state.bad_minutes.observe(self.widened, counts)
        if state.alone:
            return replace(state, bad_minutes=bad_minutes)
        capital = failing.grow(self._ready(state), self.widened, counts, stable_rate, self._limits(state))
        return replace(_risen(state, capital, counts), bad_minutes=bad_minutes)

    def _ready(self, state: GateState) -> Capital:
        return restarts.when_drained(state.capital, self._bets, self.discount(state))

    def _limits(self, state: GateState) -> failing.Limits:
        is_robust = self.judge.is_robust
        share = self.alpha_share * (1.0 - PART if is_robust else 1.0)
        return failing.Limits.of(self.threshold, share, self.discount(state), capped=is_robust)

    def _start_proof(self) -> Capital:
        return passing.start_superior() if self.asks_superiority else passing.start(self.rule)

    def _grow_proof(self, state: GateState, counts: Counts, stable_rate: float) -> Proof:
        if not (self.is_own if self.asks_superiority else self._shows_the_step):
            return state.proof
        limits = self._proof_limits(state)

        def bet(capital: Capital) -> Capital:
            if self.asks_superiority:
                return passing.grow_superior(capital, self.rule, counts, stable_rate, limits, self.spread)
            return passing.grow(capital, self.rule, counts, stable_rate, self.spread)

        if self.asks_superiority or self.judge.require_proof:
            return state.proof.grow_with_newer_half(bet, self._start_proof(), state.minutes)
        return state.proof.grow(bet)

    def _proof_limits(self, state: GateState) -> failing.Limits:
        return failing.Limits.of(-math.log(self.judge.beta), 1.0, self.discount(state), capped=self.judge.is_robust)


def _risen(state: GateState, capital: Capital, counts: Counts) -> GateState:
    """Return the state with a minute's capital, and with the minute among those since the evidence began to rise."""
    if capital.total <= state.lowest:
        return replace(state, capital=capital, rising=NOTHING, rising_expected=0.0, lowest=floored(capital.total))
    compared = counts if counts.canary_total and counts.stable_total else NOTHING
    return replace(
        state,
        capital=capital,
        rising=state.rising + compared,
        rising_expected=state.rising_expected + compared.expected,
    )


def _unless_summed(expected: float, counts: Counts) -> list[float]:
    """Return what is expected minute by minute, if the sums of all minutes do not say the same already."""
    return [round(expected, 3)] if abs(expected - counts.expected) > SAME_SUM else []


def _counts_first(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return counts that a state begins with, and what follows them."""
    return (Counts(*values[: len(FIELDS)]), *values[len(FIELDS) :])


def _faded(recent: tuple[float, float], counts: Counts) -> tuple[float, float]:
    bad, total = recent
    return round(bad * MEMORY + counts.stable_bad, 2), round(total * MEMORY + counts.stable_total, 1)
