"""What the construct renders is what the handlers can read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import Duration, TimeZone
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.aws_scheduler import ScheduleExpression
from rollout.contract.names import PLAN_METADATA
from rollout.contract.plan import Passes, Plan, Settings
from rollout.gates import Judge

from canary_construct import (
    AlarmThresholds,
    Gate,
    InstanceScaling,
    OnInconclusive,
    RolloutWindow,
    Slot,
    SmokeTest,
    TrafficRouting,
    TrafficStep,
)
from canary_construct.rollout.gates import RolloutGates
from canary_construct.rollout.plan import RolloutPlan
from canary_construct.rollout.settings import EndpointSettings
from canary_construct.watching.rollout_alarms import RolloutAlarms
from tests.infrastructure.synthesis import Resources, declare, of_type, properties, rendered, resources_of, stack, text

pytestmark = pytest.mark.xdist_group("guards")

CALLERS_ALARM = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:checkout-failures"


def plan_of(resources: Resources) -> dict[str, Any]:
    definition = json.loads(text(properties(resources, "AWS::StepFunctions::StateMachine")["DefinitionString"]))
    plan: dict[str, Any] = definition["States"]["Plan"]["Result"]["plan"]
    return plan


def settings_in_rules(resources: Resources) -> Iterator[dict[str, Any]]:
    for rule in of_type(resources, "AWS::Events::Rule").values():
        (target,) = rule["Properties"]["Targets"]
        template = text(
            target["InputTransformer"]["InputTemplate"] if "InputTransformer" in target else target["Input"]
        )
        settings, _ = json.JSONDecoder().raw_decode(template, template.index('{"schema"'))
        yield settings


@pytest.fixture(scope="module")
def elaborate() -> Resources:
    """An endpoint of which everything was said, and to which an alarm and a gate were added afterwards."""
    shop = stack()
    endpoint = declare(
        shop,
        scaling=InstanceScaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000),
        routing=TrafficRouting.steps(
            [TrafficStep(percent=5, bake=Duration.hours(1), max_bake=Duration.hours(3), min_requests=500), 100],
            bake=Duration.hours(2),
        ),
        gates=[Gate.error_rate(), Gate.latency(slow_ms=250)],
        alarms=[cloudwatch.Alarm.from_alarm_arn(shop, "Mine", CALLERS_ALARM)],
        smoke_test=SmokeTest(payloads=["{}"]),
        metric_period=10,
    )
    endpoint.add_gate(Gate.conversion(namespace="Shop", shown="Shown", converted="Bought"))
    alarm = endpoint.metric_invocations(slot=Slot.A).create_alarm(shop, "Later", threshold=1, evaluation_periods=1)
    endpoint.add_alarm(alarm)
    return rendered(shop)


@pytest.mark.parametrize("kind", ["resources", "elaborate"])
def test_handlers_can_read_the_plan(kind: str, request: pytest.FixtureRequest) -> None:
    plan = plan_of(request.getfixturevalue(kind))
    settings = Settings.parse(plan)
    assert settings.endpoint == "recommender"
    assert Plan.parse(plan).steps
    assert Judge.from_config({**plan["gates"]["judge"], "min_requests": 100})


@pytest.mark.parametrize("kind", ["resources", "elaborate"])
def test_every_handler_reads_the_same_settings(kind: str, request: pytest.FixtureRequest) -> None:
    resources = request.getfixturevalue(kind)
    in_plan = Settings.parse(plan_of(resources))
    in_rules = [Settings.parse(settings) for settings in settings_in_rules(resources)]
    assert in_rules == [in_plan] * 4


def test_the_steps_of_the_plan_are_those_of_the_routing(elaborate: Resources) -> None:
    assert plan_of(elaborate)["steps"] == [
        {"percent": 5, "bake_seconds": 3600, "max_bake_seconds": 10800, "min_requests": 500},
        {"percent": 100, "bake_seconds": 7200, "max_bake_seconds": 28800, "min_requests": 100},
    ]


def test_a_paced_plan_tells_the_handlers_its_budget_and_what_each_step_waits_for() -> None:
    rendered_plan = plan_of(resources_of(routing=TrafficRouting.paced(harm_budget=50)))
    assert [step.get("passes") for step in rendered_plan["steps"]] == ["budget", "proof", "watch", None]
    plan = Plan.parse(rendered_plan)
    assert plan.harm_budget == 50
    assert [step.passes for step in plan.steps] == [Passes.BUDGET, Passes.PROOF, Passes.WATCH, Passes.EVIDENCE]
    assert plan.gates.judge.warm_up_once
    assert "harm_budget" not in plan_of(resources_of(routing=TrafficRouting.steps([10, 50, 100])))


def test_a_step_that_waits_for_the_budget_may_be_shorter_than_an_alarm_needs() -> None:
    short = TrafficStep(percent=10, bake=Duration.seconds(60))
    assert resources_of(routing=TrafficRouting.paced(checkpoints=[short, 50, 100]))


def test_handlers_know_the_limits_of_the_alarms_in_every_settings() -> None:
    thresholds = AlarmThresholds(error_rate_percent=12.5, p99_latency_ms=400, min_requests=40)
    resources = resources_of(alarm_thresholds=thresholds)
    for settings in [plan_of(resources), *settings_in_rules(resources)]:
        assert settings["alarm_limits"] == {"failed_percent": 12.5, "p99_latency_ms": 400, "min_requests": 40}


def test_an_alarm_given_or_added_later_is_the_callers_in_every_settings(elaborate: Resources) -> None:
    for settings in [plan_of(elaborate), *settings_in_rules(elaborate)]:
        given, added = settings["alarms"]["caller"]
        assert given == "checkout-failures"
        assert added.startswith("<Later")


def test_an_alarm_given_or_added_later_calls_the_panic_handler(elaborate: Resources) -> None:
    (rule,) = [rule for name, rule in of_type(elaborate, "AWS::Events::Rule").items() if "AlarmRaised" in name]
    watched = [text(name) for name in rule["Properties"]["EventPattern"]["detail"]["alarmName"]]
    assert "checkout-failures" in watched
    assert any(name.startswith("<Later") for name in watched)
    assert len(watched) == 4 + 2


def test_a_gate_added_later_is_judged_and_has_a_source(elaborate: Resources) -> None:
    gates = plan_of(elaborate)["gates"]
    assert [gate["name"] for gate in gates["judge"]["gates"]] == ["errors", "refused", "latency", "conversion"]
    assert set(gates["sources"]) == {"errors", "refused", "latency", "conversion"}


def test_a_second_gate_of_a_name_is_refused() -> None:
    endpoint = declare(stack())
    with pytest.raises(ValueError, match=r"^gates must have different names, got errors twice$"):
        endpoint.add_gate(Gate.error_rate())


def test_no_gates_and_an_alpha_of_zero_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^gates must hold at least one gate, got none$"):
        declare(stack(), gates=[])
    with pytest.raises(ValueError, match=r"^alpha must be above 0 and below 1, got 0$"):
        declare(stack(), alpha=0)


def test_a_step_too_short_for_a_gate_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^bake must be at least 600 s for gate latency \(its warm-up of 300 s and 5 metric periods\), "
        r"got 599 s at 100 %$",
    ):
        declare(stack(), routing=TrafficRouting.all_at_once(Duration.seconds(599)))


def test_a_bake_in_which_an_alarm_may_not_go_off_is_refused() -> None:
    """A gate with shorter periods than the alarms: with equal ones it asks for the same bake, and is checked first."""
    routing = TrafficRouting.all_at_once(Duration.seconds(299))
    gates = RolloutGates(
        [Gate.error_rate()], routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=10
    )
    settings = EndpointSettings(
        endpoint_name="recommender",
        scaling=InstanceScaling(),
        alarms=RolloutAlarms(stack(), slots=(), thresholds=AlarmThresholds(), callers=()),
        alarm_limits=AlarmThresholds().for_handlers(),
        metric_period_seconds=60,
        state_machine_arn="",
        start_on_deploy=True,
        api_stages=(),
    )
    with pytest.raises(
        ValueError,
        match=r"^bake must be at least 300 s, because an alarm can need that long to go off at a metric period of "
        r"60 s, got 299 s at 100 %$",
    ):
        RolloutPlan(
            settings=settings,
            routing=routing,
            gates=gates,
            thresholds=AlarmThresholds(),
            smoke_test=None,
            on_inconclusive=OnInconclusive.ROLL_BACK,
        )


def test_the_first_release_may_wait_for_a_person() -> None:
    settings = Settings.parse(plan_of(resources_of(start_on_deploy=False)))
    assert settings.start_on_deploy is False


def test_a_hold_of_undecided_steps_reaches_the_handlers_with_room_for_all_of_them() -> None:
    plan = plan_of(resources_of(on_inconclusive=OnInconclusive.hold_for(Duration.hours(60))))
    assert plan["undecided_seconds"] == 60 * 3600
    parsed = Plan.parse(plan)
    assert parsed.longest_hold_seconds == 24 * 3600 + len(parsed.steps) * 60 * 3600
    assert parsed.hold_interval_seconds > Plan.parse(plan_of(resources_of())).hold_interval_seconds


def office(hours: float, hour: str = "9") -> RolloutWindow:
    schedule = ScheduleExpression.cron(minute="0", hour=hour, week_day="MON-FRI", time_zone=TimeZone.EUROPE_BERLIN)
    return RolloutWindow(schedule=schedule, duration=Duration.minutes(hours * 60))


def test_windows_reach_the_handlers_with_room_to_wait_for_them_in_every_step() -> None:
    plan = Plan.parse(plan_of(resources_of(rollout_windows=[office(7)])))
    assert [window.title for window in plan.windows] == ["Mon-Fri 09:00-16:00 Europe/Berlin"]
    assert plan.windows_seconds == len(plan.steps) * 66 * 3600
    assert plan.longest_hold_seconds == 24 * 3600 + plan.windows_seconds
    assert plan.evaluation_interval_seconds == 120
    assert "windows" not in plan_of(resources_of())


def test_a_reviewer_sees_when_it_raises() -> None:
    resources = resources_of(rollout_windows=[office(7)])
    (machine,) = of_type(resources, "AWS::StepFunctions::StateMachine").values()
    summary = machine["Metadata"][PLAN_METADATA]
    assert summary["RaisesOnly"] == ["Mon-Fri 09:00-16:00 Europe/Berlin"]
    assert summary["LongestSeconds"] > summary["LongestWaitForWindowsSeconds"] > 0


def test_a_window_in_which_no_step_fits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^duration of a window must be at least 2,700 s, because instances and"):
        resources_of(rollout_windows=[office(0.5)])


def test_a_window_that_comes_too_rarely_is_refused() -> None:
    yearly = ScheduleExpression.cron(minute="0", hour="9", day="1", month="1")
    window = RolloutWindow(schedule=yearly, duration=Duration.hours(7))
    with pytest.raises(ValueError, match=r"and [\d,]+ s of waiting for people and windows need more than the 25,000"):
        resources_of(rollout_windows=[window])
