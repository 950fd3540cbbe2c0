"""The course that a paced rollout is expected to take: the decisions of the handlers, on expected counts.

Nothing is decided here. The share is that of `rollout.shares`, a step passes by `rollout.decisions.bake`, and the gates
judge. Only the world around them is replaced: metrics come as late as is assumed, weights take their time, and every
minute shows what is expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Any

from rollout.contract.exposure import EVERYTHING
from rollout.contract.plan import Passes
from rollout.contract.states import Next, StepState
from rollout.contract.timing import METRIC_DELAY_SECONDS, WEIGHTS_TAKE_SECONDS
from rollout.decisions.bake import Baked, decide
from rollout.decisions.capacity import MINUTE
from rollout.decisions.pacing import NEWEST_PERIODS, Pace, Period
from rollout.forecast.counts import Counted, ExpectedCounts, Shift, spent
from rollout.gates import Judge, Minute
from rollout.shares import first_percent, move, reaction_periods, seconds_to_next_look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollout.contract.plan import Plan
    from rollout.decisions.bake import Decision

FAILING = (0.0, 0.01, 0.02, 0.05, 0.2)
"""Releases that a plan is asked about: the part of their requests that fail beyond stable's."""
CHANGES = (Next.RAISE, Next.LOWER, Next.NEXT_STEP)


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is expected of one release.

    `failing`: the part of its requests that fail beyond stable's. `shifts`: when it got which share. `end`: how the
    rollout ends, after `seconds`. `harm`: requests that fail because of the release.
    """

    failing: float
    shifts: tuple[Shift, ...]
    end: Next
    seconds: float
    harm: float


def expected_courses(plan: Plan, *, requests_per_second: float) -> tuple[Course, ...]:
    """Return the courses of a release that is as good as stable, and of some that fail more often.

    There is none where the share is not paced, or where nobody asks.
    """
    if plan.harm_budget is None or not requests_per_second:
        return ()
    return tuple(expected_course(plan, requests_per_second=requests_per_second, failing=failing) for failing in FAILING)


def reaction_seconds(plan: Plan) -> float:
    """Return how long a bad request is expected to be answered before a lower share is in force.

    With a metric period of 60 s it is 210 s: the period ends, its metrics come, an evaluation reads them,
    and SageMaker takes the weights.
    """
    return reaction_periods(plan, StepState(index=0)) * plan.settings.metric_period_seconds


def is_thin(plan: Plan, courses: Sequence[Course]) -> bool:
    """Tell whether the budget affords every checkpoint at once: then the checkpoints and their bakes decide alone."""
    checkpoints = {step.percent / EVERYTHING for step in plan.steps}
    return bool(courses) and all(shift.share in checkpoints for shift in courses[0].shifts)


def expected_course(plan: Plan, *, requests_per_second: float, failing: float) -> Course:
    """Return the course of a release through the paced steps of a plan. Cohorts come before it and are left out.

    The endpoint has `requests_per_second`, above 0, all the time, and the instances are there when they are needed.
    """
    walk = _Walk.begin(plan, requests_per_second=requests_per_second, failing=failing)
    following = Next.STAY
    while following in (Next.STAY, *CHANGES):  # each step ends: at its max_bake at the latest
        following = walk.look()
    return walk.course(following)


@dataclass(kw_only=True)
class _Walk:
    """A rollout on its way. `now`: seconds since its first order of weights. `shown`: the periods that have ended."""

    plan: Plan
    counts: ExpectedCounts
    state: StepState
    now: float = 0.0
    shifts: list[Shift] = field(default_factory=list)
    shown: list[Counted] = field(default_factory=list)

    @classmethod
    def begin(cls, plan: Plan, *, requests_per_second: float, failing: float) -> _Walk:
        """Return a rollout whose first share is in force."""
        first = next(number for number, step in enumerate(plan.steps) if step.passes is not Passes.EVIDENCE)
        state = StepState(index=first)
        percent = first_percent(plan, state, requests_per_minute=requests_per_second * MINUTE)
        period = plan.settings.metric_period_seconds
        counts = ExpectedCounts(
            gates=plan.gates, per_period=requests_per_second * period, failing=failing, period_seconds=period
        )
        walk = cls(plan=plan, counts=counts, state=replace(state, exposure=state.exposure.choose(percent)))
        walk.shift()
        return walk

    @property
    def period(self) -> int:
        """Return the length of a metric period in seconds."""
        return self.counts.period_seconds

    def look(self) -> Next:
        """Look after the usual interval, and do what is decided."""
        self.now += seconds_to_next_look(self.plan, self.state, self.now)
        published = self._published()
        end = max(self.state.next_period, published)
        self._show(published)
        decision = self._decide(published, end)
        if decision.next is Next.NEXT_STEP:
            state = self.state
            self.state = StepState(
                index=state.index + 1, exposure=state.exposure, judged=state.judged, next_period=state.next_period
            )
        if decision.next in CHANGES:
            self.shift()
        return decision.next

    def shift(self) -> None:
        """Let the chosen share come into force. One that is in force already takes no time."""
        requested_at, share = self.now, self.state.exposure.wanted / EVERYTHING
        if not self.shifts or self.shifts[-1].share != share:
            self.now += WEIGHTS_TAKE_SECONDS
            self.shifts.append(Shift(self.now, share))
        self.state = self.state.in_force(self.now, requested_at=requested_at, period_seconds=self.period)

    def course(self, end: Next) -> Course:
        """Return how it went. What is rolled back serves until SageMaker has taken the weights."""
        seconds = self.now if end is Next.PROMOTE else self.now + WEIGHTS_TAKE_SECONDS
        per_second = self.counts.per_period / self.period
        exposed = sum(lasting * share for lasting, share in spent(self.shifts, 0, seconds))
        return Course(
            failing=self.counts.failing,
            shifts=tuple(self.shifts),
            end=end,
            seconds=seconds,
            harm=exposed * per_second * self.counts.failing,
        )

    def _published(self) -> int:
        """Return the newest metric period that has come; -1 before the first one."""
        return int((self.now - METRIC_DELAY_SECONDS) // self.period) - 1

    def _show(self, published: int) -> None:
        while len(self.shown) <= published:
            self.shown.append(self.counts.period(len(self.shown), self.shifts))

    def _decide(self, published: int, end: int) -> Decision:
        """Judge and pace as an evaluation does. All periods before `end` are complete."""
        plan, step, before = self.plan, self.plan.steps[self.state.index], self.state
        judge = Judge(replace(plan.gates.judge, min_requests=step.min_requests))
        used = range(before.next_period, end)
        judged_before = before.judged or judge.new_state()
        judged, now = judge.update(judged_before, self._minutes(used), step=before.index)
        state = self._with_evidence(before, judged, used, published)
        is_fresh = bool(used)
        pace = Pace(
            budget=plan.harm_budget,
            reaction=reaction_periods(plan, state),
            share=state.exposure.wanted,
            gates=judge.views(judged, before=judged_before),
        )
        seen = pace.look(state.exposure.pacing, self._periods(state, published), end=end)
        decision = decide(
            step,
            last=state.index == len(plan.steps) - 1,
            baked=self._baked(state, is_fresh=is_fresh),
            now=now,
            at_bake_end=judge.at_bake_end(judged),
            look=seen,
            held="",
            notes=(),
        )
        moved = move(plan, state, seen, now, decision, held="", is_fresh=is_fresh or state.newest != before.newest)
        self.state = moved.state
        return moved.decision

    def _with_evidence(self, state: StepState, judged: dict[str, Any], used: range, published: int) -> StepState:
        begun = ceil(state.shifted_at / self.period)
        is_new = published >= begun and published != state.newest
        return replace(
            state,
            judged=judged,
            next_period=max(state.next_period, used.stop),
            seen=state.seen + sum(number >= begun for number in used),
            newest=published if is_new else state.newest,
            late_seconds=round(self.now - (published + 1) * self.period) if is_new else state.late_seconds,
            requests=state.requests + sum(self.shown[number].requests[0] for number in used),
        )

    def _baked(self, state: StepState, *, is_fresh: bool) -> Baked:
        return Baked(
            seen=state.seen * self.period,
            elapsed=state.next_period * self.period - state.began_at,
            blind=0.0,
            is_fresh=is_fresh,
            requests=state.requests,
        )

    def _minutes(self, numbers: range) -> Iterator[Minute]:
        """Yield what the gates are given: the periods of one share, and those in which it fell."""
        for number in numbers:
            served, counted = self.state.exposure.served_in(number), self.shown[number]
            if served is not None and served.percent is not None:
                share = served.percent / EVERYTHING
                yield Minute(number, self.state.index, counted.by_gate, invocations=counted.requests, share=share)
            elif served is not None and served.fell_from is not None:
                yield Minute(number, self.state.index, counted.by_gate, fell_from=served.fell_from / EVERYTHING)

    def _periods(self, state: StepState, published: int) -> Sequence[Period]:
        """Return what pacing is given: the newest periods, complete or not."""
        since = state.exposure.pacing.since or 0
        return [
            Period(number, served.percent, sum(counted.requests), counted.by_gate, counted.by_gate, counted.by_gate)
            for number in range(max(since, self.state.next_period - NEWEST_PERIODS), published + 1)
            if (served := state.exposure.served_in(number)) is not None
            for counted in [self.shown[number]]
        ]
