"""The state machine as a graph: whatever happens, a rollout reaches one of its ends."""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration
from rollout.contract.errors import RolloutError
from rollout.contract.names import ROLLED_BACK
from rollout.contract.states import StepState
from rollout.contract.timing import MAX_EVENTS, ROLLBACK_REPETITIONS, ROLLBACK_TRIES

from canary_construct import Gate, SmokeTest, TrafficRouting
from canary_construct.handlers.state_machine_role import STATES
from canary_construct.rollout.history_budget import (
    EVENTS_AROUND,
    EVENTS_PER_LOOK,
    EVENTS_PER_REPETITION,
    OUTAGE_EVENTS,
    OUTAGES,
    ROLLBACK_EVENTS,
    SHARE_FOR_WAITING,
    longest_history,
    poll_seconds,
)
from canary_construct.rollout.timeouts import LONGEST_CAPACITY_SECONDS, Timeouts
from tests.infrastructure.synthesis import Resources, properties, resources_of, statements, text

pytestmark = pytest.mark.xdist_group("graph")

ROOT = Path(__file__).parents[2]
SUCCESS = "Promoted"
NOTHING = "NothingToRelease"
States = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def resources() -> Resources:
    return resources_of(smoke_test=SmokeTest(payloads=["{}"]))


@pytest.fixture(scope="module")
def definition(resources: Resources) -> dict[str, Any]:
    rendered = text(properties(resources, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    found: dict[str, Any] = json.loads(re.sub(r"<[A-Za-z0-9]+\.Arn>", _function_arn, rendered))
    return found


@pytest.fixture(scope="module")
def states(definition: dict[str, Any]) -> States:
    found: States = definition["States"]
    return found


def _function_arn(reference: re.Match[str]) -> str:
    return f"arn:aws:lambda:eu-central-1:123456789012:function:{reference[0].strip('<>').split('.')[0]}"


def successors(state: dict[str, Any], *, caught: bool = True) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (choice["Next"] for choice in state.get("Choices", []))
    if caught:
        yield from (catcher["Next"] for catcher in state.get("Catch", []))


def reachable(states: States, start: str, *, without: str = "", caught: bool = True) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found and name != without:
            found.add(name)
            waiting += successors(states[name], caught=caught)
    return found


def tasks(states: States) -> States:
    return {name: state for name, state in states.items() if state["Type"] == "Task"}


def test_every_failure_of_every_task_leads_to_the_rollback(states: States) -> None:
    for name, task in tasks(states).items():
        *named, catcher = task["Catch"]
        nothing = {"ErrorEquals": [NOTHING], "ResultPath": "$.failure", "Next": NOTHING}
        given_up = {"ErrorEquals": ["NotRestored"], "ResultPath": "$.not_restored", "Next": "NotRestored"}
        assert named == {"Prepare": [nothing], "RollBack": [given_up]}.get(name, [])
        assert catcher["ErrorEquals"] == ["States.ALL"]
        assert catcher["ResultPath"] == ("$.not_restored" if name == "RollBack" else "$.failure")
        assert catcher["Next"] == ("RollBackDied" if name == "RollBack" else "RollBack")


def test_every_state_can_be_reached_and_reaches_an_end(definition: dict[str, Any], states: States) -> None:
    ends = {name for name, state in states.items() if state["Type"] in {"Succeed", "Fail"}}
    assert ends == {SUCCESS, NOTHING, "RolledBack", "NotJudged", "NotRestored", "RollBackDied"}
    assert reachable(states, definition["StartAt"]) == set(states)
    for name in states:
        assert reachable(states, name) & ends


def test_there_is_no_success_without_a_promotion(definition: dict[str, Any], states: States) -> None:
    assert SUCCESS in reachable(states, definition["StartAt"])
    assert SUCCESS not in reachable(states, definition["StartAt"], without="Promote", caught=False)


def test_the_rollback_leads_to_no_other_task(states: States) -> None:
    assert reachable(states, "RollBack") & set(tasks(states)) == {"RollBack"}


def test_the_rollback_succeeds_only_where_the_promotion_was_decided(states: States) -> None:
    assert set(successors(states["IsPromoted"])) == {SUCCESS, "IsJudged"}
    (promoted,) = states["IsPromoted"]["Choices"]
    assert (promoted["Variable"], promoted["BooleanEquals"], promoted["Next"]) == ("$.end.promoted", True, SUCCESS)
    assert SUCCESS not in reachable(states, "RollBack", without="IsPromoted")


def test_no_traffic_moves_before_the_smoke_test_and_the_instances(definition: dict[str, Any], states: States) -> None:
    for earlier in ("Prepare", "SmokeTest", "ScaleCanary"):
        assert "ShiftTraffic" not in reachable(states, definition["StartAt"], without=earlier, caught=False)


def test_every_step_is_scaled_for_shifted_and_evaluated(states: States) -> None:
    assert set(successors(states["NextStep"])) == {"ScaleCanary"}
    for skipped in ("ScaleCanary", "ShiftTraffic", "Evaluate"):
        assert "Promote" not in reachable(states, "NextStep", without=skipped, caught=False)


def test_the_next_step_knows_how_long_people_have_held_the_rollout(states: States) -> None:
    """The task before has always counted it; a pass of a state machine cannot leave out what is missing."""
    kept = states["NextStep"]["Parameters"]
    assert kept["held_seconds.$"] == kept["held_before.$"] == "$.step.held_seconds"
    assert StepState(index=0).to_json()["held_seconds"] == 0


def test_without_a_smoke_test_the_capacity_is_next() -> None:
    rendered = text(properties(resources_of(), "AWS::StepFunctions::StateMachine")["DefinitionString"])
    states = json.loads(rendered)["States"]
    assert "SmokeTest" not in states
    assert "ScaleCanary" in set(successors(states["IsPrepared"]))


def test_every_task_has_its_own_time_out_and_the_machine_has_none(definition: dict[str, Any], states: States) -> None:
    """The machine's time-out runs no Catch. Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html."""
    assert "TimeoutSeconds" not in definition
    assert all(60 <= task["TimeoutSeconds"] <= 900 for task in tasks(states).values())


def test_a_task_waits_as_long_as_its_lambda_may_run(resources: Resources, states: States) -> None:
    timeouts = {
        name: function["Properties"]["Timeout"]
        for name, function in resources.items()
        if function["Type"] == "AWS::Lambda::Function"
    }
    for task in tasks(states).values():
        assert task["TimeoutSeconds"] == timeouts[task["Resource"].rsplit(":", 1)[1]]


def pauses_of(retrier: dict[str, Any]) -> list[float]:
    longest = retrier.get("MaxDelaySeconds", math.inf)
    growth = [retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n for n in range(retrier["MaxAttempts"])]
    return [min(pause, longest) for pause in growth]


def test_what_a_handler_decided_is_not_asked_again_and_everything_else_is(states: States) -> None:
    for name, task in tasks(states).items():
        if name != "RollBack":
            decided, away, died = task["Retry"]
            assert decided["MaxAttempts"] == 0
            named = [*decided["ErrorEquals"], *away["ErrorEquals"]]
            assert {error.__name__ for error in RolloutError.__subclasses__()} <= set(named)
            assert len(named) == len(set(named))
            assert died["ErrorEquals"] == ["States.ALL"]
            assert died["MaxAttempts"] == 3


def test_the_patience_with_aws_outlasts_ten_minutes_and_is_over_in_half_an_hour(states: States) -> None:
    _, away, _ = states["Evaluate"]["Retry"]
    assert away["JitterStrategy"] == "NONE"
    assert 15 * 60 < sum(pauses_of(away)) < 30 * 60


def test_a_task_of_a_minute_that_hangs_is_waited_for_and_one_of_a_quarter_of_an_hour_is_not(states: States) -> None:
    """Twenty-four quarters of an hour are six hours in which a share stays."""
    for name, task in tasks(states).items():
        if name != "RollBack":
            timed_out = {"Sandbox.Timedout", "States.Timeout"} & set(task["Retry"][1]["ErrorEquals"])
            assert len(timed_out) == (2 if task["TimeoutSeconds"] == 60 else 0), name


def test_the_history_counts_the_patience_with_aws(states: States) -> None:
    _, away, _ = states["Evaluate"]["Retry"]
    assert longest_history([], interval_seconds=60) == EVENTS_AROUND + MAX_EVENTS * SHARE_FOR_WAITING + OUTAGE_EVENTS
    assert OUTAGES * away["MaxAttempts"] * EVENTS_PER_REPETITION == OUTAGE_EVENTS


def test_a_rollback_that_dies_is_repeated_for_more_than_an_hour_and_a_half(states: States) -> None:
    given_up, died = states["RollBack"]["Retry"]
    assert (given_up["ErrorEquals"], given_up["MaxAttempts"]) == (["NotRestored", "PayloadTooNew"], 0)
    assert died["ErrorEquals"] == ["States.ALL"]
    assert died["MaxAttempts"] == ROLLBACK_REPETITIONS
    assert died["JitterStrategy"] == "NONE"
    assert 90 * 60 < sum(pauses_of(died)) < 120 * 60


def test_a_rollback_is_tried_for_longer_than_instances_may_come() -> None:
    """SageMaker changes no weights meanwhile. A try lasts as long as its Lambda may run."""
    assert Timeouts(capacity_seconds=LONGEST_CAPACITY_SECONDS).weights_seconds < ROLLBACK_TRIES * 15 * 60


def test_the_history_counts_every_try_and_every_repetition_of_a_rollback() -> None:
    waiting = MAX_EVENTS * SHARE_FOR_WAITING
    for steps, hours in product(range(1, 101), (1 / 3, 2)):
        timeouts = Timeouts(capacity_seconds=round(3600 * hours))
        pause = poll_seconds(steps, metric_period_seconds=10, timeouts=timeouts)
        polls = timeouts.longest_wait_seconds(steps) / pause
        assert polls * EVENTS_PER_LOOK + ROLLBACK_EVENTS <= waiting


def test_the_tries_of_a_rollback_are_handed_on(states: States) -> None:
    assert states["Plan"]["Result"]["end"] == {"tries": 0}
    assert states["RollBack"]["Parameters"]["end.$"] == "$.end"
    assert states["RollBack"]["ResultPath"] == "$.end"


def test_a_rollback_that_waits_for_sagemaker_comes_again(states: States) -> None:
    assert set(successors(states["IsSafe"])) == {"IsPromoted", "WaitForRollback"}
    assert states["WaitForRollback"]["Next"] == "RollBack"


def test_the_end_says_why(states: States) -> None:
    (judged,) = states["IsJudged"]["Choices"]
    assert (judged["Variable"], judged["StringEquals"], judged["Next"]) == ("$.end.outcome", ROLLED_BACK, "RolledBack")
    assert states["IsJudged"]["Default"] == "NotJudged"
    for end in ("RolledBack", "NotJudged"):
        assert (states[end]["ErrorPath"], states[end]["CausePath"]) == ("$.end.error", "$.end.reason")
    for end, cause in {"NotRestored": "$.not_restored.Cause", "RollBackDied": "$.failure.Cause"}.items():
        assert (states[end]["ErrorPath"], states[end]["CausePath"]) == ("$.failure.Error", cause)


def test_waits_are_those_of_the_plan(states: States) -> None:
    plan = states["Plan"]["Result"]["plan"]
    for state in states.values():
        if state["Type"] == "Wait" and state["SecondsPath"] != "$.step.look_after":
            assert plan[state["SecondsPath"].removeprefix("$.plan.")] >= 1
    assert states["Bake"]["SecondsPath"] == "$.step.look_after"


def test_the_definition_stays_within_the_size_that_step_functions_takes() -> None:
    """Ten steps, thirty gates. Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""
    gates = [
        Gate.metric(name=f"gate-{number}", namespace="Shop", total="Shown", counted="Bought", ratio=1.1)
        for number in range(30)
    ]
    shares = TrafficRouting.linear(10, bake=Duration.hours(1))
    machine = properties(resources_of(gates=gates, routing=shares), "AWS::StepFunctions::StateMachine")
    plan = json.loads(text(machine["DefinitionString"]))["States"]["Plan"]["Result"]
    assert len(text(machine["DefinitionString"]).encode()) < 1024 * 1024
    assert len(json.dumps(plan).encode()) < 256 * 1024


def test_the_machine_may_call_the_handlers_of_its_states_and_nothing_else(resources: Resources, states: States) -> None:
    (calling,) = [s for s in statements(resources, "RolloutRole") if s["Action"] == ["lambda:InvokeFunction"]]
    called = {task["Resource"].rsplit(":", 1)[1] for task in tasks(states).values()}
    assert set(tasks(states)) == set(STATES)
    assert {arn.strip("<>").split(".")[0] for arn in calling["Resource"]} == called


def test_executions_are_logged_and_traced(resources: Resources) -> None:
    machine = properties(resources, "AWS::StepFunctions::StateMachine")
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_the_definition_is_accepted_by_the_amazon_states_language_validator(
    definition: dict[str, Any], tmp_path: Path
) -> None:
    validator = shutil.which("asl-validator", path=str(ROOT / "node_modules" / ".bin"))
    assert validator, "make setup installs asl-validator"
    file = tmp_path / "definition.json"
    file.write_text(json.dumps(definition))
    checked = subprocess.run([validator, "--json-path", str(file)], capture_output=True, text=True, check=False)  # noqa: S603 - our own file
    assert checked.returncode == 0, checked.stdout + checked.stderr
