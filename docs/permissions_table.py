"""Print who may do what, and does: `python -m docs.permissions_table > docs/permissions.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from canary_construct import CanaryEndpoint, EndpointApi, ModelRelease, SmokeTest
from canary_construct.handlers.state_machine_role import DELIVER_LOGS, TRACE
from canary_construct.permissions.by_handler import PERMISSIONS
from canary_construct.permissions.operator import OPERATE
from tests.permissions.scenarios import SCENARIOS
from tests.permissions.usage import usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAD = """# Who may do what

Written by `python -m docs.permissions_table` from a synthesised stack; a test compares. One row a
statement. `<endpoint>` is the endpoint's name. `DescribeModelPackage` is there only when the release is of the model
registry, and names its version. Nothing has a wildcard but what is listed with its reason.

| role | actions | resources | only if | why a wildcard |
|---|---|---|---|---|
"""
OPERATORS = """
# Operators

What `endpoint.grant_operate(role)` gives, for the [`canary` command](command.md). A test runs every command under
exactly these statements, and finds each of them used but those with which people start, list and stop executions by
hand.

| actions | resources | only if | why a wildcard |
|---|---|---|---|
"""
USE = f"""
# What they use of it

The same command runs {len(SCENARIOS)} scenarios (`tests/permissions/scenarios.py`: deploys, refusals, rollouts,
rollbacks, alarms, stops, deletions) in which every call of a handler is judged by the emulator's IAM evaluator under
exactly the statements above. Not called but needed by AWS: Application Auto Scaling asks the caller of
`RegisterScalableTarget` for the [target service's actions](https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html).
Lambda itself uses `logs:CreateLogStream` and `logs:PutLogEvents` of every handler; they are left out.

| handler | called | needed by AWS, not called | unused | missing |
|---|---|---|---|---|
"""
LIMITS = """
# What IAM cannot narrow

- Endpoints of one stack share their handlers and so the roles; between them it is the code that keeps apart.
- Reading is open where AWS knows no resource, or makes its name: alarms, metrics, scalable targets, tags, the names of
  models and endpoint configs, and the content of endpoint configs.
- `application-autoscaling:RegisterScalableTarget` names no endpoint, and AWS may ask for the SageMaker actions on a
  resource of its own choice. So a handler could change the bounds of another endpoint's variant. The same holds for
  `DeregisterScalableTarget` and the actions on policies. It cannot set that
  endpoint's weights: `aws:ViaAWSService` opens the wider resource only to calls that AWS makes for the handler.
- The ledger, models, endpoint configs and state machines are kept apart by stack: the ledger is the stack's own table,
  the others have the stack's mark in a tag or at the end of the name.
- With a `notification_topic` there is one more role, `Announce`: it may publish to that topic, and nothing else.
- Who may put events or metrics may put them about any endpoint, on the default bus and in our namespace.
"""
ROLES = {**{f"CanaryHandlers{name}Role": name for name in PERMISSIONS}, "CanaryHandlersRolloutRole": "state machine"}
ROLES |= {"ApiRole": "front door"}
PACKAGE = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/7"
NAMES = {"AWS::Partition": "aws", "AWS::Region": "<region>", "AWS::AccountId": "<account>", "AWS::StackId": "<stack>"}
REASONS = {
    action: permission.reason
    for permissions in [OPERATE, *PERMISSIONS.values(), (DELIVER_LOGS, TRACE)]
    for permission in permissions
    for action in permission.actions
    if permission.reason
}


def page() -> str:
    """Return the page: who may do what, what is used of it, and what could not be narrower."""
    rows = "".join(f"{row}\n" for row in _usage_rows())
    return permissions_table() + operators_table() + USE + rows + LIMITS


def _usage_rows() -> Iterator[str]:
    for handler, found in usage().items():
        kinds = (found.called, found.needed_by_aws, found.unused, found.missing)
        cells = ["<br>".join(f"`{action}`" for action in kind) or "none" for kind in kinds]
        yield f"| {' | '.join([handler, *cells])} |"


def operators_table() -> str:
    """Return every statement that an operator of an endpoint gets."""
    stack = Stack(App(), "Shop")
    endpoint = CanaryEndpoint(
        stack,
        "Recommender",
        release=ModelRelease.from_model_package(version="v1", arn=PACKAGE),
        instance_type="ml.m5.xlarge",
        endpoint_name="endpoint-name",
    )
    endpoint.grant_operate(iam.User(stack, "Operator"))
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    (policy,) = [each["Properties"] for each in policies if "Users" in each["Properties"]]
    rows = [_row("", statement) for statement in policy["PolicyDocument"]["Statement"]]
    return OPERATORS + "".join(f"{row.removeprefix('|  ')}\n" for row in rows)


def permissions_table() -> str:
    """Return every IAM statement of every handler, of the state machine, and of a front door."""
    stack = Stack(App(), "Shop")
    endpoint = CanaryEndpoint(
        stack,
        "Recommender",
        release=ModelRelease.from_model_package(version="v1", arn=PACKAGE),
        instance_type="ml.m5.xlarge",
        endpoint_name="endpoint-name",
        smoke_test=SmokeTest(payloads=["{}"]),
    )
    EndpointApi(stack, "Api", endpoint=endpoint)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    return HEAD + "".join(f"{row}\n" for row in _rows(policies))


def _rows(policies: Mapping[str, Any]) -> Iterator[str]:
    for role, name in ROLES.items():
        for policy in policies.values():
            if any(ref["Ref"].removesuffix(ref["Ref"][-8:]) == role for ref in policy["Properties"]["Roles"]):
                for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                    yield _row(name, statement)


def _row(role: str, statement: Mapping[str, Any]) -> str:
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    conditions = [
        f"{key} {operator} {', '.join(_listed(values))}"
        for operator, by_key in statement.get("Condition", {}).items()
        for key, values in by_key.items()
    ]
    wild = any("*" in resource for resource in resources)
    reasons = dict.fromkeys(REASONS[action] for action in actions) if wild else []
    cells = ["<br>".join(f"`{item}`" for item in cell) for cell in (actions, resources, conditions)]
    return f"| {' | '.join([role, *cells, '; '.join(reasons)])} |"


def _listed(value: Any) -> list[str]:
    return [_text(item) for item in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:
    """Return an ARN for people: partition, region and account left out, generated names in words."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_text(part) for part in parts)
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return NAMES.get(name, "") or _name(name)
        case _:
            return str(value).replace("endpoint-name", "<endpoint>")


def _name(logical_id: str) -> str:
    return f"<{logical_id.removeprefix('CanaryHandlers')[:-8]}>"


if __name__ == "__main__":
    sys.stdout.write(page())
