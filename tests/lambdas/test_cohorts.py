"""A cohort is exposure: it rises in the shift handler alone, and every way out ends it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rollout import clients
from rollout.contract.errors import Halted
from rollout.contract.names import ROLLED_BACK
from rollout.contract.stage_variables import AT_REST, BUCKETS, HEADER, VALUES, VARIANT

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.settings import ERRORS, A, B, cohort_step, step
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed

USERS = {"kind": "users", "header": "x-canary-bucket", "buckets": 500}
TESTERS = {"kind": "header", "header": "x-tester", "values": ["yes", "sure"]}
BOTH_429 = [
    ApiError(code, "Too Many Requests", status=429) for code in ("TooManyRequestsException", "LimitExceededException")
]
DENIED = ApiError("AccessDeniedException", "not authorized to perform: apigateway:PATCH", status=403)
DOOR, SIDE_DOOR = ("door", "live"), ("side-door", "live")
STEPS = (cohort_step(TESTERS), cohort_step(USERS), step(50), step(100))


class Died(BaseException):
    """The Lambda environment is gone."""


@pytest.fixture
def shop(aws: Aws) -> Iterator[Shop]:
    shop = Shop(aws, steps=STEPS, api_stages=(DOOR, SIDE_DOOR))
    shop.serve_first()
    yield shop
    assert shop.unsafe() == []


def published(shop: Shop) -> dict[str, Any] | None:
    """Return the cohort as clients read it."""
    cohort = shop.ledger.cohort()
    return None if cohort is None else cohort.to_json()


def variables(shop: Shop) -> list[dict[str, str]]:
    return list(shop.aws.api_stages.variables.values())


def test_a_cohort_step_publishes_its_rule_everywhere_and_leaves_the_weights_alone(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    assert published(shop) == {"variant": B, "rule": TESTERS, "salt": execution.name}
    assert variables(shop) == [{VARIANT: B, HEADER: "x-tester", VALUES: ",yes,sure,", BUCKETS: "0000"}] * 2
    assert shop.weights() == {A: 100, B: 0}
    shop.run(execution)


def test_the_next_cohort_takes_the_place_of_the_one_before(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    assert published(shop) == {"variant": B, "rule": USERS, "salt": execution.name}
    assert variables(shop) == [{VARIANT: B, HEADER: "x-canary-bucket", VALUES: "none", BUCKETS: "0500"}] * 2
    shop.run(execution)


def test_the_cohort_ends_before_a_weight_rises(shop: Shop) -> None:
    execution = shop.begin("v2", "ShiftTraffic", index=2)
    shop.aws.interrupt(
        "UpdateEndpointWeightsAndCapacities", lambda: seen.append((shop.ledger.cohort(), variables(shop)))
    )
    seen: list[object] = []
    shop.run(execution, "Evaluate", index=2)
    assert seen == [(None, [AT_REST] * 2)]
    shop.run(execution)
    assert execution.status == "SUCCEEDED", execution.failure


@pytest.mark.parametrize("limited", [THROTTLED, *BOTH_429])
def test_no_weight_rises_while_a_front_door_keeps_the_cohort(shop: Shop, limited: ApiError) -> None:
    execution = shop.begin("v2", "ShiftTraffic", index=2)
    shop.aws.fail("UpdateStage", limited, times=3)
    shop.aws.interrupt("UpdateEndpointWeightsAndCapacities", lambda: seen.append(variables(shop)))
    seen: list[object] = []
    shop.run(execution)
    assert seen[0] == [AT_REST] * 2
    assert execution.status == "SUCCEEDED", execution.failure
    assert shop.cohorts() == []


def test_weights_that_another_hand_set_do_not_let_a_cohort_stay(shop: Shop) -> None:
    execution = shop.begin("v2", "ShiftTraffic", index=2)
    shop.set_weights(a=50, b=50)
    shop.wait_until_quiet()
    shop.run(execution)
    assert execution.status == "FAILED"
    assert shop.cohorts() == []


def test_the_canary_has_the_instances_for_its_cohort_before_it_begins(aws: Aws) -> None:
    shop = Shop(aws, steps=(cohort_step(TESTERS, expected_percent=60), step(100)))
    shop.requests_per_period = 4500
    shop.serve_first()
    shop.serve()
    aws.wait(300)
    shop.begin("v2", "Evaluate", index=0)
    assert shop.instances_of(B) >= 3


def test_a_failing_canary_loses_its_cohort_by_the_gate(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    while execution.task:
        shop.serve(failed=40)
        execution.advance()
    assert shop.outcome(execution)[0] == ROLLED_BACK
    assert shop.cohorts() == []


def test_the_ledger_says_what_a_cohort_cannot_judge(shop: Shop) -> None:
    shop.plan["gates"]["judge"]["gates"] = [{**ERRORS, "spreads": [10.0, 10.0]}]
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.run(execution)
    reasons = [step["reason"] for step in shop.rollouts()[execution.name]["steps"]]
    assert ["it cannot judge what is better" in reason for reason in reasons] == [True, True, False, False]
    assert "at least 12.5 times worse (rolls back at evidence 1 in 200)" in reasons[0]
    assert "at least 1.25 times worse (rolls back at evidence 1 in 200)" in reasons[2]


def test_an_alarm_ends_the_cohort_at_once(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.aws.cloudwatch.alarms["business"] = "ALARM"
    shop.panic("business")
    assert shop.cohorts() == []
    shop.run(execution)


def test_a_stopped_execution_loses_its_cohort(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.restore(execution.name)
    assert shop.cohorts() == []


@pytest.mark.parametrize("operation", ["UpdateStage", "UpdateItem"])
def test_a_cohort_whose_end_is_refused_for_a_while_is_ended_later(shop: Shop, operation: str) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.stop(execution)
    shop.aws.fail(operation, THROTTLED, times=5)
    shop.restore(execution.name)
    assert shop.cohorts() == []


@pytest.mark.parametrize("seconds", [1, 40])
def test_a_front_door_that_opens_after_its_handler_died_is_closed_before_the_lock_is_free(
    shop: Shop, seconds: float
) -> None:
    execution = shop.begin("v2", "ShiftTraffic", index=0)

    def open_the_side_door() -> None:
        shop.aws.api_stages.variables[SIDE_DOOR][VARIANT] = B

    def die() -> None:
        shop.aws.clock.call_at(shop.aws.clock.now() + seconds, open_the_side_door)
        raise Died

    shop.aws.interrupt("UpdateStage", die, nth=2)
    with pytest.raises(Died):
        execution.repeat()
    shop.aws.before_call = None
    shop.stop(execution)
    shop.restore(execution.name)
    assert shop.cohorts() == []


def test_a_stage_that_is_gone_lets_nobody_through_and_stops_nothing(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    del shop.aws.api_stages.variables[DOOR]
    shop.stop(execution)
    shop.restore(execution.name)
    assert shop.cohorts() == []


@pytest.mark.parametrize("refusing", [DOOR, SIDE_DOOR])
def test_a_stage_that_refuses_for_good_keeps_no_other_open(shop: Shop, refusing: tuple[str, str]) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.aws.fail("UpdateStage", DENIED, times=10_000, when=lambda request: request["restApiId"] == refusing[0])
    shop.stop(execution)
    with pytest.raises(ClientError, match="not authorized"):
        shop.restore(execution.name)
    open_stages = [stage for stage, found in shop.aws.api_stages.variables.items() if found != AT_REST]
    assert open_stages == [refusing]
    assert shop.ledger.cohort() is None
    shop.aws.heal()
    shop.look_for_what_was_left()
    assert shop.cohorts() == []


def test_a_deploy_that_takes_a_front_door_away_is_refused_while_a_rollout_runs(shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    without = {**shop.settings, "api_stages": shop.settings["api_stages"][:1]}
    with pytest.raises(DeployFailed, match="rollout v2-1 of endpoint shop is running"):
        shop.deploy("v2", settings=without)
    shop.run(execution)
    assert execution.status == "SUCCEEDED", execution.failure
    shop.deploy("v2", settings=without)
    shop.settle()


def test_whoever_halts_while_a_cohort_is_published_sees_it_taken_back(shop: Shop) -> None:
    execution = shop.begin("v2", "ShiftTraffic", index=0)

    def stop_and_restore() -> None:
        shop.stop(execution)
        shop.ledger.halt(execution.name, "stopped", shop.aws.clock.now())

    shop.aws.interrupt("UpdateStage", stop_and_restore, nth=2)
    with pytest.raises(Halted):
        execution.repeat()
    assert shop.cohorts() == []
    shop.restore(execution.name)


def test_a_crash_between_the_doors_and_the_ledger_does_not_count_as_published(shop: Shop) -> None:
    execution = shop.begin("v2", "ShiftTraffic", index=0)
    clients.client("apigateway").update_stage(
        restApiId="door", stageName="live",
        patchOperations=[{"op": "replace", "path": f"/variables/{VARIANT}", "value": B}],
    )  # fmt: skip
    shop.run(execution, "Evaluate", index=0)
    assert shop.ledger.cohort() is not None
    assert len(shop.cohorts()) == 3
    shop.run(execution)


def test_a_deploy_that_takes_over_a_dead_rollout_ends_its_cohort_behind_doors_it_was_never_told_of(
    shop: Shop,
) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    shop.stop(execution)
    told_nothing = {**shop.settings, "api_stages": []}
    shop.deploy("v3", settings=told_nothing)
    assert shop.cohorts() == []
    shop.settle()
    following = shop.running()
    assert following is not None
    shop.run(following)
