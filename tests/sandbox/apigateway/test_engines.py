"""The front door's template renders the same in each engine of this machine: `VELOCITY_CLASSPATH=… pytest` adds one."""

import itertools

import pytest

from canary_construct.front_door.stage import AT_REST
from canary_construct.front_door.templates import TARGET_VARIANT, invocation_template
from tests.sandbox.apigateway.engines import Engine, Request, engines

VARIANT = "variant-b"
TESTERS = {**AT_REST, "cohortVariant": VARIANT, "cohortHeader": "x-tester", "cohortValues": ",yes,si,"}
USERS = {**AT_REST, "cohortVariant": VARIANT, "cohortHeader": "x-canary-bucket", "cohortBuckets": "0500"}
BODIES = ('{"user": 1}', "1,2\n3,4\n", "$stageVariables.cohortVariant #set($x = 1) \\$", "ä€")
NAMES = ("X-Tester", "x-tester", "X-TESTER", "x-other")
SENT = {"yes": True, "si": True, "no": False, "yes,si": False, ",yes,": False, "": False}
BUCKETS = {"0000": True, "0499": True, "0500": False, "9999": False, "499": False, "04990": False, "none": False}


def cases() -> list[tuple[Request, str | None]]:
    """Requests, each with the variant that it must be sent to."""
    by_value = [
        (Request(headers={name: value}, variables=TESTERS, body=body), VARIANT if hit and name != "x-other" else None)
        for (name, (value, hit)), body in zip(
            itertools.product(NAMES, SENT.items()), itertools.cycle(BODIES), strict=False
        )
    ]
    by_user = [
        (Request(headers={"accept": "x", name: bucket}, variables=USERS), VARIANT if hit else None)
        for name, (bucket, hit) in itertools.product(("X-Canary-Bucket", "x-canary-bucket"), BUCKETS.items())
    ]
    at_rest = [
        (Request(headers={name: value}, variables=AT_REST, body=body), None)
        for name, value, body in itertools.product(("none", "x-tester"), ("none", "yes", "0000"), BODIES)
    ]
    return [*by_value, *by_user, *at_rest]


@pytest.mark.parametrize("engine", engines())
def test_requests_go_where_the_rule_says(engine: Engine) -> None:
    requests, wanted = zip(*cases(), strict=True)
    found = engine(invocation_template(), requests)
    assert [body for body, _ in found] == [request.body for request in requests]
    assert [headers.get(TARGET_VARIANT) for _, headers in found] == list(wanted)


@pytest.mark.parametrize("engine", engines())
def test_content_types_are_handed_on_in_the_case_of_http_2(engine: Engine) -> None:
    requests = [
        Request(headers={name: "text/csv", "accept": "text/plain"}, variables=AT_REST)
        for name in ("content-type", "Content-Type")
    ]
    lower, mapped = (headers for _, headers in engine(invocation_template(), requests))
    assert lower == {"Content-Type": "text/csv", "Accept": "text/plain"}
    assert mapped == {"Accept": "text/plain"}
