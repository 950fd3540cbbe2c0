"""Other systems' decision rules, with the settings that their own documentation shows.

Sources, in the order of RULES:
- SageMaker deployment guardrails, canary and linear: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
- Flagger: https://docs.flagger.app/usage/metrics and https://docs.flagger.app/tutorials/istio-progressive-delivery
- Argo Rollouts: https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
- CodeDeploy (LambdaCanary10Percent10Minutes): https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html

Where a documentation names no threshold, Flagger's are used: 1 % errors, p99 of 500 ms. All of them watch SageMaker's
metrics in CloudWatch, as late as these come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ERROR_SHARE = 0.01
P99_MS = 500.0


@dataclass(frozen=True)
class Seen:
    """The canary in one minute, as a rule sees it."""

    error_share: float
    p99_ms: float

    @property
    def breaches(self) -> bool:
        return self.error_share > ERROR_SHARE or self.p99_ms > P99_MS


@dataclass(frozen=True)
class Decision:
    """The canary's share in percent from now on; `over` when the decision is final."""

    percent: float
    over: bool = False


ROLL_BACK = Decision(0, over=True)
PROMOTE = Decision(100, over=True)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Fixed steps of (percent, seconds), with an alarm that breaches in `needed` of the last `of` minutes."""

    name: str
    steps: tuple[tuple[float, float], ...]
    needed: int = 1
    of: int = 1

    def decide(self, second: float, seen: Sequence[Seen]) -> Decision:
        if sum(minute.breaches for minute in seen[-self.of :]) >= self.needed:
            return ROLL_BACK
        for percent, seconds in self.steps:
            if second < seconds:
                return Decision(percent)
            second -= seconds
        return PROMOTE


@dataclass(frozen=True, kw_only=True)
class Flagger:
    """Each minute: a passed check raises the weight by a step, a failed one counts."""

    name: str = "Flagger"
    step: float = 10
    most: float = 50
    threshold: int = 5

    def decide(self, second: float, seen: Sequence[Seen]) -> Decision:
        del second
        failed = sum(minute.breaches for minute in seen)
        if failed >= self.threshold:
            return ROLL_BACK
        weight = self.step * (1 + len(seen) - failed)
        return PROMOTE if weight > self.most else Decision(weight)


@dataclass(frozen=True, kw_only=True)
class Argo:
    """20 % more every ten minutes; from the second step on, every five minutes at least 95 % must succeed."""

    name: str = "Argo Rollouts"
    interval: int = 5
    failure_limit: int = 3
    success: float = 0.95

    def decide(self, second: float, seen: Sequence[Seen]) -> Decision:
        measured = seen[10 :: self.interval]
        if sum(minute.error_share > 1 - self.success for minute in measured) > self.failure_limit:
            return ROLL_BACK
        step = int(second // 600)
        return PROMOTE if step >= 4 else Decision(20.0 * (step + 1))


RULES = (
    Schedule(name="SageMaker canary, alarm 1 of 1", steps=((10, 600), (100, 600))),
    Schedule(name="SageMaker canary, alarm 2 of 3", steps=((10, 600), (100, 600)), needed=2, of=3),
    Schedule(name="SageMaker linear, alarm 1 of 1", steps=tuple((10.0 * n, 300) for n in range(1, 11))),
    Schedule(name="SageMaker linear, alarm 2 of 3", steps=tuple((10.0 * n, 300) for n in range(1, 11)), needed=2, of=3),
    Flagger(),
    Argo(),
    Schedule(name="CodeDeploy 10 % for 10 min", steps=((10, 600),)),
    Schedule(name="our steps, alarm 1 of 1 alone", steps=((10, 1800), (50, 1800), (100, 1800))),
)
