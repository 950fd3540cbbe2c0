"""What two templates of one app have in common when two versions of the CDK made them."""

from collections.abc import Mapping
from typing import Any

OF_THE_CDK = {"AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage", "AWS::CloudWatch::Dashboard"}
"""Their properties hold a hash of the CDK's own, or what it lays out otherwise."""
SAID_BY_DEFAULT = "ReturnData"


def own(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources as this library declares them."""
    return {
        name: without(resource, SAID_BY_DEFAULT) | {"Metadata": None}
        for name, resource in resources.items()
        if resource["Type"] not in OF_THE_CDK
    }


def without(value: Any, name: str) -> Any:
    """Return a JSON value without this member wherever it is true, which is what its absence means."""
    match value:
        case dict():
            return {key: without(each, name) for key, each in value.items() if (key, each) != (name, True)}
        case list():
            return [without(each, name) for each in value]
        case _:
            return value
