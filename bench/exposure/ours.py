"""Our own rules in a world: what the handlers decide, without the services around them.

The evidence reader, the gates, pacing and the decisions are those of the product. Replaced are CloudWatch
(`cloudwatch`), the change of weights and the launch of instances (a time), and the alarms (their rule). So thousands
of rollouts can be compared with other systems' rules, which run without their machinery, too. `canary_tools.rehearsal`
runs all of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
from rollout.contract.plan import Plan
from rollout.contract.states import Next, StepState
from rollout.decisions.capacity import canary_floor, instances_needed
from rollout.evidence.reader import EvidenceReader
from rollout.shares import first_percent, foreseen_percent, seconds_to_next_look
from rollout.step_look import look_at, window_of, with_instances

from bench.exposure.cloudwatch import CANARY_SLOT, STABLE_SLOT, CloudWatch
from bench.exposure.simulate import EVERYTHING, Course
from bench.exposure.site import CANARY, MINUTE, STABLE, Answered, Site
from bench.exposure.worlds import World

SHIFT_SECONDS = 36.0
"""From a decision until SageMaker serves with the new weights: as long as in the rehearsal."""
ALARM_SECONDS = 15.0
"""From the moment at which an alarm's last metric can be read until the order to give the traffic back, likewise."""
STAYS = (Next.STAY, Next.HOLD_BACK)
ON_THE_WAY = (*STAYS, Next.RAISE, Next.LOWER, Next.NEXT_STEP)


def run_ours(plan: Plan, world: World, seed: int) -> Course:
    """Run one rollout to its end: to that of its hold-back, where the plan has one."""
    return _Rollout(plan, world, seed).run()


