"""SageMaker's own guardrail of a deploy, as it is rendered, allowed and guarded."""

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match, Template
from rollout.handlers import release_slots

from canary_construct import FleetUpdate
from canary_construct.hosting.fleet_guardrail import MOST_ALARMS, WAITED_FOR_SECONDS
from tests.infrastructure.synthesis import Resources, declare, properties, rendered, stack, statements

pytestmark = pytest.mark.xdist_group("guards")


def alarm(scope: Stack, name: str = "errors") -> cloudwatch.IAlarm:
    return cloudwatch.Alarm.from_alarm_name(scope, f"Alarm {name}", name)


def watching(**props: Any) -> Resources:
    shop = stack()
    declare(shop, fleet_update_alarms=[alarm(shop)], **props)
    return rendered(shop)


def guardrail(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = properties(resources, "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    return found


def describing(resources: Resources, role: str) -> int:
    return sum(s["Action"] == ["cloudwatch:DescribeAlarms"] for s in statements(resources, role))


def test_without_alarms_nothing_is_rendered_or_allowed(resources: Resources) -> None:
    assert "DeploymentConfig" not in properties(resources, "AWS::SageMaker::Endpoint")
    assert "FleetUpdateAlarms" not in properties(resources, "Custom::VerifiedEndpoint")
    assert describing(resources, "ModelRole") == 0


def test_alarms_alone_watch_a_swap_at_once_for_five_minutes() -> None:
    assert guardrail(watching()) == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }


@pytest.mark.parametrize(
    ("update", "size"),
    [
        (FleetUpdate.canary(percent=20, wait=Duration.minutes(1), timeout=Duration.hours(1)), "CanarySize"),
        (FleetUpdate.linear(percent=20, wait=Duration.minutes(1), timeout=Duration.hours(1)), "LinearStepSize"),
    ],
    ids=["canary", "linear"],
)
def test_a_swap_in_steps_says_how_large_they_are_and_how_long_they_last(update: FleetUpdate, size: str) -> None:
    assert guardrail(watching(fleet_update=update))["BlueGreenUpdatePolicy"] == {
        "TrafficRoutingConfiguration": {
            "Type": update.strategy,
            "WaitIntervalInSeconds": 60,
            size: {"Type": "CAPACITY_PERCENT", "Value": 20},
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }


def test_the_models_role_and_the_check_after_the_deploy_may_ask_for_the_alarms() -> None:
    resources = watching()
    assert describing(resources, "ModelRole") == 1
    assert properties(resources, "Custom::VerifiedEndpoint")["FleetUpdateAlarms"] == ["errors"]


def test_every_role_that_is_kept_may_ask_for_the_alarms() -> None:
    shop = stack()
    principal = iam.ServicePrincipal("sagemaker.amazonaws.com")
    mine, older = (iam.Role(shop, name, assumed_by=principal) for name in ("Mine", "Older"))
    endpoint = declare(shop, role=mine)
    endpoint.add_fleet_update_alarm(alarm(shop))
    endpoint.keep_role(older)
    resources = rendered(shop)
    assert [describing(resources, name) for name in ("Mine", "Older")] == [1, 1]


def test_alarms_of_the_endpoint_itself_can_be_added() -> None:
    shop = stack()
    endpoint = declare(shop)
    for own in endpoint.alarms:
        endpoint.add_fleet_update_alarm(own)
    alarms = guardrail(rendered(shop))["AutoRollbackConfiguration"]["Alarms"]
    assert len(alarms) == len(endpoint.alarms) > 0


def test_the_guards_see_a_change_of_it_and_the_content_stays(resources: Resources) -> None:
    one, other = watching(), watching(fleet_update=FleetUpdate.canary(percent=20))
    for kind in ("Custom::ReleaseSlots", "Custom::VerifiedEndpoint"):
        digests = {properties(each, kind)["EndpointDigest"] for each in (resources, one, other)}
        assert len(digests) == 3
    contents = {properties(each, "Custom::ReleaseSlots")["ContentDigest"] for each in (resources, one, other)}
    assert len(contents) == 1


def test_more_alarms_than_sagemaker_takes_are_refused() -> None:
    shop = stack()
    endpoint = declare(shop, fleet_update_alarms=[alarm(shop, str(number)) for number in range(MOST_ALARMS)])
    with pytest.raises(ValueError, match="fleet_update_alarms must be at most 10, got 11: combine some of them in a"):
        endpoint.add_fleet_update_alarm(alarm(shop, "one more"))


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        (
            {"fleet_update": FleetUpdate.canary(percent=20), "fleet_update_alarms": []},
            "fleet_update must have fleet_update_alarms: without an alarm SageMaker has no reason to go back",
        ),
        (
            {"instance_type": "ml.inf1.xlarge"},
            "for ml.inf1.xlarge: SageMaker swaps a fleet of Inf1 instances at once and watches no alarm",
        ),
    ],
)
def test_a_guardrail_that_would_do_nothing_is_refused_at_synth(props: dict[str, Any], sentence: str) -> None:
    shop = stack()
    declare(shop, **{"fleet_update_alarms": [alarm(shop)], **props})
    with pytest.raises(RuntimeError) as refusal:
        Template.from_stack(shop)
    assert sentence in str(refusal.value)


def test_a_swap_longer_than_the_guard_waits_is_said_at_synth() -> None:
    assert WAITED_FOR_SECONDS == release_slots.PATIENCE_SECONDS + release_slots.FLEET_SECONDS
    said = Match.string_like_regexp("swaps the fleet for 65 minutes.*goes back after 13 minutes")
    for wait, times in ((Duration.hours(1), 1), (Duration.minutes(8), 0)):
        shop = stack()
        update = FleetUpdate.canary(percent=20, wait=wait)
        endpoint = declare(shop, fleet_update=update, fleet_update_alarms=[alarm(shop)])
        found = Annotations.from_stack(shop).find_info(f"/{endpoint.node.path}", said)
        assert len(found) == times
