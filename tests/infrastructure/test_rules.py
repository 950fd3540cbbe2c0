import json
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from ministack.services.lambda_svc import _match_esm_filter

from canary_construct.handlers.functions import ANNOUNCE, EVENT_HANDLERS
from canary_construct.handlers.ledger_stream import ORDERS
from canary_construct.permissions.endpoint_scope import stack_mark
from canary_construct.rollout.event_rules import MAX_RULE_NAME
from canary_tools.sandbox.events.pattern_size import PATTERN_CHARACTERS
from tests.infrastructure.synthesis import Resources, declare, named, of_type, only, properties, rendered, stack, text

pytestmark = pytest.mark.xdist_group("graph")

RULE = "AWS::Events::Rule"
HANDLERS = {"StackSettled": "Settle", "LockWatched": "Settle", "AlarmRaised": "Panic", "ExecutionEnded": "Restore"}


def pattern(resources: Resources, rule: str) -> dict[str, Any]:
    found: dict[str, Any] = named(resources, rule, RULE)["EventPattern"]
    return found


def test_the_stack_is_settled_whenever_it_comes_to_rest(resources: Resources) -> None:
    assert pattern(resources, "StackSettled") == {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {
            "stack-id": [{"Ref": "AWS::StackId"}],
            "status-details": {
                "status": [
                    "CREATE_COMPLETE",
                    "ROLLBACK_COMPLETE",
                    "UPDATE_COMPLETE",
                    "UPDATE_FAILED",
                    "UPDATE_ROLLBACK_COMPLETE",
                    "UPDATE_ROLLBACK_FAILED",
                ]
            },
        },
    }


def test_the_lock_is_looked_at_every_quarter_of_an_hour(resources: Resources) -> None:
    rule = named(resources, "LockWatched", RULE)
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    assert set(json.loads(text(rule["Targets"][0]["Input"]))) == {"settings", "stack_id"}


def test_every_alarm_of_both_slots_raises_panic_when_it_goes_off(resources: Resources) -> None:
    found = pattern(resources, "AlarmRaised")
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert found["source"] == ["aws.cloudwatch"]
    assert found["detail-type"] == ["CloudWatch Alarm State Change"]
    assert found["detail"]["state"] == {"value": ["ALARM"]}
    assert {text(name) for name in found["detail"]["alarmName"]} == {f"<{alarm}>" for alarm in alarms}


def callers_alarms(shop: Stack, count: int, *, characters: int = 0) -> list[cloudwatch.IAlarm]:
    """Return alarms of the app: with names of so many characters, or with those that CloudFormation makes."""
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Orders", period=Duration.minutes(1))
    return [
        cloudwatch.Alarm(
            shop,
            f"Orders{number}",
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            alarm_name=f"{number:03}".rjust(characters, "o") if characters else None,
        )
        for number in range(count)
    ]


def panic_rules(resources: Resources) -> list[dict[str, Any]]:
    return [rule["Properties"] for name, rule in of_type(resources, RULE).items() if "AlarmRaised" in name]


def concrete(value: Any, names: dict[str, str]) -> Any:
    match value:
        case {"Ref": str(name)}:
            return names[name]
        case dict():
            return {key: concrete(inner, names) for key, inner in value.items()}
        case list():
            return [concrete(inner, names) for inner in value]
        case _:
            return value


@pytest.mark.parametrize(("count", "characters", "rules"), [(20, 0, 1), (60, 30, 2), (98, 0, 3), (20, 255, 3)])
def test_many_alarms_have_several_rules_whose_patterns_all_fit(count: int, characters: int, rules: int) -> None:
    shop = stack()
    endpoint = declare(shop, alarms=callers_alarms(shop, count - 1, characters=characters))
    endpoint.add_alarm(cloudwatch.Alarm.from_alarm_arn(shop, "Last", "arn:aws:cloudwatch:eu-central-1:1:alarm:last"))
    found = rendered(shop)
    declared = of_type(found, "AWS::CloudWatch::Alarm")
    names = {
        alarm: one["Properties"].get("AlarmName", f"Shop-{alarm}-ABCDEFGHIJKLM") for alarm, one in declared.items()
    }
    patterns = [concrete(rule["EventPattern"], names) for rule in panic_rules(found)]
    assert len(patterns) == rules
    assert max(len(json.dumps(pattern, separators=(",", ":"))) for pattern in patterns) <= PATTERN_CHARACTERS
    watched = [name for pattern in patterns for name in pattern["detail"]["alarmName"]]
    assert sorted(watched) == sorted([*names.values(), "last"])
    targets = [rule["Targets"] for rule in panic_rules(found)]
    assert all(target[0]["Arn"] == targets[0][0]["Arn"] for target in targets)
    assert all(target[0]["InputTransformer"] == targets[0][0]["InputTransformer"] for target in targets)
    assert len({rule["Name"] for rule in panic_rules(found)}) == rules


def test_more_alarms_than_one_call_can_ask_for_are_refused() -> None:
    shop = stack()
    endpoint = declare(shop, alarms=callers_alarms(shop, 98))
    another = cloudwatch.Alarm.from_alarm_arn(shop, "Another", "arn:aws:cloudwatch:eu-central-1:1:alarm:another")
    with pytest.raises(
        ValueError, match=r"^alarms must be at most 98, got 99: combine some of them in a composite alarm$"
    ):
        endpoint.add_alarm(another)


