"""The Lambda function that deploys: the newest approved version of a group becomes the parameter of the stack.

It needs nothing of the event that calls it. So events that come twice, late or never change nothing: the clock calls it
too, and finds what a rollout that was running had refused.
"""

import os
from typing import Any

import boto3


def handler(_event: Any, _context: Any) -> None:
    """Update the stack if a newer version is approved than the one that it was deployed with."""
    cloudformation = boto3.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=os.environ["STACK"])["Stacks"][0]
    deployed = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
    package, approved = os.environ["PARAMETER"], newest_approved(os.environ["GROUP"])
    if stack["StackStatus"].endswith("IN_PROGRESS") or number(approved) <= number(deployed[package]):
        return
    cloudformation.update_stack(
        StackName=os.environ["STACK"],
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": approved} if key == package
            else {"ParameterKey": key, "UsePreviousValue": True}
            for key in deployed
        ],
    )  # fmt: skip


def newest_approved(group: str) -> str:
    """Return the ARN of the approved version that was made last; empty without one."""
    found = boto3.client("sagemaker").list_model_packages(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )["ModelPackageSummaryList"]
    return str(found[0]["ModelPackageArn"]) if found else ""


def number(arn: str) -> int:
    """Return the version in an ARN; 0 without one.

    >>> number("arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/12"), number("")
    (12, 0)
    """
    return int(arn.rpartition("/")[2] or 0)
