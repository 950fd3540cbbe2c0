"""Deployment guardrails: how the requests move to a new fleet that is complete, and the alarms that stop this.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

from canary_tools.aws_models.api.errors import validation_error
from canary_tools.aws_models.sagemaker.endpoint import Endpoint
from canary_tools.aws_models.sagemaker.variants import Fleet
from canary_tools.clock import Clock

LOOK_SECONDS = 1.0
"""How often alarms are looked at. AWS does not say it."""
RAISED = "ALARM"
MOST_CANARY_PERCENT = 50
LINEAR_PERCENT = range(10, 51)
LONGEST_SECONDS = 28_800
_WITHOUT = "ml.inf1."
_SIZES = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}


@dataclass(frozen=True, kw_only=True)
class SwapPlan:
    """How a fleet is swapped. Times are in seconds.

    Attributes:
        shares: the percentage of the requests that the new fleet has after each step; the last one is 100.
        wait: between two steps.
        termination_wait: after the last step, before the old fleet ends.
        timeout: of the whole deployment, the start of the instances included.
        alarms: their names.
    """

    shares: Sequence[int] = (100,)
    wait: float = 0.0
    termination_wait: float = 0.0
    timeout: float = LONGEST_SECONDS
    alarms: Sequence[str] = ()

    @classmethod
    def of(cls, config: Mapping[str, Any] | None, *, old: Fleet | None, new: Fleet) -> Self:
        """Read a `DeploymentConfig`. A fleet that is the first one, or of Inf1 instances, is put in place at once.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html

        Raises:
            ApiError: `ValidationException` if it cannot be followed.
        """
        if config is None or old is None or any(v.instance_type.startswith(_WITHOUT) for v in new.variants.values()):
            return cls()
        _check_fleets(config, old.variants, new.variants)
        policy = config.get("BlueGreenUpdatePolicy", {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}})
        routing = policy["TrafficRoutingConfiguration"]
        plan = cls(
            shares=_shares(routing),
            wait=routing.get("WaitIntervalInSeconds", 0),
            termination_wait=policy.get("TerminationWaitInSeconds", 0),
            timeout=policy.get("MaximumExecutionTimeoutInSeconds", LONGEST_SECONDS),
            alarms=[alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", ())],
        )
        waits = (len(plan.shares) - 1) * plan.wait + plan.termination_wait
        if plan.timeout <= waits:
            raise validation_error(
                f"MaximumExecutionTimeoutInSeconds {plan.timeout} must be larger than all waits together, {waits}."
            )
        return plan


def _check_fleets(config: Mapping[str, Any], old: Collection[str], new: Collection[str]) -> None:
    if set(old) != set(new):
        raise validation_error("The new endpoint config must have the same variant names as the old one.")
    if "RollingUpdatePolicy" in config and len(new) > 1:
        raise validation_error("A rolling update is not supported for an endpoint with several variants.")


def _shares(routing: Mapping[str, Any]) -> list[int]:
    kind = routing["Type"]
    if kind not in _SIZES:
        return [100]
    size = routing.get(_SIZES[kind])
    if size is None or size["Type"] != "CAPACITY_PERCENT":
        raise validation_error(f"{_SIZES[kind]} must be given as CAPACITY_PERCENT; the model knows no other.")
    percent: int = size["Value"]
    if kind == "CANARY":
        if percent > MOST_CANARY_PERCENT:
            raise validation_error(f"CanarySize must be at most {MOST_CANARY_PERCENT}, got {percent}.")
        return [percent, 100]
    if percent not in LINEAR_PERCENT:
        raise validation_error(f"LinearStepSize must be between 10 and 50, got {percent}.")
    return [min(step * percent, 100) for step in range(1, ceil(100 / percent) + 1)]


class FleetSwap:
    """Moves the requests step by step to a fleet that is complete.

    Args:
        alarm_state: returns the state of an alarm; `None` if there is none of this name.
        began: when the deployment began, in seconds since the epoch.
        end: called once: with `None` when the swap is over, or with why SageMaker goes back.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        plan: SwapPlan,
        *,
        clock: Clock,
        alarm_state: Callable[[str], str | None],
        began: float,
        end: Callable[[str | None], None],
    ) -> None:
        self._endpoint = endpoint
        self._plan = plan
        self._clock = clock
        self._alarm_state = alarm_state
        self._deadline = began + plan.timeout
        self._end = end

    def start(self) -> None:
        """Begin with the first step."""
        self._step(0)

    def _step(self, number: int) -> None:
        if number == len(self._plan.shares):
            self._end(None)
            return
        self._endpoint.pending_percent = self._plan.shares[number]
        is_last = number == len(self._plan.shares) - 1
        wait = self._plan.termination_wait if is_last else self._plan.wait
        self._watch(self._clock.now() + wait, lambda: self._step(number + 1))

    def _watch(self, until: float, then: Callable[[], None]) -> None:
        raised = [name for name in self._plan.alarms if self._alarm_state(name) == RAISED]
        now = self._clock.now()
        if raised:
            self._go_back(f"the deployment was rolled back because of the alarms {', '.join(raised)}")
        elif now >= self._deadline:
            self._go_back("the deployment exceeded its maximum execution time")
        elif now >= until:
            then()
        else:
            self._clock.call_at(min(now + LOOK_SECONDS, until), lambda: self._watch(until, then))

    def _go_back(self, reason: str) -> None:
        self._endpoint.pending_percent = 0
        self._end(reason)
