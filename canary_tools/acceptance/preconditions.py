"""What must hold before a run; each refusal is a sentence that says what to do."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from canary_tools.acceptance.account import Account, CannotStart
from canary_tools.acceptance.declaration import STACK_NAME
from canary_tools.acceptance.estimate import INSTANCES
from canary_tools.acceptance.stack import Stack

_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
"""Source: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html"""


def check(account: Account, stack: Stack, instance_type: str) -> None:
    """Refuse an account in which a run cannot end well.

    Raises:
        CannotStart: with what to do.
    """
    _check_bootstrapped(account)
    if stack.status():
        raise CannotStart(f"a stack {STACK_NAME} is left of an earlier run: remove it with --remove, and begin again")
    if not account.is_local:
        _check_quota(account, instance_type)


def _check_bootstrapped(account: Account) -> None:
    try:
        account.make_client("ssm").get_parameter(Name=_BOOTSTRAP)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise CannotStart(f"whether the account is bootstrapped cannot be seen: {error}") from error
        raise CannotStart(f"{account.region} is not bootstrapped for the CDK: run `cdk bootstrap`") from error


def _check_quota(account: Account, instance_type: str) -> None:
    """Refuse a quota of fewer instances than an update needs; a caller who may not read quotas is let through."""
    quota = quota_of(account.make_client("service-quotas"), instance_type)
    if quota is not None and quota < INSTANCES:
        raise CannotStart(
            f"the quota of {instance_type} for endpoints is {quota:g} in {account.region}, and {INSTANCES} are needed: "
            "ask for more in Service Quotas, or choose another --instance-type"
        )


def quota_of(quotas: Any, instance_type: str) -> float | None:
    """Return how many instances of a type endpoints may have; `None` when that cannot be read.

    Source: https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
    """
    name = f"{instance_type} for endpoint usage"
    try:
        found = {quota["QuotaName"]: float(quota["Value"]) for quota in _all(quotas)}
    except ClientError:
        return None
    return found.get(name)


def _all(quotas: Any) -> Iterator[dict[str, Any]]:
    """Yield AWS's defaults, then what applies to the account."""
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in quotas.get_paginator(operation).paginate(ServiceCode="sagemaker"):
            yield from page["Quotas"]
