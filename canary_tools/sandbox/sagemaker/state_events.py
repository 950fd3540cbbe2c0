"""`SageMaker Endpoint State Change` events.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import re

from canary_tools.sandbox.events.bus import Emit
from canary_tools.sandbox.sagemaker.endpoint import Endpoint, describe

_MILLISECONDS = 1000


def emit_state_change(emit: Emit, endpoint: Endpoint) -> None:
    """Put an endpoint's new status on the bus."""
    described = describe(endpoint)
    described["EndpointStatus"] = upper_snake(described["EndpointStatus"])
    for moment in ("CreationTime", "LastModifiedTime"):
        described[moment] = int(described[moment] * _MILLISECONDS)
    emit(
        source="aws.sagemaker",
        detail_type="SageMaker Endpoint State Change",
        resources=[endpoint.arn],
        detail={key: described[key] for key in described if key not in ("PendingDeploymentSummary", "MetricsConfig")},
    )


def upper_snake(status: str) -> str:
    """Return a status as events spell it.

    >>> upper_snake("InService")
    'IN_SERVICE'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()
