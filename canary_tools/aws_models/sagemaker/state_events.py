"""`SageMaker Endpoint State Change` events.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import re
from typing import Any

from canary_tools.aws_models.api.events import Emit
from canary_tools.aws_models.sagemaker.endpoint import Endpoint, describe
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import Clock

_MILLISECONDS = 1000
_MEMBERS = (
    "EndpointName",
    "EndpointArn",
    "EndpointConfigName",
    "ProductionVariants",
    "EndpointStatus",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
)


def emit_state_change(emit: Emit, clock: Clock, endpoint: Endpoint) -> None:
    """Put an event with the present status of an endpoint on the bus, as the next action of the clock.

    The event does not go out at once: its target may ask for the endpoint while the caller still holds the lock.
    """
    detail = _detail(endpoint)
    clock.call_at(
        clock.now(),
        lambda: emit(
            source="aws.sagemaker",
            detail_type="SageMaker Endpoint State Change",
            resources=[endpoint.arn],
            detail=detail,
        ),
    )


def _detail(endpoint: Endpoint) -> dict[str, Any]:
    described = describe(endpoint, Undocumented())
    detail = {key: described[key] for key in _MEMBERS if key in described}
    detail["EndpointStatus"] = upper_snake(described["EndpointStatus"])
    for moment in ("CreationTime", "LastModifiedTime"):
        detail[moment] = int(described[moment] * _MILLISECONDS)
    return detail


def upper_snake(status: str) -> str:
    """Return a status in the spelling of events.

    >>> upper_snake("InService")
    'IN_SERVICE'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()
