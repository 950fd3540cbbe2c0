"""Model packages of SageMaker's registry: names that are checked, and the event of an approval."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import aws_events as events

from canary_construct.border import checked
from canary_construct.border.texts import check_text

if TYPE_CHECKING:
    from constructs import Construct

_NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
_GROUP = re.compile(_NAME)
_VERSION_ARN = re.compile(rf"arn:aws[a-z-]*:sagemaker:[a-z0-9-]{{9,16}}:\d{{12}}:model-package/{_NAME}/\d{{1,9}}")
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html"""


def check_package_arn(arn: str) -> None:
    """Refuse what is not one version of a model package; a deploy-time value is checked when it is deployed.

    Raises:
        ValueError: when `arn` is a group, a name or a package without a version.
    """
    example = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/7"
    allowed = f"name one version of a model package, as in {example}"
    check_text("arn", arn, _VERSION_ARN, allowed, why=": what has no version may be another model tomorrow")


@checked()
def on_approved_package(
    scope: Construct,
    construct_id: str,
    *,
    group: str,
    target: events.IRuleTarget | None = None,
    description: str | None = None,
) -> events.Rule:
    """Call a target when a version of a model package group is approved.

    SageMaker may send an event more than once, and one for each later change of an approved package. So let the target
    ask which version is to be deployed, as `examples/registry_on_approval` does. Events of a group in another account
    do not come to this account's bus by themselves.

    Args:
        scope: the stack or construct that holds the rule
        construct_id: of the rule, unique in `scope`
        group: the name of the model package group, of the same account and region
        target: receives the event, whose `detail.ModelPackageArn` is the version; left out, add targets to the rule
        description: of the rule; left out, it has none

    Raises:
        ValueError: when `group` is an ARN, or no name of a group.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html (model package
    state change)
    """
    check_text("group", group, _GROUP, "be the name of a model package group, such as ranker")
    return events.Rule(
        scope,
        construct_id,
        description=description,
        event_pattern=events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Package State Change"],
            detail={"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
        ),
        targets=None if target is None else [target],
    )
