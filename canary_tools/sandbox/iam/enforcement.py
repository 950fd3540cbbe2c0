"""IAM enforcement, with the services that ministack's does not know.

Hole it fills: ministack allows every call to a service that it has no IAM namespace for, which are SageMaker,
its runtime and application auto scaling.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
"""

import importlib
import json
import re
from collections.abc import Callable
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION
from canary_tools.sandbox.iam.condition_keys import with_condition_keys

_NAMESPACES = {
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "application-autoscaling": "application-autoscaling",
}
_NAMED_RESOURCES = (("EndpointName", "endpoint"), ("EndpointConfigName", "endpoint-config"), ("ModelName", "model"))
_INVOCATION = re.compile(r"/endpoints/([^/]+)/(?:async-)?invocations")


def install(*, patches: Patches) -> None:
    """Turn enforcement on: Lambda functions get their role's credentials, and every call is checked."""
    app = importlib.import_module("ministack.app")
    actions = importlib.import_module("ministack.core.iam_actions")
    for service, namespace in _NAMESPACES.items():
        patches.item(actions.SERVICE_TO_IAM_NAMESPACE, service, namespace)
    patches.attribute(actions, "extract_iam_action", _with_actions(actions.extract_iam_action))
    patches.attribute(actions, "extract_resource_arn", _with_arns(actions.extract_resource_arn))
    patches.attribute(actions, "request_tag_context", with_condition_keys(actions.request_tag_context))
    patches.attribute(app, "pin_request_origin", _as_if_encrypted(app.pin_request_origin))
    patches.attribute(app, "AUTH", True)  # noqa: FBT003 - ministack's own switch


def resource_arn(service: str, operation: str, path: str, body: bytes) -> str:
    """Return the ARN that a request to one of these services is checked on.

    >>> resource_arn("sagemaker", "DescribeEndpoint", "/", b'{"EndpointName": "Shop"}')
    'arn:aws:sagemaker:us-east-1:000000000000:endpoint/shop'
    >>> resource_arn("application-autoscaling", "DescribeScalableTargets", "/", b"{}")
    '*'
    """
    invoked = _INVOCATION.match(path)
    if invoked:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:endpoint/{invoked[1].lower()}"
    if service == "application-autoscaling":
        target = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT_ID}:scalable-target/any"
        return "*" if operation.startswith("Describe") else target
    request = json.loads(body or b"{}")
    if request.get("ResourceArn"):
        return str(request["ResourceArn"])
    for member, kind in _NAMED_RESOURCES:
        if request.get(member):
            return f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:{kind}/{str(request[member]).lower()}"
    return "*"


def _as_if_encrypted(theirs: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    """Count loopback as a secure transport: the bucket of `cdk bootstrap` denies everything else."""
    return lambda source_ip, _: theirs(source_ip, True)  # noqa: FBT003 - ministack's own signature


def _with_actions(theirs: Callable[..., str | None]) -> Callable[..., str | None]:
    def extract(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> str | None:
        if service in _NAMESPACES and _INVOCATION.match(path):
            return "sagemaker:InvokeEndpoint"
        return theirs(service, method, path, headers, body, query)

    return extract


def _with_arns(theirs: Callable[..., str]) -> Callable[..., str]:
    def extract(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service in _NAMESPACES:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            return resource_arn(service, operation, path, body)
        return theirs(service, method, path, headers, body, query, region, account)

    return extract
