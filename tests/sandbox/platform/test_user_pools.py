"""A user pool whose tokens nobody could verify is refused."""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.sandbox.server import Sandbox

SENTENCE = "cryptography not installed: pip install 'canary-construct[sandbox]'"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def installed(monkeypatch: pytest.MonkeyPatch, *, found: bool) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    spec = find("json") if found else None
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: spec if name == "cryptography" else find(name, *rest)
    )


def test_without_cryptography_a_pool_is_refused_with_the_extra_s_name(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, found=False)
    with pytest.raises(ClientError) as refusal:
        sandbox.client("cognito-idp").create_user_pool(PoolName="users")
    assert refusal.value.response["Error"]["Message"] == SENTENCE
    assert sandbox.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []


def test_with_cryptography_a_pool_is_made(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, found=True)
    assert sandbox.client("cognito-idp").create_user_pool(PoolName="users")["UserPool"]["Name"] == "users"
