"""How much of IAM's limit the policies of the handlers take, counted at synth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Stack
from constructs import IValidation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam

MAX_CHARACTERS = 10_240
"""Of all inline policies of a role together, without white space. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_LONGEST = {"AWS::Partition": len("aws-us-gov"), "AWS::Region": len("ap-northeast-1"), "AWS::AccountId": 12}
_OTHERS = 128
"""The length that is assumed of every other name that AWS makes: a stack's name alone may have 128 characters."""


@jsii.implements(IValidation)
class PolicySizes:
    """Refuses a stack with more endpoints than IAM's limit leaves room for."""

    def __init__(self, policies: Mapping[str, Sequence[iam.Policy]]) -> None:
        self._policies = policies

    def validate(self) -> list[str]:
        """Return a sentence for each handler whose policies are too large."""
        sizes = {name: sum(map(policy_characters, policies)) for name, policies in self._policies.items()}
        return [
            f"a role takes {MAX_CHARACTERS} characters of policies, {name} would have {size}: put some of the stack's "
            "endpoints into another stack, or give them shorter names"
            for name, size in sizes.items()
            if size > MAX_CHARACTERS
        ]


def policy_characters(policy: iam.Policy) -> int:
    """Return how many characters IAM will count."""
    return len("".join(json.dumps(_concrete(Stack.of(policy).resolve(policy.document)), separators=(",", ":")).split()))


def _concrete(value: Any) -> Any:
    """Return a document with the references in it as long as they can be.

    >>> _concrete({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}]]})
    'arn:xxxxxxxxxx'
    """
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(_concrete, parts))
        case {"Ref": name}:
            return "x" * _LONGEST.get(name, _OTHERS)
        case {"Fn::GetAtt": _}:
            return "x" * _OTHERS
        case dict():
            return {key: _concrete(inner) for key, inner in value.items()}
        case list():
            return [_concrete(inner) for inner in value]
        case _:
            return value