class _Rollout:
    """One rollout. `now`: seconds since its begin."""

    def __init__(self, plan: Plan, world: World, seed: int) -> None:
        self.plan = plan
        self.site = Site(world, seed)
        self.period = plan.settings.metric_period_seconds
        self.cloudwatch = CloudWatch(self.site, self.period)
        self.now = 0.0
        self.shifts: list[tuple[float, float]] = []
        self.alarmed_at = np.inf
        self.caused = 0
        self._served_until = 0.0
        self._of_period: list[Mapping[str, Answered]] = []
        self._instances = plan.settings.scaling.idle_instances
        self._came_before = self._instances
        self._come_at = 0.0
        state = StepState(index=0)
        percent = first_percent(plan, state, requests_per_minute=self._per_minute)
        self.state = replace(state, exposure=state.exposure.choose(percent))

    @property
    def _per_minute(self) -> float:
        return self.site.arrivals.rate(self.now) * MINUTE

    @cached_property
    def _reader(self) -> EvidenceReader:
        return EvidenceReader(
            self.plan.settings.endpoint, sources=self.plan.gates.sources, period_seconds=self.period,
            client=self.cloudwatch,
        )  # fmt: skip

    def run(self) -> Course:
        following = Next.RAISE
        while following in ON_THE_WAY:
            if following is Next.NEXT_STEP:
                state = self.state
                self.state = StepState(
                    index=state.index + 1, exposure=state.exposure, judged=state.judged, bracketed=state.bracketed,
                    next_period=state.next_period,
                )  # fmt: skip
            if following not in STAYS:
                self._shift()
            following = self._followed(self._look())
        return self._end(promoted=following is Next.PROMOTE)

    def _followed(self, following: Next) -> Next:
        """Return what follows for the rollout: its promotion begins the hold-back, whose end gives it the rest."""
        if following is Next.PROMOTE and self.plan.holds_back_after(self.state.index):
            return Next.NEXT_STEP
        return Next.PROMOTE if following is Next.RAISE and self._is_held_back else following

    @property
    def _is_held_back(self) -> bool:
        return self.state.index == len(self.plan.steps)

    def _end(self, *, promoted: bool) -> Course:
        decided = self.now
        if promoted:
            self.caused += self.site.afterwards(self.now)
        else:
            gone = max(self.now, self._come_at) + SHIFT_SECONDS
            self._serve(gone)
            self.shifts.append((gone, 0.0))
        return Course(promoted=promoted, caused=self.caused, seconds=decided, shifts=tuple(self.shifts))

    def _shift(self) -> None:
        """Wait for the instances of the wanted share and for the weights. A share that is in force takes no time."""
        requested_at, wanted = self.now, self.state.exposure.wanted
        if not self.shifts or self.shifts[-1][1] != wanted:
            self._launch(must_wait=self._floor(wanted) > self._instances)
            self._pass_until(max(self.now, self._come_at) + SHIFT_SECONDS)
            self.shifts.append((self.now, wanted))
        self.state = self.state.in_force(self.now, requested_at=requested_at, period_seconds=self.period)

    def _launch(self, *, must_wait: bool = False) -> None:
        """Order instances. Until they have come, SageMaker changes no weights."""
        ordered = self._floor(foreseen_percent(self.plan, self.state, must_wait=must_wait))
        if ordered > self._instances:
            self._came_before = self._in_service
            self._come_at = self.now + self.site.scenario.launch_s
            self._instances = ordered

    def _floor(self, percent: float) -> int:
        scaling = self.plan.settings.scaling
        return canary_floor(instances_needed(self._per_minute, scaling), percent, scaling)

    def _pass_until(self, moment: float) -> None:
        self._serve(moment)
        self.now = moment

    @property
    def _in_service(self) -> int:
        """Return the instances that have come."""
        return self._instances if self._come_at <= self.now else self._came_before

    def _look(self) -> Next:
        """Look after the usual interval, as `evaluate` does; an alarm does not wait for it."""
        held_back = self.plan.hold_back if self._is_held_back else None
        usual = seconds_to_next_look(self.plan, self.state, self.now)
        self._pass_until(self.now + (usual if held_back is None else held_back.interval_seconds))
        self._launch()
        if self.alarmed_at <= self.now:
            self.now = max(self.alarmed_at, self.shifts[-1][0])
            return Next.REJECT
        self.cloudwatch.now = self.now
        self.state = with_instances(self.plan, self.state, self._in_service, self.now)
        window = window_of(self.plan, self.state, self.now)
        evidence = self._reader.read(window, stable=STABLE_SLOT, canary=CANARY_SLOT)
        looked = look_at(self.plan, self.state, window, evidence)
        self.state = looked.state
        return looked.decision.next

    def _serve(self, until: float) -> None:
        """Answer the requests until then. The share does not change meanwhile."""
        share = self.shifts[-1][1] / EVERYTHING if self.shifts else 0.0
        while self._served_until < until:
            number = int(self._served_until // self.period)
            end = min(until, (number + 1) * float(self.period))
            answered = self.site.answer(self._served_until, end - self._served_until, share)
            self.caused += answered[CANARY].caused
            self._of_period.append(answered)
            self._served_until = end
            if end % self.period == 0:
                self._publish(number)

    def _publish(self, number: int) -> None:
        both = {who: _sum([answered[who] for answered in self._of_period]) for who in (CANARY, STABLE)}
        self._of_period.clear()
        self.cloudwatch.publish(number, both)
        if self._breaches(both):
            metrics_come = (number + 1) * self.period + max(self.site.delay(who) for who in (CANARY, STABLE))
            self.alarmed_at = min(self.alarmed_at, metrics_come + ALARM_SECONDS)

    def _breaches(self, both: Mapping[str, Answered]) -> bool:
        """Tell whether the alarm on the canary's errors goes off: so many percentage points above stable's."""
        limits, canary, stable = self.plan.settings.alarm_limits, both[CANARY], both[STABLE]
        if canary.requests < limits.min_requests or not stable.requests:
            return False
        above = canary.failed / canary.requests - stable.failed / stable.requests
        return EVERYTHING * above > limits.failed_percent


def _sum(parts: list[Answered]) -> Answered:
    return Answered(
        sum(part.requests for part in parts), sum(part.failed for part in parts),
        np.sum([part.latency for part in parts], axis=0), sum(part.caused for part in parts),
    )  # fmt: skip
