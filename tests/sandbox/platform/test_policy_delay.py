"""A policy takes effect late, and each one when it has drawn."""

import json
import time
from collections.abc import Iterator

import pytest

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, SandboxSettings
from canary_tools.sandbox.iam.permissions import role_may
from canary_tools.sandbox.server import Sandbox
from tests.sandbox.platform.conftest import Playground, eventually

LONGEST = 2.0
ACTION = "dynamodb:GetItem"


@pytest.fixture
def playground() -> Iterator[Playground]:
    with Sandbox(settings=SandboxSettings(policy_delay_seconds=LONGEST)) as sandbox:
        yield Playground(sandbox)


def may(role: str, action: str = ACTION) -> bool:
    return role_may(f"arn:aws:iam::{ACCOUNT_ID}:role/{role}", action, "*", session="s")


def seconds_until_effect(playground: Playground, role: str) -> float:
    playground.role(role, ACTION)
    began = time.monotonic()
    eventually(lambda: may(role))
    return time.monotonic() - began


def test_each_policy_takes_effect_within_the_longest_delay_and_when_it_has_drawn(playground: Playground) -> None:
    delays = [seconds_until_effect(playground, f"role-{number}") for number in range(6)]
    assert max(delays) < LONGEST + 1
    assert max(delays) > 0.2
    assert len({round(delay, 1) for delay in delays}) > 1


def test_a_changed_policy_allows_what_it_did_until_the_change_has_its_effect(playground: Playground) -> None:
    playground.role("changed", ACTION)
    eventually(lambda: may("changed"))
    other = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    playground.client("iam").put_role_policy(RoleName="changed", PolicyName="may", PolicyDocument=document)
    seen = []
    eventually(lambda: seen.append((may("changed"), may("changed", "dynamodb:PutItem"))) or seen[-1][1])
    assert (True, False) in seen
    assert seen[-1] == (False, True)


def test_the_same_policy_put_again_changes_nothing(playground: Playground) -> None:
    playground.role("same", ACTION)
    eventually(lambda: may("same"))
    statement = {"Effect": "Allow", "Action": [ACTION], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    playground.client("iam").put_role_policy(RoleName="same", PolicyName="may", PolicyDocument=document)
    assert may("same")


def test_without_the_setting_a_policy_takes_effect_at_once() -> None:
    with Sandbox(settings=SandboxSettings()) as sandbox:
        Playground(sandbox).role("at-once", ACTION)
        assert may("at-once")
