import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from canary_construct.permissions.acknowledged_statement import add_statement
from canary_construct.permissions.by_handler import DESCRIBE_PACKAGE, PERMISSIONS
from canary_construct.permissions.endpoint_scope import stack_mark
from tests.infrastructure.synthesis import Resources, of_type, stack, statements

pytestmark = pytest.mark.xdist_group("graph")

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}


@pytest.mark.parametrize("handler", PERMISSIONS)
def test_a_role_may_do_what_the_table_says_and_nothing_else(resources: Resources, handler: str) -> None:
    """`tests/permissions` proves of the table that each action is needed and used.

    This stack releases no model package, so nobody may describe one.
    """
    may = {action for s in statements(resources, f"CanaryHandlers{handler}Role") for action in s["Action"]}
    granted = [each for each in PERMISSIONS[handler] if each is not DESCRIBE_PACKAGE]
    assert may == {action for permission in granted for action in permission.actions} | LOGS


@pytest.mark.parametrize("handler", PERMISSIONS)
def test_no_action_is_a_wildcard_and_a_bare_resource_is_limited_or_read_only(
    resources: Resources, handler: str
) -> None:
    for statement in statements(resources, f"CanaryHandlers{handler}Role"):
        assert not any("*" in action for action in statement["Action"])
        if "*" in statement["Resource"]:
            reads = all(action.split(":")[1].startswith(("Describe", "Get", "List")) for action in statement["Action"])
            assert reads or "Condition" in statement


@pytest.mark.parametrize("handler", PERMISSIONS)
def test_a_handler_reaches_the_ledger_of_its_stack_only(resources: Resources, handler: str) -> None:
    (ledger,) = of_type(resources, "AWS::DynamoDB::Table")
    (records,) = [
        statement
        for statement in statements(resources, f"CanaryHandlers{handler}Role")
        if not {"dynamodb:GetItem", "dynamodb:UpdateItem"}.isdisjoint(statement["Action"])
    ]
    assert records["Resource"] == [f"<{ledger}.Arn>"]


def test_only_swept_things_of_this_stack_can_be_deleted(resources: Resources) -> None:
    (deleting,) = [s for s in statements(resources, "ReleaseSlotsRole") if "sagemaker:DeleteModel" in s["Action"]]
    assert deleting["Condition"] == {"StringEquals": {"aws:ResourceTag/canary-construct:stack": stack_mark(stack())}}


def test_nothing_that_evaluates_or_watches_may_start_a_rollout(resources: Resources) -> None:
    starting = [
        handler
        for handler in PERMISSIONS
        for statement in statements(resources, f"CanaryHandlers{handler}Role")
        if "states:StartExecution" in statement["Action"]
    ]
    assert starting == ["Settle", "TakeOrder"]  # after a deploy, and by a person who presses *Roll back*


def test_a_wildcard_without_a_reason_is_refused() -> None:
    role = iam.Role(Stack(), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    statement = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    with pytest.raises(ValueError, match=r"^a statement with a wildcard needs a reason, got none for \*$"):
        add_statement(role, statement)
