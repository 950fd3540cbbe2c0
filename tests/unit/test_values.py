"""Values with numbers in them: what each refuses, in the caller's words."""

import math
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack

from canary_construct import AlarmThresholds, InstanceScaling, ScalingMetric, ScheduledMinimum, SmokeTest
from canary_construct.hosting.endpoint_name import MAX_LENGTH
from canary_construct.permissions.endpoint_scope import StackScope
from canary_construct.props.metric_period import check_metric_period
from canary_construct.props.slot import Slot


def refusal_of(make: Any, **props: Any) -> str:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the callers compare the whole sentence
        make(**props)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"min_instances": 0}, "min_instances must be 1 or more, got 0"),
        ({"max_instances": 0}, "max_instances must be 1 or more, got 0"),
        ({"idle_instances": 0}, "idle_instances must be 1 or more, got 0"),
        ({"invocations_per_instance": 0}, "invocations_per_instance must be 1 or more, got 0"),
        ({"min_instances": 5, "max_instances": 4}, "min_instances must not exceed max_instances (4), got 5"),
        ({"idle_instances": 5, "max_instances": 4}, "idle_instances must not exceed max_instances (4), got 5"),
        ({"scale_in_cooldown_seconds": -1}, "scale_in_cooldown_seconds must be 0 or more, got -1"),
        ({"scale_out_cooldown_seconds": -1}, "scale_out_cooldown_seconds must be 0 or more, got -1"),
    ],
)
def test_impossible_scaling_is_refused(props: dict[str, Any], sentence: str) -> None:
    assert refusal_of(InstanceScaling, **props) == sentence


BY_DAY = {"min_instances": 3, "start": "08:00", "end": "20:30"}


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"min_instances": 0}, "min_instances must be 1 or more, got 0"),
        ({"start": "8:00"}, "start must be a time such as 08:30, got '8:00'"),
        ({"end": "24:00"}, "end must be a time such as 08:30, got '24:00'"),
        ({"end": "08:00"}, "end must differ from start, got 08:00 for both"),
        ({"days": ()}, "days must name a day of the week or more, got none"),
        ({"time_zone": "Berlin"}, "time_zone must be a name such as Europe/Berlin, got 'Berlin'"),
    ],
)
def test_a_minimum_that_never_holds_is_refused(props: dict[str, Any], sentence: str) -> None:
    assert refusal_of(ScheduledMinimum, **{**BY_DAY, **props}) == sentence


def test_a_scheduled_minimum_above_the_maximum_is_refused() -> None:
    scheduled = [ScheduledMinimum(min_instances=5, start="08:00", end="20:00")]
    assert (
        refusal_of(InstanceScaling, max_instances=4, scheduled_minimums=scheduled)
        == "scheduled_minimums must not exceed max_instances (4), got 5"
    )


def test_a_minimum_lasts_until_the_next_end() -> None:
    by_night = ScheduledMinimum(min_instances=2, start="22:15", end="06:00")
    assert (by_night.start_minute, by_night.minutes) == (22 * 60 + 15, 7 * 60 + 45)


QUEUE = ScalingMetric(namespace="Shop", metric_name="Queue", target=10)


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"concurrency_per_instance": 0}, "concurrency_per_instance must be above 0, got 0"),
        (
            {"concurrency_per_instance": math.nan},
            "concurrency_per_instance of InstanceScaling must be a finite number, got nan",
        ),
        ({"metrics": [QUEUE, QUEUE]}, "metrics must have different names, got Queue, Queue"),
    ],
)
def test_what_instances_cannot_follow_is_refused(props: dict[str, Any], sentence: str) -> None:
    assert refusal_of(InstanceScaling, **props) == sentence


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        (
            {"namespace": ""},
            "namespace must be 1 to 255 ASCII characters that begin with no colon, as CloudWatch takes them, got ''",
        ),
        (
            {"metric_name": ""},
            "metric_name must be 1 to 255 ASCII characters that begin with no colon, as CloudWatch takes them, got ''",
        ),
        ({"target": -1}, "target must be above 0, got -1"),
        ({"target": math.inf}, "target of ScalingMetric must be a finite number, got inf"),
        ({"dimensions": {"VariantName": "a"}}, "dimensions must leave VariantName out: the library adds it"),
    ],
)
def test_a_metric_that_cannot_be_followed_is_refused(props: dict[str, Any], sentence: str) -> None:
    assert refusal_of(ScalingMetric, **{"namespace": "Shop", "metric_name": "Queue", "target": 10, **props}) == sentence


def test_no_target_to_follow_is_a_fixed_fleet_and_a_cooldown_of_zero_is_a_value() -> None:
    scaling = InstanceScaling(scale_in_cooldown_seconds=0)
    assert scaling.invocations_per_instance is None
    assert scaling.scale_in_cooldown_seconds == 0


@pytest.mark.parametrize("name", ["min_instances", "max_instances", "idle_instances", "invocations_per_instance"])
def test_numbers_known_only_at_deploy_time_are_not_checked(name: str) -> None:
    number: Any = CfnParameter(Stack(), "Number", type="Number").value_as_number
    assert getattr(InstanceScaling(**{name: number}), name) == number


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"error_rate_percent": 0}, "error_rate_percent must be above 0 and at most 100, got 0"),
        ({"error_rate_percent": 101}, "error_rate_percent must be above 0 and at most 100, got 101"),
        ({"p99_latency_ms": 0}, "p99_latency_ms must be above 0, got 0"),
        ({"min_requests": 0}, "min_requests must be 1 or more, got 0"),
    ],
)
def test_impossible_alarm_thresholds_are_refused(props: dict[str, Any], sentence: str) -> None:
    assert refusal_of(AlarmThresholds, **props) == sentence


def test_a_smoke_test_without_a_request_is_refused() -> None:
    assert refusal_of(SmokeTest, payloads=[]) == "payloads must hold at least one request, got none"


def test_a_smoke_test_that_does_not_fit_into_the_execution_input_is_refused() -> None:
    payloads = [b"\x00" * 60_000, "x" * 40_001]
    assert refusal_of(SmokeTest, payloads=payloads) == "payloads must not exceed 100,000 bytes in all, got 100,001"


def test_smoke_payloads_travel_as_base64_whether_text_or_bytes() -> None:
    requests = SmokeTest(payloads=["ä", b"\xff"], content_type="application/octet-stream").requests()
    assert [request.payload for request in requests] == ["w6Q=", "/w=="]
    assert {request.content_type for request in requests} == {"application/octet-stream"}


@pytest.mark.parametrize("period", [0, 1, 20, 61, 120])
def test_a_metric_period_that_alarms_do_not_know_is_refused(period: int) -> None:
    assert refusal_of(check_metric_period, metric_period=period) == (
        f"metric_period must be 10, 30 or 60 seconds, got {period}"
    )


def test_the_slots_have_constant_names_and_each_is_the_others_other() -> None:
    assert [slot.value for slot in Slot] == ["variant-a", "variant-b"]
    assert (Slot.A.other, Slot.B.other) == (Slot.B, Slot.A)


def test_the_name_of_a_state_machine_fits_behind_the_longest_endpoint_name() -> None:
    names = StackScope.of(Stack(App(), "Shop"), ledger_arn="", ledger_stream_arn="").endpoint("e" * MAX_LENGTH)
    assert len(names.state_machine_name) == 80
