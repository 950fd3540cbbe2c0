"""Alarms on a virtual clock, without an emulator."""

from typing import TYPE_CHECKING, Any

import pytest

from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.cloudwatch.alarm import Change
from canary_tools.aws_models.cloudwatch.alarm_request import AlarmRequestError
from canary_tools.aws_models.cloudwatch.alarms import Alarms
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from canary_tools.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Mapping

START = 1_000_000_020.0
TOPIC = "arn:aws:sns:us-east-1:000000000000:page"


class World:
    """A store, alarms, and what they told."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.store = MetricStore()
        self.events: list[Mapping[str, Any]] = []
        self.actions: list[tuple[str, str]] = []
        self.alarms = Alarms(
            store=self.store,
            clock=self.clock,
            emit=lambda **event: self.events.append(event),
            act=self._act,
            place=Place(account="000000000000", region="us-east-1"),
        )
        self.alarms.start()

    def publish(self, name: str, value: float, *, at: float, variant: str = "variant-b") -> None:
        self.store.record(
            namespace="AWS/SageMaker",
            name=name,
            dimensions={"EndpointName": "shop", "VariantName": variant},
            timestamp=at,
            values={value: 1},
            unit="None",
            storage_resolution=1,
        )

    def state(self, name: str) -> str:
        alarm = self.alarms.get(name)
        assert alarm is not None
        return str(alarm.state.value)

    def _act(self, action: str, change: Change) -> None:
        self.actions.append((action, str(change.after.value)))


@pytest.fixture
def world() -> World:
    return World()


def metric(query_id: str, name: str, *, period: int = 60, stat: str = "Sum") -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": "shop"}, {"Name": "VariantName", "Value": "variant-b"}]
    source = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions}
    return {
        "Id": query_id,
        "MetricStat": {"Metric": source, "Period": period, "Stat": stat},
        "ReturnData": False,
    }


def error_rate(period: int = 60, **changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": "error-rate",
        "Metrics": [
            metric("errors", "InvocationModelErrors", period=period),
            metric("requests", "Invocations", period=period),
            {"Id": "rate", "Expression": "IF(requests >= 10, errors / requests, 0)"},
        ],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.05,
        "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching",
        "AlarmActions": [TOPIC],
        **changes,
    }


def test_metric_math_with_a_request_floor_alarms_on_rates_only(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate())
    world.publish("Invocations", 3, at=START)
    world.publish("InvocationModelErrors", 1, at=START)
    world.clock.advance_to(START + 90)
    assert world.state("error-rate") == "OK"
    world.publish("Invocations", 100, at=START + 60)
    world.publish("InvocationModelErrors", 20, at=START + 60)
    world.clock.advance_to(START + 150)
    assert world.state("error-rate") == "ALARM"


def test_the_other_variant_cannot_raise_the_alarm(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate())
    for name in ("Invocations", "InvocationModelErrors"):
        world.publish(name, 100, at=START, variant="variant-a")
    world.clock.advance_to(START + 120)
    assert world.state("error-rate") == "OK"


def test_sub_minute_alarms_are_evaluated_every_ten_seconds_and_others_every_minute(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate(period=10))
    world.alarms.put_metric_alarm({**error_rate(), "AlarmName": "slow"})
    world.clock.advance_to(START + 14)
    assert (world.state("error-rate"), world.state("slow")) == ("OK", "INSUFFICIENT_DATA")
    world.clock.advance_to(START + 64)
    assert world.state("slow") == "OK"


def test_a_change_of_state_is_told_once_with_its_reason(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate())
    world.publish("Invocations", 100, at=START)
    world.publish("InvocationModelErrors", 20, at=START)
    world.clock.advance_to(START + 300)
    event = world.events[1]
    assert [sent["detail"]["state"]["value"] for sent in world.events] == ["OK", "ALARM", "OK"]
    assert event["source"] == "aws.cloudwatch"
    assert event["detail_type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == ["arn:aws:cloudwatch:us-east-1:000000000000:alarm:error-rate"]
    assert event["detail"]["alarmName"] == "error-rate"
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["previousState"]["value"] == "OK"
    assert "greater than the threshold (0.05)" in event["detail"]["state"]["reason"]
    assert [query["id"] for query in event["detail"]["configuration"]["metrics"]] == ["errors", "requests", "rate"]
    assert world.actions == [(TOPIC, "ALARM")]


def test_two_of_three_needs_two_breaching_minutes(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate(EvaluationPeriods=3, DatapointsToAlarm=2))
    for minute, errors in enumerate((0, 0, 20, 0, 20)):
        world.publish("Invocations", 100, at=START + 60 * minute)
        world.publish("InvocationModelErrors", errors, at=START + 60 * minute)
        world.clock.advance_to(START + 60 * (minute + 1) + 30)
        assert world.state("error-rate") == ("ALARM" if minute == 4 else "OK")


def test_a_state_set_by_hand_lasts_until_the_next_evaluation(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate(period=10))
    world.clock.advance_to(START + 20)
    world.alarms.set_state("error-rate", AlarmState.ALARM, "drill")
    assert world.state("error-rate") == "ALARM"
    world.clock.advance_to(START + 40)
    assert world.state("error-rate") == "OK"
    assert [str(change.after.value) for change in world.alarms.history] == ["OK", "ALARM", "OK"]


def test_composites_follow_their_children_through_several_levels(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate())
    world.alarms.put_composite_alarm({"AlarmName": "slot", "AlarmRule": "ALARM(error-rate)"})
    world.alarms.put_composite_alarm({"AlarmName": "all", "AlarmRule": 'ALARM("slot") OR FALSE'})
    world.alarms.set_state("error-rate", AlarmState.ALARM, "drill")
    assert (world.state("slot"), world.state("all")) == ("ALARM", "ALARM")
    world.alarms.set_state("error-rate", AlarmState.OK, "over")
    assert (world.state("slot"), world.state("all")) == ("OK", "OK")


def test_an_alarm_that_a_composite_needs_cannot_be_deleted_alone(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate())
    world.alarms.put_composite_alarm({"AlarmName": "slot", "AlarmRule": "ALARM(error-rate)"})
    with pytest.raises(AlarmRequestError, match="depending on it"):
        world.alarms.delete(["error-rate"])
    world.alarms.delete(["error-rate", "slot"])
    assert world.alarms.all() == []


def test_switched_off_actions_stay_silent_but_the_event_is_sent(world: World) -> None:
    world.alarms.put_metric_alarm(error_rate(ActionsEnabled=False))
    world.alarms.set_state("error-rate", AlarmState.ALARM, "drill")
    assert world.actions == []
    assert len(world.events) == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"MetricName": "Invocations"}, "either MetricName or Metrics"),
        ({"Metrics": [metric(f"m{n}", "Invocations") for n in range(11)]}, "at most 10 metrics"),
        ({"Metrics": [metric("m1", "Invocations")]}, "exactly one element"),
        ({"Metrics": [metric("m1", "A"), {**metric("m2", "B", period=10), "ReturnData": True}]}, "one period"),
        ({"Metrics": [{**metric("m1", "A", period=45), "ReturnData": True}]}, "multiple of 60"),
        ({"Metrics": [metric("m1", "A"), {"Id": "e1", "Expression": "m1 / gone"}]}, "unknown id"),
        ({"Metrics": [metric("m1", "A"), {"Id": "e1", "Expression": "MAX(m1)"}]}, "single time series"),
        ({"EvaluationPeriods": 0}, "EvaluationPeriods must be at least 1"),
        ({"DatapointsToAlarm": 2}, "must not exceed EvaluationPeriods"),
        ({"EvaluationPeriods": 1441}, "must not exceed 86400"),
        ({"TreatMissingData": "maybe"}, "TreatMissingData"),
        ({"ComparisonOperator": "Equals"}, "ComparisonOperator"),
    ],
)
def test_an_alarm_that_cloudwatch_would_refuse_is_refused(
    world: World, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(AlarmRequestError, match=complaint):
        world.alarms.put_metric_alarm(error_rate(**changes))


def test_a_composite_of_an_unknown_alarm_is_refused(world: World) -> None:
    with pytest.raises(AlarmRequestError, match="do not exist"):
        world.alarms.put_composite_alarm({"AlarmName": "slot", "AlarmRule": "ALARM(gone)"})


def test_percentiles_of_few_samples_can_be_ignored(world: World) -> None:
    request = {
        "AlarmName": "p99",
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelLatency",
        "Dimensions": [{"Name": "EndpointName", "Value": "shop"}, {"Name": "VariantName", "Value": "variant-b"}],
        "ExtendedStatistic": "p99",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 100.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluateLowSampleCountPercentile": "ignore",
    }
    world.alarms.put_metric_alarm(request)
    world.publish("ModelLatency", 5000, at=START)
    world.clock.advance_to(START + 90)
    assert world.state("p99") == "INSUFFICIENT_DATA"
    world.alarms.put_metric_alarm({**request, "EvaluateLowSampleCountPercentile": "evaluate"})
    world.clock.advance_to(START + 150)
    assert world.state("p99") == "ALARM"
