"""What the tests ask IAM is what AWS's Service Authorization Reference knows, in the copy that cfn-lint ships."""

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import pytest

from tests.permissions.requests import Request
from tests.permissions.usage import asked_in_all_scenarios

pytestmark = pytest.mark.xdist_group("permissions")

WITHOUT_RESOURCE = {
    "cloudwatch:DescribeAlarms",  # composite alarms are described only with *
    "cloudwatch:GetMetricData",  # a data set is optional, and none is named
}


@cache
def reference() -> dict[str, Any]:
    text = resources.files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text(encoding="utf-8")
    known: dict[str, Any] = json.loads(text)
    return known


def resource_types(request: Request) -> list[dict[str, Any]]:
    service, action = request.action.split(":")
    named = reference()[service]["Actions"][action.lower()].get("Resources", [])
    return [reference()[service]["Resources"][name.lower()] for name in named]


@pytest.fixture(scope="module")
def asked() -> set[Request]:
    return {request for _, request in asked_in_all_scenarios()}


def test_every_action_exists(asked: set[Request]) -> None:
    for request in asked:
        service, action = request.action.split(":")
        assert action.lower() in reference()[service]["Actions"], request.action


def test_every_resource_is_of_a_type_that_its_action_takes(asked: set[Request]) -> None:
    for request in asked:
        formats = [pattern for kind in resource_types(request) for pattern in kind["ARNFormats"]]
        if request.resource == "*":
            assert not formats or request.action in WITHOUT_RESOURCE, request.action
        else:
            patterns = [re.sub(r"\$\{\w+\}", "[^:]+", pattern) for pattern in formats]
            assert any(re.fullmatch(pattern, request.resource) for pattern in patterns), request


def test_tags_are_asked_only_of_types_that_have_them(asked: set[Request]) -> None:
    for request in asked:
        if any(key.startswith("aws:resourcetag/") for key, _ in request.keys):
            assert all("aws:ResourceTag/${TagKey}" in kind["ConditionKeys"] for kind in resource_types(request))
