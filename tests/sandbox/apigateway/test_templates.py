"""The mapping templates by themselves: what the front door decides is what the published rule says."""

import json
import string
from collections.abc import Mapping
from typing import Any

import pytest
from canary_construct_client.buckets import bucket_header
from canary_construct_client.cohort import Cohort
from hypothesis import given
from hypothesis import strategies as st

from canary_construct.front_door.stage import AT_REST
from canary_construct.front_door.templates import (
    TARGET_VARIANT,
    invocation_template,
    model_error_template,
    refusal_template,
)
from canary_tools.sandbox.apigateway.velocity import Input, Rendered, TemplateError, render

VARIANT = "variant-b"
SALT = "rollout-1"
values = st.text(string.ascii_letters + string.digits + "-._~:/?#&=", min_size=1, max_size=5)
sent = values | st.text(st.characters(codec="latin-1", exclude_categories=["C"]), max_size=8)
names = st.sampled_from(["x-tester", "X-Tester", "X-TESTER", "x-other", "none", "keySet", "accept"])
headers = st.dictionaries(names, sent, max_size=5)
bodies = st.text(max_size=40).filter(bool)


def rendered(template: str, body: str, of: Mapping[str, str], variables: Mapping[str, str]) -> Rendered:
    return render(template, source=Input(body, of), stage_variables=variables, context={})


def variables_of(rule: Mapping[str, Any]) -> dict[str, str]:
    """The stage's copy of a rule."""
    if rule["kind"] == "users":
        own = {"cohortBuckets": f"{rule['buckets']:04d}"}
    else:
        own = {"cohortValues": f",{','.join(rule['values'])},"}
    return {**AT_REST, "cohortVariant": VARIANT, "cohortHeader": rule["header"], **own}


def target(of: Mapping[str, str], variables: Mapping[str, str], body: str = "{}") -> str | None:
    return rendered(invocation_template(), body, of, variables).request_headers.get(TARGET_VARIANT)


@given(wanted=st.lists(values, min_size=1, max_size=3), of=headers)
def test_a_header_rule_means_at_the_front_door_what_it_means_in_a_client(wanted: list[str], of: dict[str, str]) -> None:
    rule = {"kind": "header", "header": "x-tester", "values": wanted}
    cohort = Cohort.parse({"variant": VARIANT, "rule": rule, "salt": SALT})
    # The very same header may come in several spellings; a server then sees one of them.
    one_each = {name.lower(): (name, value) for name, value in of.items()}
    request = dict(one_each.values())
    assert target(request, variables_of(rule)) == cohort.target_variant(headers=request)


@pytest.mark.parametrize(
    ("name", "overridden"), [("content-type", True), ("CONTENT-TYPE", True), ("Content-Type", False)]
)
def test_a_header_in_another_case_than_mapping_knows_is_handed_on(name: str, *, overridden: bool) -> None:
    found = rendered(invocation_template(), "1,2", {name: "text/csv", "accept": "text/plain"}, AT_REST)
    wanted = {"Accept": "text/plain", **({"Content-Type": "text/csv"} if overridden else {})}
    assert (found.request_headers, found.body) == (wanted, "1,2")


@given(buckets=st.integers(0, 9999), user=st.text(min_size=1, max_size=8))
def test_a_share_of_users_means_at_the_front_door_what_it_means_in_a_client(buckets: int, user: str) -> None:
    rule = {"kind": "users", "header": "x-canary-bucket", "buckets": buckets}
    cohort = Cohort.parse({"variant": VARIANT, "rule": rule, "salt": SALT})
    request = {"X-Canary-Bucket": bucket_header(user, SALT)}
    assert target(request, variables_of(rule)) == cohort.target_variant(user_id=user)


@given(value=sent, buckets=st.integers(0, 9999))
def test_what_is_no_bucket_is_stable(value: str, buckets: int) -> None:
    rule = {"kind": "users", "header": "x-canary-bucket", "buckets": buckets}
    digits = len(value) == 4 and set(value) <= set(string.digits)
    expected = VARIANT if digits and int(value) < buckets else None
    assert target({"x-canary-bucket": value}, variables_of(rule)) == expected


@given(of=headers | st.dictionaries(st.just("X-Canary-Bucket"), st.just("0000")), body=bodies)
def test_at_rest_nothing_has_a_target(of: dict[str, str], body: str) -> None:
    assert target(of, AT_REST, body) is None


@given(of=headers)
def test_a_stage_without_any_variable_sends_nobody_to_the_canary(of: dict[str, str]) -> None:
    assert target(of, {}) is None


@given(body=bodies, of=headers)
def test_the_body_is_not_touched(body: str, of: dict[str, str]) -> None:
    variables = variables_of({"kind": "header", "header": "x-tester", "values": ["yes"]})
    assert rendered(invocation_template(), body, of, variables).body == body


def test_a_header_that_comes_in_two_spellings_is_overridden_once() -> None:
    """API Gateway answers 5XX to a template that overrides a parameter twice."""
    variables = variables_of({"kind": "header", "header": "x-tester", "values": ["yes"]})
    assert target({"x-tester": "yes", "X-Tester": "yes"}, variables) == VARIANT
    twice = "#set($context.requestOverride.header.A = 1)#set($context.requestOverride.header.A = 2)"
    with pytest.raises(TemplateError, match="A is overridden twice"):
        rendered(twice, "{}", {}, {})


@given(message=st.text(max_size=20), status=st.integers(400, 599))
def test_a_model_s_words_arrive_as_json_whatever_they_are(message: str, status: int) -> None:
    failed = json.dumps({"OriginalStatusCode": status, "OriginalMessage": message, "LogStreamArn": "arn:secret"})
    body = rendered(model_error_template(), failed, {}, {}).body
    assert json.loads(body) == {"error": "ModelError", "modelStatus": status, "message": message}


@pytest.mark.parametrize("message", ["Rate exceeded", "ThrottlingException: slow down"])
def test_a_refusal_that_throttles_is_answered_429(message: str) -> None:
    refused = rendered(refusal_template(), json.dumps({"Message": message}), {}, {})
    assert (refused.status, json.loads(refused.body)["error"]) == (429, "TooManyRequests")


def test_any_other_refusal_keeps_its_status_and_no_name_of_ours() -> None:
    refused = rendered(refusal_template(), json.dumps({"Message": "Endpoint shop of account 1 not found"}), {}, {})
    assert refused.status is None
    assert json.loads(refused.body) == {"error": "InvalidRequest", "message": "SageMaker refused the request"}


@pytest.mark.parametrize("template", ["#if($a", "$input.path('$..x')", "$input.json('$.a')"])
def test_what_cannot_be_rendered_is_an_error(template: str) -> None:
    with pytest.raises(TemplateError):
        rendered(template, "no json", {}, {})
