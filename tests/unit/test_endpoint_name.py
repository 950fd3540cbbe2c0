import re

import botocore.session
import pytest
from aws_cdk import App, CfnParameter, NestedStack, Stack
from constructs import Construct
from hypothesis import given
from hypothesis import strategies as st

from canary_construct.cdk.outermost_stack import outermost_stack
from canary_construct.hosting.endpoint_name import check_endpoint_name, default_endpoint_name

SAGEMAKER_NAMES = re.compile(
    botocore.session.get_session().get_service_model("sagemaker").shape_for("EndpointName").metadata["pattern"]
)


@given(st.text(alphabet="abz09-", max_size=70))
def test_a_name_is_accepted_exactly_when_sagemaker_takes_it(name: str) -> None:
    if len(name) <= 63 and SAGEMAKER_NAMES.fullmatch(name):
        check_endpoint_name(name)
    else:
        with pytest.raises(ValueError, match=r"^endpoint_name must be 1 to 63 "):
            check_endpoint_name(name)


@pytest.mark.parametrize("name", ["Recommender", "my_endpoint", "-a", "a-", "", "a" * 64, "a b"])
def test_a_name_that_would_not_work_is_refused_with_its_length(name: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        check_endpoint_name(name)
    assert str(refusal.value) == (
        "endpoint_name must be 1 to 63 lower-case letters, digits and single hyphens between them, "
        f"got {name!r} ({len(name)} characters)"
    )


def test_two_hyphens_in_a_row_are_accepted_as_sagemaker_accepts_them() -> None:
    check_endpoint_name("a--b")


def test_a_name_known_only_at_deploy_time_is_refused() -> None:
    name = CfnParameter(Stack(), "Name").value_as_string
    with pytest.raises(ValueError, match=r"^endpoint_name must be known at synth, got a deploy-time value$"):
        check_endpoint_name(name)


@pytest.mark.parametrize("stack_name", ["Shop", "A" * 128, "a-" * 60 + "a", "Team-Shop-Prod"])
@pytest.mark.parametrize("construct_id", ["Recommender", "R" * 200, "Ranker v2", "Ä", "a-" * 60])
def test_a_default_name_is_one_that_sagemaker_takes_and_carries_stack_and_construct(
    stack_name: str, construct_id: str
) -> None:
    name = default_endpoint_name(Construct(Stack(App(), stack_name), construct_id))
    check_endpoint_name(name)
    assert name.startswith(stack_name.lower()[:10].rstrip("-"))
    readable = re.sub(r"[^a-z0-9]+", "-", construct_id.lower()).strip("-")
    assert f"-{readable[:20].rstrip('-')}" in name


def test_a_default_name_is_stack_construct_and_address() -> None:
    scope = Construct(Stack(App(), "Shop"), "Recommender")
    assert default_endpoint_name(scope) == f"shop-recommender-{scope.node.addr[-8:]}"


def test_two_constructs_of_the_same_id_have_names_of_their_own() -> None:
    stack = Stack(App(), "Shop")
    names = {default_endpoint_name(Construct(Construct(stack, above), "Recommender")) for above in ("Blue", "Green")}
    assert len(names) == 2


def test_a_default_name_is_the_same_at_every_synth_and_another_for_every_construct() -> None:
    def name(construct_id: str) -> str:
        return default_endpoint_name(Construct(Stack(App(), "Shop"), construct_id))

    assert name("Recommender") == name("Recommender") != name("Ranker")


def test_the_outermost_stack_of_a_nested_stack_is_the_one_that_is_deployed() -> None:
    stack = Stack()
    inner = NestedStack(NestedStack(stack, "Outer"), "Inner")
    assert outermost_stack(inner).node.path == stack.node.path
