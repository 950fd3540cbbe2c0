"""Resources of a template as JSON: their properties, and which resource a value names."""

from collections.abc import Mapping
from typing import Any

from canary_tools.rehearsal.template.intrinsics import Intrinsics

NOT_AS_SYNTHESISED = (AttributeError, IndexError, KeyError, RecursionError, StopIteration, TypeError, ValueError)
"""What reading a template raises where the template is not as this library writes it."""


def properties_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of a resource, which may have none."""
    properties: Mapping[str, Any] = resource.get("Properties", {})
    return properties


def referred(value: object) -> str:
    """Return the logical ID that a `Ref` or `Fn::GetAtt` names; empty for any other value.

    >>> referred({"Fn::GetAtt": ["Handler", "Arn"]}), referred({"Ref": "Topic"}), referred("arn:aws:sns:...")
    ('Handler', 'Topic', '')
    """
    if not isinstance(value, Mapping):
        return ""
    attribute = value.get("Fn::GetAtt", "")
    logical_id = attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]
    return str(logical_id or value.get("Ref", ""))


def if_known(values: Intrinsics, value: object) -> Any:
    """Return a value, or `None` for one that a rehearsal cannot know, such as in other people's resources.

    What belongs to an endpoint is known: the plan names it, and the plan could be read.
    """
    try:
        return values.resolve(value)
    except NOT_AS_SYNTHESISED:
        return None
