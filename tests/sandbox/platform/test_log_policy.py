"""State machines with logs share a resource policy of the account, which has a limit."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.sandbox.emulator.settings import SandboxSettings
from canary_tools.sandbox.logs.delivery_policy import POLICY, POLICY_CHARACTERS
from canary_tools.sandbox.server import Sandbox
from tests.sandbox.platform.conftest import Playground

DEFINITION = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
ROLE = "arn:aws:iam::000000000000:role/machines"
SENTENCE = "The CloudWatch Logs Resource Policy size was exceeded. We suggest prefixing your CloudWatch log group name"
MANY = 60


@pytest.fixture
def playground() -> Iterator[Playground]:
    """A sandbox of its own: the policy is the account's, and nothing makes it shorter."""
    with Sandbox(settings=SandboxSettings()) as sandbox:
        playground = Playground(sandbox)
        playground.role("machines")
        yield playground


def group_arn(name: str) -> str:
    return f"arn:aws:logs:us-east-1:000000000000:log-group:{name}:*"


def make(playground: Playground, number: int, prefix: str) -> None:
    group = {"cloudWatchLogsLogGroup": {"logGroupArn": group_arn(f"{prefix}{number:03}{'g' * 40}")}}
    playground.client("stepfunctions").create_state_machine(
        name=f"machine-{number}", definition=DEFINITION, roleArn=ROLE,
        loggingConfiguration={"level": "ALL", "destinations": [group]},
    )  # fmt: skip


def make_many(playground: Playground, prefix: str) -> None:
    for number in range(MANY):
        make(playground, number, prefix)


def policy(playground: Playground) -> str:
    policies = playground.client("logs").describe_resource_policies()["resourcePolicies"]
    return next((one["policyDocument"] for one in policies if one["policyName"] == POLICY), "")


def test_a_group_for_which_the_policy_has_no_room_is_refused(playground: Playground) -> None:
    with pytest.raises(ClientError, match=f"InvalidLoggingConfiguration.*{SENTENCE}"):
        make_many(playground, "shop-")
    assert 0.9 * POLICY_CHARACTERS < len(policy(playground)) <= POLICY_CHARACTERS


def test_groups_of_vended_logs_take_one_entry_together(playground: Playground) -> None:
    make_many(playground, "/aws/vendedlogs/states/shop-")
    (statement,) = json.loads(policy(playground))["Statement"]
    assert statement["Resource"] == ["arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/*"]


def test_a_template_is_refused_for_which_the_policy_has_no_room(playground: Playground) -> None:
    resources: dict[str, Any] = {
        f"Machine{number}": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": ROLE,
                "DefinitionString": DEFINITION,
                "LoggingConfiguration": {
                    "Level": "ALL",
                    "Destinations": [
                        {"CloudWatchLogsLogGroup": {"LogGroupArn": group_arn(f"{number:03}{'g' * 60}")}},
                    ],
                },
            },
        }
        for number in range(MANY)
    }
    assert playground.deploy("machines", {"Resources": resources}) == "ROLLBACK_COMPLETE"
    events = playground.client("cloudformation").describe_stack_events(StackName="machines")["StackEvents"]
    assert any(SENTENCE in event.get("ResourceStatusReason", "") for event in events)
