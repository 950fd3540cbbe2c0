"""The steps of a rollout whose share rises as far as a harm budget allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.contract.plan import Passes

from canary_construct.props.order_of_steps import check_order
from canary_construct.props.traffic_step import TrafficStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Duration

WATCHED_PERCENT = 95
"""Before 100 % the canary is watched at this share: stable keeps the rest, to compare with."""
BUDGET_BAKE_SECONDS = 0
"""The budget says how long such a step is watched."""
PROOF_BAKE_SECONDS = 30 * 60
WATCH_SECONDS = 25 * 60
LAST_BAKE_SECONDS = 5 * 60
"""An alarm can need so long to go off at a metric period of 60 s, and a gate sees five of those."""
LEAST_MAX_BAKE_SECONDS = 2 * 60 * 60
"""Of every paced step: the budget, a proof, or metrics that are away may be waited for so long."""


def check_harm_budget(budget: float) -> None:
    """Refuse a harm budget that is no number of requests.

    Raises:
        ValueError: when it is under 1.
    """
    if budget < 1:
        raise ValueError(f"harm_budget must be 1 or more, got {budget:g}")


def paced_steps(checkpoints: Sequence[int | TrafficStep], *, watch: Duration | None) -> tuple[TrafficStep, ...]:
    """Return the steps through these checkpoints, with the one that is watched before 100 %.

    Raises:
        ValueError: when the checkpoints do not rise to 100 %, hold no share under 95 % or several from there on, or
            when `watch` is said twice.
    """
    given = [step if isinstance(step, TrafficStep) else TrafficStep(percent=step) for step in checkpoints]
    check_order(given, called="checkpoints")
    cohorts = [step for step in given if step.rule is not None]
    *compared, everything = [step for step in given if step.rule is None]
    below = [step for step in compared if step.percent < WATCHED_PERCENT]
    if not below:
        raise ValueError(
            f"checkpoints must hold a share under {WATCHED_PERCENT} percent, at which the canary is proven as good as "
            f"stable, got {[step.percent for step in [*compared, everything]]}"
        )
    return (*cohorts, *_towards(below), *_last_two(compared[len(below) :], everything, watch=watch))


def _towards(shares: Sequence[TrafficStep]) -> Iterator[TrafficStep]:
    """Yield the steps under the watched share. The one that teaches most, by s(1 - s), is where a proof is asked."""
    proving = max(shares, key=lambda step: step.percent * (100 - step.percent))
    for step in shares:
        passes = Passes.PROOF if step is proving else Passes.BUDGET
        bake = PROOF_BAKE_SECONDS if step is proving else BUDGET_BAKE_SECONDS
        yield _step(step, passes, bake)


def _last_two(
    watched: Sequence[TrafficStep], everything: TrafficStep, *, watch: Duration | None
) -> Iterator[TrafficStep]:
    """Yield the watched step and all traffic. Where the caller names no watched step, all traffic's bake is the watch.

    Nothing is compared any more at 100 %, so that a bake is worth more before it.
    """
    if len(watched) > 1:
        percents = [step.percent for step in watched]
        raise ValueError(
            f"checkpoints may hold one share from {WATCHED_PERCENT} to 99 percent, at which the canary is watched "
            f"before 100 %, got {percents}"
        )
    last = everything if watched else TrafficStep(percent=100, min_requests=everything.min_requests)
    named = watched[0] if watched else everything
    if watch is not None and named.said.bake is not None:
        raise ValueError(
            f"watch is the bake at {named.title}, so only one of them can be given, got {int(watch.to_seconds())} s "
            f"and {named.said.bake} s"
        )
    seconds = WATCH_SECONDS if watch is None else int(watch.to_seconds())
    percent = named.percent if watched else WATCHED_PERCENT
    yield _step(named, Passes.WATCH, seconds, percent=percent)
    yield _step(last, Passes.EVIDENCE, LAST_BAKE_SECONDS)


def _step(given: TrafficStep, passes: Passes, bake_seconds: int, *, percent: int | None = None) -> TrafficStep:
    return given.paced(
        passes, percent=percent, bake_seconds=bake_seconds, least_max_bake_seconds=LEAST_MAX_BAKE_SECONDS
    )
