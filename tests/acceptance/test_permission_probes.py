"""What the questions to IAM make of what AWS says."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.acceptance.probes import permissions
from canary_tools.acceptance.scene import NotAsked
from canary_tools.acceptance.undoing import Undoing
from tests.acceptance.scenes import scene

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/shop/variant/variant-a",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "MinCapacity": 1,
    "MaxCapacity": 4,
}


class FakeAws:
    """An account in which a role is denied its first registrations."""

    def __init__(self, *, denials: int, targets: list[dict[str, Any]]) -> None:
        self.denials = denials
        self.targets = targets
        self.registered: list[dict[str, Any]] = []
        self.policies: list[str] = []

    def client(self, service: str, _credentials: object = None) -> Any:
        return {
            "iam": SimpleNamespace(
                create_role=lambda **role: {"Role": {"Arn": f"arn:aws:iam::1:role/{role['RoleName']}"}},
                put_role_policy=lambda **policy: self.policies.append(policy["PolicyDocument"]),
            ),
            "sts": SimpleNamespace(assume_role=lambda **_: {"Credentials": {}}),
            "application-autoscaling": SimpleNamespace(
                describe_scalable_targets=lambda **_: {"ScalableTargets": self.targets},
                register_scalable_target=self._register,
            ),
        }[service]

    def _register(self, **target: Any) -> None:
        if self.denials > 0:
            self.denials -= 1
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "RegisterScalableTarget")
        self.registered.append(target)


def asked(aws: FakeAws) -> Any:
    account = SimpleNamespace(
        make_client=aws.client, make_client_as=aws.client, partition="aws", region="eu-central-1", number="1"
    )
    here = scene()
    object.__setattr__(here, "account", account)
    object.__setattr__(here, "undoing", Undoing())
    return permissions.narrow_registration(here)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("canary_tools.acceptance.waiting.time.monotonic", lambda: now[0])
    monkeypatch.setattr("canary_tools.acceptance.waiting.time.sleep", lambda seconds: now.append(now.pop() + seconds))


def test_a_registration_by_a_narrow_role_is_taken_though_its_policy_takes_effect_late() -> None:
    aws = FakeAws(denials=5, targets=[{**TARGET, "CreationTime": 1}])
    assert asked(aws).value == "taken"
    assert aws.registered == [TARGET]


def test_a_registration_that_is_denied_for_two_minutes_is_refused() -> None:
    said = asked(FakeAws(denials=1000, targets=[TARGET]))
    assert said.value == "refused"
    assert "AccessDeniedException" in said.sentence


def test_the_narrow_role_has_the_actions_of_sagemaker_on_this_endpoint_alone() -> None:
    aws = FakeAws(denials=0, targets=[TARGET])
    asked(aws)
    (policy,) = aws.policies
    (weights,) = [one for one in json.loads(policy)["Statement"] if "sagemaker:DescribeEndpoint" in one["Action"]]
    assert weights["Resource"] == "arn:aws:sagemaker:eu-central-1:1:endpoint/shop"


def test_an_endpoint_without_scalable_targets_cannot_be_asked() -> None:
    with pytest.raises(NotAsked, match="no scalable target"):
        asked(FakeAws(denials=0, targets=[]))
