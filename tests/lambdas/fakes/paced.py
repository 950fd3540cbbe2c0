"""Paced rollouts of the endpoint `shop`, driven to a share or to a change of it."""

from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import PACED, B
from tests.lambdas.fakes.shop import Shop

HARM_BUDGET = 20


def paced_shop(aws: Aws) -> Shop:
    """Return an endpoint on which v1 serves 20 requests a second, and whose rollouts are paced."""
    shop = Shop(aws, steps=PACED, harm_budget=HARM_BUDGET)
    shop.serve_first()
    return shop


def shares(shop: Shop, execution: Execution) -> list[float]:
    """Return every share that the canary had."""
    return [float(step["percent"]) for step in shop.rollouts()[execution.name]["steps"]]


def ordered(aws: Aws) -> list[float]:
    """Return the canary's part of the weights of every call, in percent."""
    calls = aws.asked("UpdateEndpointWeightsAndCapacities")
    weights = [{row["VariantName"]: row["DesiredWeight"] for row in c["DesiredWeightsAndCapacities"]} for c in calls]
    return [round(100 * asked[B] / sum(asked.values()), 2) for asked in weights]


def run_until_share(shop: Shop, execution: Execution, least: float, *, until: str = "Evaluate") -> None:
    """Let a rollout go on until the canary has a share of at least this percentage, and a task is next."""
    while execution.task and not (execution.task == until and _percent(execution) >= least):
        shop.serve()
        execution.advance()
    assert execution.task == until, execution.failure


def _percent(execution: Execution) -> float:
    """Return the share that a rollout wants, in percent; 0 before its first one."""
    percent: float = execution.step.get("exposure", {}).get("percent") or 0.0
    return percent


def run_until_lowered(shop: Shop, execution: Execution) -> None:
    """Let a rollout go on until an evaluation has lowered the share, and the shift is next."""
    while execution.task and execution.step.get("next") != "LOWER":
        shop.serve()
        execution.advance()


def brake(shop: Shop, execution: Execution, *, failing: float = 0.1) -> None:
    """Let the canary fail a part of its requests until an evaluation has lowered the share; then it is well again."""
    lock = shop.lock()
    assert lock is not None
    shop.failure_rates = {lock.canary: failing}
    run_until_lowered(shop, execution)
    shop.failure_rates = {}
    assert execution.task == "ShiftTraffic", execution.failure
