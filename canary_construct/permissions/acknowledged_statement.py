"""IAM statements that say why a wildcard is in them."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from canary_construct.cdk.acknowledged import acknowledge


def add_statement(target: iam.IRole | iam.Policy, statement: iam.PolicyStatement, *, reason: str = "") -> None:
    """Add a statement to a role or a policy; `reason` tells readers and cdk-nag why its resources hold a wildcard.

    Raises:
        ValueError: when there is a wildcard and no reason.

    Source: https://github.com/cdklabs/cdk-nag (rule AwsSolutions-IAM5)
    """
    if isinstance(target, iam.Policy):
        target.add_statements(statement)
    else:
        target.add_to_principal_policy(statement)
    for resource in statement.resources:
        if "*" not in resource:
            continue
        if not reason:
            raise ValueError(f"a statement with a wildcard needs a reason, got none for {resource}")
        finding = f"AwsSolutions-IAM5[Resource::{_flat(Stack.of(target).resolve(resource))}]"
        acknowledge(target, finding, reason=reason)


def _flat(resolved: Any) -> str:
    """Return an ARN as cdk-nag writes it.

    >>> _flat({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Fn::GetAtt": ["Models", "Arn"]}]]})
    'arn:<AWS::Partition>:s3:::<Models.Arn>'
    >>> _flat({"Fn::Sub": "assets-${AWS::Region}"})
    'assets-<AWS::Region>'
    """
    match resolved:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_flat(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Sub": text}:
            return _flat(text)
        case _:
            return str(resolved).replace("${", "<").replace("}", ">")
