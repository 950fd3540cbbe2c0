"""A safe end that AWS refuses for long: the traffic goes at once, the rest is insisted on, and people are told."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError
from rollout.contract.errors import CapacityUnavailable, GateFailed
from rollout.contract.names import NOT_JUDGED, ROLLED_BACK
from rollout.contract.timing import ROLLBACK_TRIES

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import DENIED, UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop

INVALID = ApiError("ValidationException", "the service has a bad day")
MINUTES = 60
LATER_CALLS = ["RegisterScalableTarget", "PutEvents", "DeleteItem"]
"""What a rollback calls after the traffic was ordered back."""


@pytest.fixture
def failing(serving: Shop) -> Execution:
    """The rollout of v2 at 50 %, about to roll back because its alarm went off."""
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution, "RollBack")
    return execution


@pytest.fixture
def stopped(serving: Shop) -> Execution:
    """The rollout of v2 at 50 %, stopped."""
    execution = serving.begin("v2", "Evaluate", index=1)
    serving.stop(execution)
    return execution


def needs_attention(aws: Aws) -> list[str]:
    return [detail["reason"] for kind, detail in aws.events.told() if kind == "Canary Rollout Needs Attention"]


def refuse_until(aws: Aws, operation: str, minutes: float, error: Exception = DENIED) -> None:
    healed_at = aws.clock.now() + minutes * MINUTES
    aws.fail(operation, error, times=1_000_000, when=lambda _: aws.clock.now() < healed_at)


@pytest.mark.parametrize("error", [DENIED, INVALID], ids=["denied", "invalid"])
@pytest.mark.parametrize("minutes", [1, 14, 20, 60])
def test_a_rollback_outlasts_a_refusal(
    aws: Aws, serving: Shop, failing: Execution, minutes: int, error: Exception
) -> None:
    refuse_until(aws, "RegisterScalableTarget", minutes, error)
    serving.run(failing)
    assert serving.unsafe() == []
    assert serving.outcome(failing) == ("ROLLED_BACK", "business is in ALARM")


@pytest.mark.parametrize("operation", LATER_CALLS)
def test_the_first_try_lowers_the_traffic_whatever_is_refused_later(
    aws: Aws, serving: Shop, failing: Execution, operation: str
) -> None:
    refuse_until(aws, operation, 600)
    failing.repeat(milliseconds=60_000)
    assert serving.weights() == {A: 100, B: 0}


@pytest.mark.parametrize("operation", LATER_CALLS)
def test_a_restore_lowers_the_traffic_with_its_first_try(
    aws: Aws, serving: Shop, stopped: Execution, operation: str
) -> None:
    refuse_until(aws, operation, 600)
    with suppress(ClientError):
        serving.restore(stopped.name, milliseconds=60_000)
    assert serving.weights() == {A: 100, B: 0}


def test_the_traffic_is_ordered_back_within_seconds(aws: Aws, serving: Shop, failing: Execution) -> None:
    refuse_until(aws, "RegisterScalableTarget", 600)
    begun = aws.clock.now()
    ordered: list[float] = []
    aws.interrupt("UpdateEndpointWeightsAndCapacities", lambda: ordered.append(aws.clock.now()))
    failing.repeat()
    assert ordered[0] - begun < 5
    assert serving.weights() == {A: 100, B: 0}


def test_each_invocation_that_gives_up_says_so_once(aws: Aws, failing: Execution) -> None:
    refuse_until(aws, "RegisterScalableTarget", 600)
    assert failing.repeat() == {"safe": False, "tries": 1}
    (told,) = needs_attention(aws)
    assert "not authorized" in told
    failing.advance()
    failing.advance()
    assert len(needs_attention(aws)) == 3


def test_a_rollback_gives_up_after_its_last_try_and_leaves_the_rest_to_the_restore(
    aws: Aws, serving: Shop, failing: Execution
) -> None:
    refuse_until(aws, "RegisterScalableTarget", 10_000)
    begun = aws.clock.now()
    serving.run(failing)
    assert type(failing.errors[-1]).__name__ == "NotRestored"
    assert len(needs_attention(aws)) == ROLLBACK_TRIES
    assert aws.clock.now() - begun > 2.9 * 60 * MINUTES
    assert failing.status == "FAILED"
    assert serving.weights() == {A: 100, B: 0}
    aws.heal()
    serving.restore(failing.name, "FAILED")
    assert serving.unsafe() == []


@pytest.mark.parametrize(
    ("error", "outcome", "label"),
    [
        (GateFailed("errors: 9 of 10 failed"), ROLLED_BACK, ROLLED_BACK),
        (CapacityUnavailable("variant-b has 1 of 4"), NOT_JUDGED, ""),
    ],
)
@pytest.mark.parametrize("ended_by", ["the restore", "the clock"])
def test_the_first_cause_stays_though_the_ledger_is_away_for_all_tries(
    aws: Aws, serving: Shop, error: Exception, outcome: str, label: str, ended_by: str
) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    execution.fail_with(type(error).__name__, str(error))
    for operation in ("GetItem", "UpdateItem", "PutItem", "DeleteItem"):
        aws.fail(operation, UNAVAILABLE, times=1_000_000)
    execution.run()
    assert execution.status == "FAILED"
    told = aws.states.told[execution.name]
    assert told["error"] == type(error).__name__
    assert f'"{error}; endpoint shop could not be restored: ' in told["cause"]
    aws.heal()
    if ended_by == "the restore":
        serving.restore(execution.name, "FAILED")
    else:
        serving.look_for_what_was_left()
    assert serving.unsafe() == []
    assert serving.outcome(execution)[0] == outcome
    assert f": {error}; endpoint shop" in serving.outcome(execution)[1]
    release = serving.ledger.release("v2")
    assert release is not None
    assert release.outcome == label


def test_a_rollback_whose_lambda_dies_for_a_quarter_of_an_hour_is_finished(
    aws: Aws, serving: Shop, failing: Execution
) -> None:
    class Died(BaseException):
        """The Lambda environment is gone."""

    pause = 2.0
    refuse_until(aws, "RegisterScalableTarget", 15, Died())  # type: ignore[arg-type] # it passes every `except`
    for _ in range(30):
        try:
            failing.advance()
            break
        except Died:
            aws.wait(min(pause, 300))
            pause *= 1.5
    assert serving.unsafe() == []


@pytest.mark.parametrize("minutes", [1, 14, 40])
def test_a_restore_outlasts_a_refusal_with_the_repetitions_of_lambda(
    aws: Aws, serving: Shop, stopped: Execution, minutes: int
) -> None:
    refuse_until(aws, "RegisterScalableTarget", minutes, INVALID)
    _invoked_three_times(aws, lambda: serving.restore(stopped.name))
    assert serving.unsafe() == []


def _invoked_three_times(aws: Aws, invoke: Callable[[], None]) -> None:
    """Lambda repeats after one and two minutes. Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html."""
    for pause in (1, 2, 0):
        try:
            invoke()
        except ClientError:
            aws.wait(pause * MINUTES)
        else:
            return
    pytest.fail("Lambda gave up")


def test_a_restore_that_gave_up_is_made_good_by_the_next_deploy(aws: Aws, serving: Shop, stopped: Execution) -> None:
    refuse_until(aws, "RegisterScalableTarget", 10_000)
    for _ in range(3):
        with pytest.raises(Exception, match="not authorized"):
            serving.restore(stopped.name)
    assert len(needs_attention(aws)) == 3
    aws.heal()
    serving.deploy("v3")
    assert serving.models() == {A: "model-v1-digest-of-v1", B: "model-v3-digest-of-v3"}
