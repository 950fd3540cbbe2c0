"""The condition keys of calls to Application Auto Scaling and CloudWatch.

Gap it fills: ministack evaluates conditions on these keys as if no request had them, so that every policy with such a
condition denies.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_applicationautoscaling.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""

import json
from collections.abc import Callable
from typing import Any

_MEMBERS = {
    "application-autoscaling": {
        "ServiceNamespace": "application-autoscaling:service-namespace",
        "ScalableDimension": "application-autoscaling:scalable-dimension",
    },
    "monitoring": {"Namespace": "cloudwatch:namespace"},
}


def condition_keys(service: str, body: bytes) -> dict[str, str]:
    """Return the condition keys that follow from the members of a request.

    >>> condition_keys("monitoring", b'{"Namespace": "Shop", "MetricData": []}')
    {'cloudwatch:namespace': 'Shop'}
    """
    members = _MEMBERS.get(service, {})
    if not members or not body.startswith(b"{"):
        return {}
    request = json.loads(body)
    return {key: request[member] for member, key in members.items() if member in request}


def with_condition_keys(theirs: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Add these keys to those that ministack finds in a request."""

    def request_context(service: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        return {**theirs(service, action, body, params), **condition_keys(service, body)}

    return request_context
