"""Stacks with one endpoint as CloudFormation would get them, and ways to look into them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from canary_construct import CanaryEndpoint, ModelRelease

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/recommender:1"
RELEASE = ModelRelease(version="v1", image_uri=IMAGE, model_data_url="s3://models/recommender/v1.tar.gz")
INSTANCE_TYPE = "ml.m5.xlarge"
ENDPOINT = "recommender"

Resources = dict[str, dict[str, Any]]


def declare(scope: Stack, construct_id: str = "Recommender", **props: Any) -> CanaryEndpoint:
    """Declare an endpoint with what is required, and whatever else is given."""
    required = {"release": RELEASE, "instance_type": INSTANCE_TYPE, "endpoint_name": ENDPOINT}
    return CanaryEndpoint(scope, construct_id, **{**required, **props})


def stack() -> Stack:
    """Return an empty stack."""
    return Stack(App(), "Shop")


def rendered(of: Stack) -> Resources:
    """Return the resources of a stack's template."""
    resources: Resources = Template.from_stack(of).to_json()["Resources"]
    return resources


def resources_of(**props: Any) -> Resources:
    """Return the resources of a stack with one endpoint."""
    shop = stack()
    declare(shop, **props)
    return rendered(shop)


def of_type(resources: Resources, kind: str) -> Resources:
    """Return the resources of one type."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def only(resources: Resources, kind: str) -> tuple[str, dict[str, Any]]:
    """Return the only resource of a type, with its logical ID."""
    ((name, resource),) = of_type(resources, kind).items()
    return name, resource


def properties(resources: Resources, kind: str) -> dict[str, Any]:
    """Return the properties of the only resource of a type."""
    found: dict[str, Any] = only(resources, kind)[1]["Properties"]
    return found


def named(resources: Resources, part: str, kind: str) -> dict[str, Any]:
    """Return the properties of the only resource of a type that has `part` in its logical ID."""
    (found,) = [resource for name, resource in of_type(resources, kind).items() if part in name]
    found_properties: dict[str, Any] = found["Properties"]
    return found_properties


def text(value: Any) -> str:
    """Return a value as text, with every reference in angle brackets."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(text(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Sub": str(template)}:
            return template.replace("${", "<").replace("}", ">")
        case str():
            return value
        case _:
            return json.dumps(value)


def statements(resources: Resources, principal: str) -> list[dict[str, Any]]:
    """Return what a role or user may do, by a part of its logical ID, with actions and resources as lists of text."""
    found = []
    for policy in of_type(resources, "AWS::IAM::Policy").values():
        attached = policy["Properties"]
        if any(principal in text(ref) for ref in [*attached.get("Roles", []), *attached.get("Users", [])]):
            found += attached["PolicyDocument"]["Statement"]
    return [
        {**statement, "Action": _listed(statement["Action"]), "Resource": _listed(statement["Resource"])}
        for statement in found
    ]


def _listed(value: Any) -> list[str]:
    return sorted(text(item) for item in (value if isinstance(value, list) else [value]))


def depends_on(resources: Resources, name: str) -> set[str]:
    """Return everything that CloudFormation makes before a resource, and deletes after it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for needed in _needed(resources[waiting.pop()]):
            if needed in resources and needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found


def _needed(resource: Mapping[str, Any]) -> Iterator[str]:
    yield from resource.get("DependsOn", [])
    yield from _references(resource.get("Properties", {}))


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            yield name
        case dict():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