def test_alarms_whose_names_do_not_fit_into_the_input_of_a_handler_are_refused() -> None:
    shop = stack()
    declare(shop, alarms=callers_alarms(shop, 40, characters=200))
    with pytest.raises(RuntimeError, match=r"the names of the 44 alarms of Shop/Recommender make it \d+: combine some"):
        rendered(shop)


def test_only_endings_without_a_clean_up_of_their_own_are_restored(resources: Resources) -> None:
    machine, _ = only(resources, "AWS::StepFunctions::StateMachine")
    assert pattern(resources, "ExecutionEnded") == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [{"Ref": machine}], "status": ["ABORTED", "FAILED", "TIMED_OUT"]},
    }


@pytest.mark.parametrize(
    ("rule", "passed"),
    [
        ("StackSettled", {"stack_id": "$.detail.stack-id", "status": "$.detail.status-details.status"}),
        ("AlarmRaised", {"alarm_name": "$.detail.alarmName", "raised_at": "$.time"}),
        ("ExecutionEnded", {"execution": "$.detail.name", "status": "$.detail.status"}),
    ],
)
def test_a_handler_is_told_what_happened(resources: Resources, rule: str, passed: dict[str, str]) -> None:
    transformer = named(resources, rule, RULE)["Targets"][0]["InputTransformer"]
    template = text(transformer["InputTemplate"])
    names = {path: name for name, path in transformer["InputPathsMap"].items()}
    for key, path in passed.items():
        assert f'"{key}":<{names[path]}>' in template


@pytest.mark.parametrize(("rule", "handler"), HANDLERS.items())
def test_a_rule_calls_its_handler_again_for_six_hours(resources: Resources, rule: str, handler: str) -> None:
    (target,) = named(resources, rule, RULE)["Targets"]
    assert f"CanaryHandlers{handler}" in text(target["Arn"])
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 6 * 3600, "MaximumRetryAttempts": 100}
    invoked = named(resources, f"{handler}EventInvokeConfig", "AWS::Lambda::EventInvokeConfig")
    assert invoked["MaximumEventAgeInSeconds"] == 6 * 3600
    assert invoked["MaximumRetryAttempts"] == 2


def test_the_ledgers_stream_calls_for_orders_of_one_endpoint_at_a_time(resources: Resources) -> None:
    mapping = properties(resources, "AWS::Lambda::EventSourceMapping")
    assert "CanaryHandlersAbort" in text(mapping["FunctionName"])
    assert mapping["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
    assert (mapping["BatchSize"], mapping["StartingPosition"]) == (1, "TRIM_HORIZON")
    assert properties(resources, "AWS::DynamoDB::Table")["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


@pytest.mark.parametrize(
    ("record", "halted", "called"),
    [("lock", "seen enough", True), ("lock", None, False), ("rollout#v2-1", "seen enough", False)],
)
def test_nothing_else_that_is_written_calls_the_handler(record: str, halted: str | None, called: bool) -> None:  # noqa: FBT001 - a column
    image = {"record": {"S": record}} | ({} if halted is None else {"halted": {"S": halted}})
    assert _match_esm_filter({"dynamodb": {"NewImage": image}}, ORDERS) is called


def test_the_mapping_waits_for_the_permission_to_read_the_stream(resources: Resources) -> None:
    """Lambda refuses a mapping whose function may not read the stream."""
    waits_for = only(resources, "AWS::Lambda::EventSourceMapping")[1]["DependsOn"]
    assert any("AbortRoleDefaultPolicy" in name for name in waits_for)


def test_event_handlers_are_those_that_rules_call() -> None:
    assert {*HANDLERS.values(), ANNOUNCE} == EVENT_HANDLERS


@pytest.mark.parametrize(("rule", "handler"), HANDLERS.items())
def test_a_rule_may_call_its_handler_and_no_rule_of_another_stack_may(
    resources: Resources, rule: str, handler: str
) -> None:
    permission = named(resources, f"{handler}Rules", "AWS::Lambda::Permission")
    allowed = text(permission["SourceArn"])
    assert permission["Principal"] == "events.amazonaws.com"
    assert allowed.endswith(f":rule/*-{stack_mark(stack())}")
    name = named(resources, rule, RULE)["Name"]
    assert name.endswith(allowed.partition("*")[2])
    assert len(name) <= MAX_RULE_NAME


def test_the_rules_of_endpoints_with_long_names_that_begin_alike_have_names_of_their_own() -> None:
    shop = stack()
    for number in (1, 2):
        declare(shop, f"Endpoint{number}", endpoint_name=f"{'e' * 62}{number}")
    found = [rule["Properties"]["Name"] for rule in of_type(rendered(shop), RULE).values()]
    assert len(set(found)) == len(found) == 2 * len(HANDLERS)
    assert max(map(len, found)) == MAX_RULE_NAME


def test_input_templates_stay_within_what_eventbridge_takes(resources: Resources) -> None:
    """Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html."""
    for rule in of_type(resources, RULE).values():
        target = rule["Properties"]["Targets"][0]
        template = target["InputTransformer"]["InputTemplate"] if "InputTransformer" in target else target["Input"]
        assert len(text(template)) < 8192
