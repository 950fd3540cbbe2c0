"""Findings of cdk-nag that do not apply, each with its reason, for every CDK that this library takes."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import aws_cdk
from aws_cdk import CfnResource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import IConstruct

WITH_PLACES = (2, 269)
"""The first CDK that takes an ID with an ARN in it; 2.268 refuses it, and 2.250 has no acknowledgments."""
_FINDING = re.compile(r"(?P<rule>[^\[]+)(?:\[(?P<applies_to>.+)\])?")


def acknowledge(scope: IConstruct, finding: str, *, reason: str) -> None:
    """Acknowledge a finding in a construct and in what it holds by now.

    - `finding`: a rule, with the place in brackets where the rule has several, such as `AwsSolutions-IAM5[Resource::*]`

    cdk-nag 3 reads acknowledgments of the CDK. A CDK before `WITH_PLACES` goes with cdk-nag 2, which reads the metadata
    of resources.
    Source: https://github.com/cdklabs/cdk-nag (README, "Suppressing a Rule")
    """
    if _takes_places():
        aws_cdk.Validations.of(scope).acknowledge(aws_cdk.Acknowledgment(id=finding, reason=reason))
    else:
        _note_in_metadata(scope, finding, reason)


@cache
def _takes_places() -> bool:
    return tuple(map(int, version("aws-cdk-lib").split(".")[:2])) >= WITH_PLACES


def _note_in_metadata(scope: IConstruct, finding: str, reason: str) -> None:
    for resource in _resources(scope):
        noted = resource.get_metadata("cdk_nag") or {"rules_to_suppress": []}
        noted["rules_to_suppress"].append(_suppression(finding, reason))
        resource.add_metadata("cdk_nag", noted)


def _suppression(finding: str, reason: str) -> dict[str, Any]:
    """Return a finding as cdk-nag 2 reads it.

    >>> _suppression("AwsSolutions-IAM5[Resource::*]", "all of them")
    {'id': 'AwsSolutions-IAM5', 'reason': 'all of them', 'applies_to': ['Resource::*']}
    >>> _suppression("AwsSolutions-APIG3", "no firewall")
    {'id': 'AwsSolutions-APIG3', 'reason': 'no firewall'}
    """
    found = _FINDING.fullmatch(finding)
    assert found is not None, finding
    place = {"applies_to": [found["applies_to"]]} if found["applies_to"] else {}
    return {"id": found["rule"], "reason": reason, **place}


def _resources(scope: IConstruct) -> Iterator[CfnResource]:
    return (each for each in scope.node.find_all() if isinstance(each, CfnResource))
