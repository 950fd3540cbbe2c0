"""IAM enforcement, also for services that ministack does not know.

Gap it fills: ministack allows every call to a service for which it has no IAM namespace. These are SageMaker, its
runtime and Application Auto Scaling.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
"""

import importlib
import json
import re
from collections.abc import Callable
from typing import Any

from canary_tools.aws_models.sagemaker.arns import name_in, sagemaker_arn
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import PLACE
from canary_tools.sandbox.iam.condition_keys import with_condition_keys

_NAMESPACES = {
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "application-autoscaling": "application-autoscaling",
}
_NAMED_RESOURCES = (("EndpointName", "endpoint"), ("EndpointConfigName", "endpoint-config"), ("ModelName", "model"))
_ARNS = ("ResourceArn", "ModelPackageName", "ModelPackageArn")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/(?:async-)?invocations")


def install(*, patches: Patches) -> None:
    """Turn enforcement on: Lambda functions get the credentials of their role, and every call is checked."""
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
    """Return the ARN on which a request to one of these services needs permission.

    >>> resource_arn("sagemaker", "DescribeEndpoint", "/", b'{"EndpointName": "Shop"}')
    'arn:aws:sagemaker:us-east-1:000000000000:endpoint/shop'
    >>> resource_arn("sagemaker", "ListModelPackages", "/", b'{"ModelPackageGroupName": "Ranker"}')
    'arn:aws:sagemaker:us-east-1:000000000000:model-package-group/Ranker'
    >>> resource_arn("application-autoscaling", "DescribeScalableTargets", "/", b"{}")
    '*'
    """
    invoked = _INVOCATION.match(path)
    if invoked:
        return sagemaker_arn(PLACE, "endpoint", invoked[1])
    if service == "application-autoscaling":
        return "*" if operation.startswith("Describe") else PLACE.arn(service, "scalable-target/any")
    request = json.loads(body or b"{}")
    for member in _ARNS:
        if request.get(member):
            return str(request[member])
    if request.get("ModelPackageGroupName"):
        return PLACE.arn("sagemaker", f"model-package-group/{name_in(request['ModelPackageGroupName'])}")
    for member, kind in _NAMED_RESOURCES:
        if request.get(member):
            return sagemaker_arn(PLACE, kind, str(request[member]))
    return "*"


def _as_if_encrypted(theirs: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    """Treat loopback as a secure transport, since the bucket policy of `cdk bootstrap` denies any other."""
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
