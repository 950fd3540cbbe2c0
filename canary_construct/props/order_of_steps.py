"""In which order the steps of a rollout come."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.traffic_step import TrafficStep


def check_order(steps: Sequence[TrafficStep], *, called: str = "steps") -> None:
    """Refuse steps that do not rise to all traffic. `called`: the caller's word for them.

    Raises:
        ValueError: when there is no step, a cohort follows a share, the shares do not rise (of users in a row of
            cohorts, of requests thereafter), or they do not end at 100 %.
    """
    if not steps:
        raise ValueError(f"{called} must hold at least one traffic step, got none")
    titles = ", ".join(step.title for step in steps)
    has_rule = [step.rule is not None for step in steps]
    if has_rule != sorted(has_rule, reverse=True):
        raise ValueError(f"cohort steps must come before shares of all requests, got {titles}")
    for earlier, later in itertools.pairwise(step.rule for step in steps if step.rule is not None):
        if 0 < later.buckets < earlier.buckets:
            raise ValueError(f"shares of users must not fall from one step to the next, got {titles}")
    percents = [step.percent for step in steps if step.rule is None]
    if any(later <= earlier for earlier, later in itertools.pairwise(percents)):
        raise ValueError(f"{called} must rise from one to the next, got {percents}")
    if percents[-1:] != [100]:
        raise ValueError(f"{called} must end at 100 percent, got {percents or titles}")
