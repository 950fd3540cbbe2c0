"""What keeps a run from beginning, as a sentence that says what to do."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from canary_tools.acceptance.account import Account, CannotStart, live_account
from canary_tools.acceptance.images import image_uri
from canary_tools.acceptance.preconditions import check, quota_of

TYPE = "ml.m5.large"
NO_STACK = SimpleNamespace(status=lambda: "")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetParameter")


def account(*, bootstrapped: Exception | None = None, quota: float = 4.0) -> Any:
    def get_parameter(**_: str) -> dict[str, Any]:
        if bootstrapped is not None:
            raise bootstrapped
        return {}

    def make_client(service: str) -> Any:
        return quotas(quota) if service == "service-quotas" else SimpleNamespace(get_parameter=get_parameter)

    return SimpleNamespace(region="eu-west-1", is_local=False, make_client=make_client)


def quotas(applied: float, default: float = 0.0) -> Any:
    name = f"{TYPE} for endpoint usage"
    pages = {"list_service_quotas": applied, "list_aws_default_service_quotas": default}

    def paginator(operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"Quotas": [{"QuotaName": name, "Value": pages[operation]}]}])

    return SimpleNamespace(get_paginator=paginator)


def test_an_account_that_is_ready_is_let_through() -> None:
    check(account(), NO_STACK, TYPE)


def test_a_region_without_bootstrap_is_told_how_to_get_one() -> None:
    with pytest.raises(CannotStart, match="run `cdk bootstrap`"):
        check(account(bootstrapped=refused("ParameterNotFound")), NO_STACK, TYPE)


def test_a_denied_look_is_not_taken_for_a_missing_bootstrap() -> None:
    with pytest.raises(CannotStart, match=r"cannot be seen: .*AccessDenied"):
        check(account(bootstrapped=refused("AccessDeniedException")), NO_STACK, TYPE)


def test_a_stack_of_an_earlier_run_is_told_how_to_be_removed() -> None:
    with pytest.raises(CannotStart, match="--remove"):
        check(account(), SimpleNamespace(status=lambda: "ROLLBACK_COMPLETE"), TYPE)


def test_too_small_a_quota_is_named_with_what_is_needed() -> None:
    with pytest.raises(CannotStart, match=r"ml\.m5\.large for endpoints is 2 in eu-west-1, and 4 are needed"):
        check(account(quota=2.0), NO_STACK, TYPE)


def test_what_applies_to_the_account_counts_and_not_the_default() -> None:
    assert quota_of(quotas(8.0, default=0.0), TYPE) == 8.0
    assert quota_of(quotas(8.0), "ml.c5.large") is None


def test_a_caller_who_may_not_read_quotas_is_let_through() -> None:
    client = boto3.client("service-quotas", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("list_aws_default_service_quotas", "AccessDeniedException")
        assert quota_of(client, TYPE) is None


def test_a_region_without_the_image_is_refused() -> None:
    with pytest.raises(CannotStart, match="choose another --region"):
        image_uri(SimpleNamespace(region="mars-north-1"))


def test_the_image_is_the_region_s_own() -> None:
    known: Account = SimpleNamespace(region="eu-west-1")
    assert image_uri(known) == "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


def test_without_credentials_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(CannotStart, match="no AWS credentials were found"):
        live_account("eu-west-1")


def test_without_a_region_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(CannotStart, match="--region"):
        live_account()
