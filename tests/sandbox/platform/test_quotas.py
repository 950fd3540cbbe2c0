"""What AWS refuses because it is too large or too much, in AWS's own words where they are known."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.sandbox.iam.policy_sizes import INLINE_CHARACTERS, MANAGED_CHARACTERS, characters
from tests.sandbox.platform.conftest import TRUST

ROLE_POLICY = r"Maximum policy size of 10240 bytes exceeded for role "
POLICY_SIZE = r"Cannot exceed quota for PolicySize: 6144"
ATTACHED = r"Cannot exceed quota for PoliciesPerRole: 10"


def document(size: int) -> dict[str, Any]:
    """A policy document that IAM counts as so many characters."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
    whole = {"Version": "2012-10-17", "Statement": [statement]}
    statement["Resource"] += "x" * (size - characters(whole))
    assert characters(whole) == size
    return whole


def role(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": TRUST, **properties}}


def reasons(playground: Any, stack: str) -> str:
    events = playground.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def test_the_inline_policies_of_a_role_share_one_limit(playground: Any) -> None:
    iam = playground.client("iam")
    playground.role("crowded")
    half = INLINE_CHARACTERS // 2
    for name in ("one", "two"):
        iam.put_role_policy(RoleName="crowded", PolicyName=name, PolicyDocument=json.dumps(document(half), indent=4))
    iam.put_role_policy(RoleName="crowded", PolicyName="two", PolicyDocument=json.dumps(document(half)))
    with pytest.raises(ClientError, match=f"LimitExceeded.*{ROLE_POLICY}crowded"):
        iam.put_role_policy(RoleName="crowded", PolicyName="three", PolicyDocument=json.dumps(document(200)))


def test_a_template_is_refused_whose_policies_are_too_large_together(playground: Any) -> None:
    one, two = (
        {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": name, "PolicyDocument": document(6000), "Roles": [{"Ref": "Role"}]},
        }
        for name in ("one", "two")
    )
    template = {"Resources": {"Role": role("template-role"), "One": one, "Two": two}}
    assert playground.deploy("two-policies", template) == "ROLLBACK_COMPLETE"
    assert f"{ROLE_POLICY}template-role" in reasons(playground, "two-policies")


def test_a_template_is_refused_whose_role_holds_too_much_itself(playground: Any) -> None:
    policies = [{"PolicyName": name, "PolicyDocument": document(6000)} for name in ("one", "two")]
    assert playground.deploy("own", {"Resources": {"Role": role("own-role", Policies=policies)}}) == "ROLLBACK_COMPLETE"
    assert f"{ROLE_POLICY}own-role" in reasons(playground, "own")


@pytest.mark.parametrize(("size", "fits"), [(MANAGED_CHARACTERS, True), (MANAGED_CHARACTERS + 1, False)])
def test_a_managed_policy_has_a_limit_of_its_own(playground: Any, size: int, fits: bool) -> None:  # noqa: FBT001
    iam, name = playground.client("iam"), f"managed-{size}"
    managed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(size)}}
    ended = playground.deploy(name, {"Resources": {"Managed": managed}})
    assert ended == ("CREATE_COMPLETE" if fits else "ROLLBACK_COMPLETE")
    assert (POLICY_SIZE in reasons(playground, name)) is not fits
    if not fits:
        with pytest.raises(ClientError, match=f"LimitExceeded.*{POLICY_SIZE}"):
            iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document(size)))


def test_a_role_takes_ten_managed_policies(playground: Any) -> None:
    iam = playground.client("iam")
    playground.role("collector")
    arns = [
        iam.create_policy(PolicyName=f"collected-{n}", PolicyDocument=json.dumps(document(200)))["Policy"]["Arn"]
        for n in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="collector", PolicyArn=arn)
    iam.attach_role_policy(RoleName="collector", PolicyArn=arns[0])
    with pytest.raises(ClientError, match=f"LimitExceeded.*{ATTACHED}"):
        iam.attach_role_policy(RoleName="collector", PolicyArn=arns[10])
    template = {"Resources": {"Role": role("greedy", ManagedPolicyArns=arns)}}
    assert playground.deploy("greedy", template) == "ROLLBACK_COMPLETE"
    assert ATTACHED in reasons(playground, "greedy")


def test_a_call_describes_a_hundred_alarms_and_no_more(playground: Any) -> None:
    cloudwatch = playground.client("cloudwatch")
    assert cloudwatch.describe_alarms(AlarmNames=[f"alarm-{n}" for n in range(100)])["MetricAlarms"] == []
    with pytest.raises(ClientError, match="'alarmNames' failed to satisfy constraint: Member must have length less"):
        cloudwatch.describe_alarms(AlarmNames=[f"alarm-{n}" for n in range(101)])


def test_a_rule_takes_a_pattern_of_2048_characters(playground: Any) -> None:
    events = playground.client("events")
    longest = {"source": ["s" * (2048 - len('{"source": [""]}'))]}
    events.put_rule(Name="longest", EventPattern=json.dumps(longest))
    too_long = {"source": [*longest["source"], "t"]}
    with pytest.raises(ClientError, match="LimitExceededException"):
        events.put_rule(Name="too-long", EventPattern=json.dumps(too_long))
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": too_long}}
    assert playground.deploy("patterns", {"Resources": {"Rule": rule}}) == "ROLLBACK_COMPLETE"
    assert "LimitExceededException" in reasons(playground, "patterns")
