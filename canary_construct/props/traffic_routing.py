"""The steps by which a release earns its traffic, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.contract.plan import Passes

from canary_construct.border import checked
from canary_construct.props.checkpoints import check_harm_budget, paced_steps
from canary_construct.props.order_of_steps import check_order
from canary_construct.props.traffic_step import TrafficStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration

    from canary_construct.props.cohort_rule import CohortRule


@checked()
@dataclass(frozen=True, kw_only=True)
class TrafficRouting:
    """The steps of a rollout: cohorts first, if any, then rising shares that end at 100 %.

    Args:
        traffic_steps: one or more, in their order; `steps` takes bare percentages too
        harm_budget: how many requests a release may break before its share is lowered, 1 or more; see `paced`. Left
            out, the share rises at once to that of the next step

    Raises:
        ValueError: when there is no step, a cohort follows a share, the shares do not rise (of users in a row of
            cohorts, of requests thereafter), they do not end at 100 %, or the budget is no finite number of 1 or more.
    """

    traffic_steps: Sequence[TrafficStep] = field(default_factory=tuple)
    harm_budget: float | None = None

    def __post_init__(self) -> None:
        check_order(self.traffic_steps)
        if self.harm_budget is not None:
            check_harm_budget(self.harm_budget)
        paced = [step.title for step in self.traffic_steps if step.passes is not Passes.EVIDENCE]
        if bool(paced) != self.is_paced:
            raise ValueError(
                "a harm_budget and the steps that it paces belong together: use TrafficRouting.paced, got "
                f"{self.harm_budget} and {', '.join(paced) or 'no paced step'}"
            )

    @property
    def is_paced(self) -> bool:
        """Tell whether the share rises as far as a harm budget allows, and not at once to that of the next step."""
        return self.harm_budget is not None

    @property
    def cohorts(self) -> Sequence[CohortRule]:
        """Return the rules of the cohort steps, which are the first steps."""
        return tuple(step.rule for step in self.traffic_steps if step.rule is not None)

    @property
    def proof_step(self) -> int | None:
        """Return the number, from 0, of the step that a proof is asked of; `None` when 100 % is the only step.

        In a paced routing it is the checkpoint that teaches most, in any other the last step in which both slots serve.
        """
        asked = [number for number, step in enumerate(self.traffic_steps) if step.passes is Passes.PROOF]
        return next(reversed(asked or range(len(self.traffic_steps) - 1)), None)

    @classmethod
    def steps(cls, steps: Sequence[int | TrafficStep], *, bake: Duration | None = None) -> TrafficRouting:
        """Go through these shares.

        Worked example: `steps([5, 10, 50, 100], bake=Duration.hours(1))` takes four hours.

        Args:
            steps: percentages, or a `TrafficStep` where a step needs more than that; they rise to 100
            bake: how long a bare percentage is watched; left out, 30 minutes
        """
        return cls(
            traffic_steps=tuple(
                step if isinstance(step, TrafficStep) else TrafficStep(percent=step, bake=bake) for step in steps
            )
        )

    @classmethod
    def paced(
        cls,
        *,
        harm_budget: float = 100,
        checkpoints: Sequence[int | TrafficStep] = (10, 50, 100),
        watch: Duration | None = None,
    ) -> TrafficRouting:
        """Give a release as much traffic as a harm budget allows, from one checkpoint to the next.

        After every look the share is the largest at which a release as bad as the evidence still allows breaks no more
        than the budget before its share can be lowered. It begins where a release that fails every request keeps the
        budget: at 0.4 % with a budget of 100 and 100 requests a second.

        - The checkpoint under 95 % that is nearest to 50 % asks for proof: it is left when every gate has proven that
          the canary is as good as stable, or after its `bake` (30 minutes) when that is likelier than not.
        - Every other one is left as soon as the budget affords a larger share, after its `bake` (0) at the earliest.
        - Then the canary is watched at 95 % for `watch`, where stable still serves to compare with; a checkpoint from
          95 to 99 takes its place. Without one, a `bake` of the checkpoint 100 is the watch as well.
        - 100 % ends with 5 minutes for the alarms.

        Cohorts come first and are not paced.

        Worked example: `paced()` goes through 10, 50, 95 and 100 %. At 100 requests a second a good release is expected
        at 95 % after 18 minutes and at 100 % after 47, when metrics come 90 s late (docs/pacing.md). With each metric
        30 to 180 s late it took 27 and 57 minutes in the middle of 48 simulated rollouts (docs/exposure.md).

        Args:
            harm_budget: how many requests may fail, be slow or not convert although stable would have served them well;
                1 or more, default 100
            checkpoints: percentages that rise to 100, default 10, 50 and 100; or a `TrafficStep` with a `bake`, a
                `max_bake` (left out: 2 hours, or four times the `bake` if that is more) or `min_requests` of its own
            watch: how long 95 % is watched; left out, 25 minutes

        Raises:
            ValueError: when the budget is no finite number of 1 or more, or is a token, when the checkpoints do not
                rise to 100 %, when they hold no share under 95 % or several from there on, or when the watch is said
                twice.
        """
        return cls(traffic_steps=paced_steps(checkpoints, watch=watch), harm_budget=harm_budget)

    @classmethod
    def one_step_then_all(cls, percent: int, bake: Duration | None = None) -> TrafficRouting:
        """Go to one share first, then to all traffic.

        Args:
            percent: of the first step; 1 to 99
            bake: how long each step is watched; left out, 30 minutes
        """
        return cls.steps([percent, 100], bake=bake)

    @classmethod
    def linear(cls, percent: int, bake: Duration | None = None) -> TrafficRouting:
        """Raise the share by the same percentage until all traffic is there.

        Worked example: `linear(30)` goes through 30, 60, 90 and 100 %.

        Args:
            percent: of each step; 1 to 100
            bake: how long each step is watched; left out, 30 minutes

        Raises:
            ValueError: when the percentage is not between 1 and 100.
        """
        if not 1 <= percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percent must be between 1 and 100, got {percent}")
        return cls.steps([*range(percent, 100, percent), 100], bake=bake)

    @classmethod
    def all_at_once(cls, bake: Duration | None = None) -> TrafficRouting:
        """Give all traffic at once, and watch it before stable is let go.

        Args:
            bake: how long it is watched; left out, 30 minutes
        """
        return cls.steps([100], bake=bake)

    @classmethod
    def default(cls) -> TrafficRouting:
        """Pace the share by a harm budget of 100 requests; see `paced`."""
        return cls.paced()
