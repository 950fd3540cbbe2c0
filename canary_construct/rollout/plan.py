"""The course of a rollout, decided at synth and read by the handlers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.contract.plan import DAY_SECONDS, Passes, Plan

from canary_construct.props.rollout_window import longest_closed_seconds
from canary_construct.rollout.history_budget import (
    CHANGES_OF_HOLD_BACK,
    evaluation_interval,
    hold_back_history,
    hold_back_interval,
    hold_interval,
    poll_seconds,
)
from canary_construct.rollout.timeouts import Timeouts
from canary_construct.watching.slot_alarms import seconds_to_fire

if TYPE_CHECKING:
    from rollout.contract.window import Window

    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.props.hold_back import HoldBack
    from canary_construct.props.on_inconclusive import OnInconclusive
    from canary_construct.props.rollout_window import RolloutWindow
    from canary_construct.props.smoke_test import SmokeTest
    from canary_construct.props.traffic_routing import TrafficRouting
    from canary_construct.rollout.gates import RolloutGates
    from canary_construct.rollout.settings import EndpointSettings


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """Everything that a rollout of one endpoint follows. Alarms and gates may be added until the template is rendered.

    Raises:
        ValueError: when a bake is too short for an alarm to go off in it, or a window for a step; when the longest
            rollout does not fit into an execution history, or only with fewer looks than a paced share needs.
    """

    settings: EndpointSettings
    routing: TrafficRouting
    gates: RolloutGates
    thresholds: AlarmThresholds
    smoke_test: SmokeTest | None
    on_inconclusive: OnInconclusive
    hold_back: HoldBack | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    windows: tuple[RolloutWindow, ...] = ()
    evaluation_interval_seconds: int = field(init=False)
    """Between two evaluations: the shortest that the execution history has room for."""

    def __post_init__(self) -> None:
        period = self.settings.metric_period_seconds
        judged_by_bake = [step for step in self.routing.traffic_steps if step.passes is not Passes.BUDGET]
        for step in judged_by_bake:
            if step.bake_seconds < seconds_to_fire(period):
                raise ValueError(
                    f"bake must be at least {seconds_to_fire(period)} s, because an alarm can need that long to go off "
                    f"at a metric period of {period} s, got {step.bake_seconds} s at {step.title}"
                )
        for window in self.windows:
            self._check_window(window.window)
        interval = evaluation_interval(
            self.routing.traffic_steps,
            metric_period_seconds=period,
            hold_back_seconds=self.hold_back_seconds,
            hold_seconds=self.longest_hold_seconds,
        )
        object.__setattr__(self, "evaluation_interval_seconds", interval)

    @property
    def longest_hold_seconds(self) -> int:
        """Return how long the rollout may be held in all.

        That is a day of pauses, as long as its steps wait for people, and as long as they wait for windows.
        """
        undecided = self.on_inconclusive.hold_seconds
        for_people = sum(step.approval_seconds + undecided for step in self.routing.traffic_steps)
        return DAY_SECONDS + for_people + self.windows_seconds

    @property
    def windows_seconds(self) -> int:
        """Return how long the rollout may wait for windows: once in each step for the longest time between two."""
        return len(self.routing.traffic_steps) * longest_closed_seconds(self.windows)

    def _check_window(self, window: Window) -> None:
        """Refuse a window in which a step could not be given its share: it may have to wait for instances first."""
        needed = self.timeouts.capacity_seconds + self.timeouts.weights_seconds
        if window.duration_seconds < needed:
            raise ValueError(
                f"duration of a window must be at least {needed:,} s, because instances and weights of a step may take "
                f"so long (capacity_timeout); got {window.duration_seconds:,} s for {window.title}"
            )

    @property
    def hold_interval_seconds(self) -> int:
        """Return the time between two looks while the rollout is held."""
        steps, interval = self.routing.traffic_steps, self.hold_back_interval_seconds
        return hold_interval(
            steps,
            metric_period_seconds=self.settings.metric_period_seconds,
            interval_seconds=self.evaluation_interval_seconds,
            hold_back_events=hold_back_history(self.hold_back_seconds, interval_seconds=interval),
            hold_seconds=self.longest_hold_seconds,
        )

    @property
    def hold_back_seconds(self) -> int:
        """Return how long the former release keeps a share after the promotion; 0 without a hold-back."""
        return 0 if self.hold_back is None else self.hold_back.duration_seconds

    @property
    def hold_back_interval_seconds(self) -> int:
        """Return the time between two looks at the hold-back."""
        return hold_back_interval(
            self.routing.traffic_steps,
            metric_period_seconds=self.settings.metric_period_seconds,
            interval_seconds=self.evaluation_interval_seconds,
            hold_back_seconds=self.hold_back_seconds,
            hold_seconds=self.longest_hold_seconds,
        )

    def current(self) -> Plan:
        """Return the plan with the alarms and gates of this moment."""
        steps, period, held = self.routing.traffic_steps, self.settings.metric_period_seconds, self.hold_back
        waits = len(steps) + (0 if held is None else CHANGES_OF_HOLD_BACK)
        return Plan(
            settings=self.settings.current(),
            steps=tuple(step.for_handlers() for step in steps),
            gates=self.gates.rules(),
            smoke_test=() if self.smoke_test is None else self.smoke_test.requests(),
            harm_budget=self.routing.harm_budget,
            undecided_seconds=self.on_inconclusive.hold_seconds,
            windows=tuple(window.window for window in self.windows),
            windows_seconds=self.windows_seconds,
            hold_interval_seconds=self.hold_interval_seconds,
            evaluation_interval_seconds=self.evaluation_interval_seconds,
            hold_back=None if held is None else held.for_handlers(interval_seconds=self.hold_back_interval_seconds),
            poll_seconds=poll_seconds(waits, metric_period_seconds=period, timeouts=self.timeouts),
            capacity_timeout_seconds=self.timeouts.capacity_seconds,
            weights_timeout_seconds=self.timeouts.weights_seconds,
        )
