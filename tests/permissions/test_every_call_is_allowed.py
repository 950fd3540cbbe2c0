"""Each handler runs under exactly its own policies, and each of its permissions is used."""

from collections.abc import Callable

import pytest
from ministack.core.iam_evaluator import fnmatch_iam_cs

from canary_construct.permissions.by_handler import PERMISSIONS
from tests.lambdas.fakes import boto_clients
from tests.permissions.policies import Policies, listed, policies, without
from tests.permissions.policy_enforcer import Judge, enforced
from tests.permissions.scenarios import SCENARIOS, promoted_and_promoted_again, serving
from tests.permissions.usage import BY_LAMBDA, STREAM_BY_LAMBDA, asked_in_all_scenarios, run, usage

pytestmark = pytest.mark.xdist_group("permissions")

TABLE = "ledger"


def test_policies_are_of_all_handlers() -> None:
    assert set(policies(TABLE)) == set(PERMISSIONS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_call_is_denied(scenario: str) -> None:
    found = run(scenario)
    assert {(handler, request.action, request.resource) for handler, request in found.denied} == set()
    if found.failure is not None:
        raise found.failure


@pytest.mark.parametrize("handler", PERMISSIONS)
def test_a_handler_has_what_it_uses_and_uses_what_it_has(handler: str) -> None:
    found = usage()[handler]
    assert (found.missing, found.unused) == ([], [])


@pytest.mark.parametrize("handler", PERMISSIONS)
def test_every_resource_of_a_statement_is_used(handler: str) -> None:
    asked = [request for by, request in asked_in_all_scenarios() if by == handler]
    unused = [
        resource
        for statement in policies(TABLE)[handler]
        if not set(listed(statement["Action"])) <= STREAM_BY_LAMBDA
        for resource in listed(statement["Resource"])
        if not resource.endswith((f":table/{TABLE}", "log-group:handlers:*"))
        and not any(r.action in listed(statement["Action"]) and fnmatch_iam_cs(r.resource, resource) for r in asked)
    ]
    assert unused == []


@pytest.mark.parametrize("handler", PERMISSIONS)
def test_without_any_one_of_its_permissions_a_handler_is_denied_what_it_needs(handler: str) -> None:
    asked = [request for by, request in asked_in_all_scenarios() if by == handler]
    for action in {request.action for request in asked}:
        judge = Judge(without(policies(TABLE), handler, action))
        assert not any(judge.allows(handler, request) for request in asked if request.action == action)


def taken_from(handler: str, action: str) -> Callable[[Policies], Policies]:
    return lambda given: without(given, handler, action)


def test_a_missing_permission_fails_what_needs_it() -> None:
    weights = "sagemaker:UpdateEndpointWeightsAndCapacities"
    with enforced(taken_from("ShiftTraffic", weights)) as (enforcer, aws):
        with pytest.raises(AssertionError, match="not authorized to perform: sagemaker:UpdateEndpointWeights"):
            promoted_and_promoted_again(aws)
        assert {(handler, request.action) for handler, request in enforcer.denied} == {("ShiftTraffic", weights)}


def test_a_missing_permission_that_its_handler_survives_is_seen_too() -> None:
    with enforced(taken_from("Promote", "events:PutEvents")) as (enforcer, aws):
        promoted_and_promoted_again(aws)
        assert {(handler, request.action) for handler, request in enforcer.denied} == {("Promote", "events:PutEvents")}


@pytest.mark.parametrize("asked", ["sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpointWeightsAndCapacities"])
def test_what_application_auto_scaling_asks_of_its_caller_is_needed(asked: str) -> None:
    with enforced(taken_from("Promote", asked)) as (enforcer, aws):
        shop = serving(aws)
        promoting = shop.begin("v2", "Promote")
        promoting.advance()
        assert {(handler, request.action) for handler, request in enforcer.denied} == {("Promote", asked)}


def test_a_permission_that_nothing_uses_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(table: str) -> Policies:
        given = policies(table)
        return {**given, "SmokeTest": [*given["SmokeTest"], {"Action": "s3:GetObject", "Resource": "*"}]}

    monkeypatch.setattr("tests.permissions.usage.policies", generous)
    assert usage()["SmokeTest"].unused == ["s3:GetObject"]


def test_what_another_hand_does_in_the_middle_of_a_call_is_not_taken_for_the_handlers() -> None:
    with enforced() as (enforcer, aws):
        shop = serving(aws)
        shop.deploy("v2")
        aws.interrupt("", lambda: boto_clients.client("cloudwatch").describe_alarms(AlarmNames=["business"]))
        shop.settle()
        assert aws.asked("DescribeAlarms") == [{"AlarmNames": ["business"]}]
        assert enforcer.denied == set()


def test_lambda_writes_the_logs_of_every_handler() -> None:
    for statements in policies(TABLE).values():
        assert {action for s in statements for action in listed(s["Action"])} >= BY_LAMBDA
