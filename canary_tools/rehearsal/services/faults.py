"""The faults of a scenario: calls that fail."""

import random
from collections.abc import Callable, Iterable, Mapping

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.scenario import ERRORS, Fault, Scenario

IN_PROGRESS, TIMEOUT, CRASH, IN_PART = ERRORS
INVOKE = "lambda:Invoke"
PUT_EVENTS = "events:PutEvents"
UPDATE_STAGE = "apigateway:UpdateStage"

CALLS: Mapping[str, tuple[str, ...]] = {
    "sagemaker": (
        "DescribeEndpoint", "UpdateEndpointWeightsAndCapacities", "InvokeEndpoint", "DescribeEndpointConfig",
        "ListEndpointConfigs", "DeleteEndpointConfig", "ListModels", "DeleteModel",
    ),
    "application-autoscaling": (
        "DescribeScalableTargets", "RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy",
        "DescribeScalingPolicies",        "DeleteScalingPolicy",
    ),
    "cloudwatch": ("DescribeAlarms", "GetMetricData"),
    "dynamodb": ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
    "states": ("StartExecution", "DescribeExecution", "StopExecution"),
    "events": ("PutEvents",),
    "cloudformation": ("DescribeStacks",),
    "apigateway": ("UpdateStage",),
    "tag": ("GetResources",),
}  # fmt: skip
"""The operations that the handlers call, by the IAM prefix of their service."""

_LIMITED_WITH_429 = frozenset({"LimitExceededException", "TooManyRequestsException"})
"""The errors of API Gateway when the rate limit of its control plane is exceeded. Source:
https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html"""
_SERVER_ERRORS = ("Internal", "ServiceUnavailable", "ServiceFailure")


class Faults:
    """Decides for each call whether it fails now."""

    def __init__(self, scenario: Scenario, *, second: Callable[[], float], seed: int) -> None:
        self._faults = scenario.faults
        self._second = second
        self._draw = random.Random(seed)  # noqa: S311 - a simulation, not a secret

    def of(self, call: str) -> str | None:
        """Return the error of this call, or `None`. Each call is drawn anew."""
        second = self._second()
        for fault in self._faults:
            runs = fault.at_s <= second < fault.at_s + fault.for_s
            if runs and fault.call == call and self._draw.random() < fault.probability:
                return fault.error
        return None

    def toss(self) -> bool:
        """Tell whether a call whose answer was lost took effect."""
        return self._draw.random() < 0.5  # noqa: PLR2004 - a coin


def check_calls(faults: Iterable[Fault]) -> None:
    """Check that handlers make the calls of these faults, and that the calls can have these errors.

    Raises:
        RehearsalError: when that is not so. It names the possible calls or errors.
    """
    for fault in faults:
        prefix, _, operation = fault.call.partition(":")
        if fault.error == IN_PART and fault.call != PUT_EVENTS:
            raise RehearsalError(f"faults: only {PUT_EVENTS} can fail {IN_PART}, got {fault.call}")
        if fault.call == INVOKE:
            _check_invocation(fault)
        elif prefix not in CALLS:
            raise RehearsalError(
                f"faults: call must begin with one of {', '.join(CALLS)}, or be {INVOKE}, got {fault.call}"
            )
        elif operation not in CALLS[prefix]:
            raise RehearsalError(
                f"faults: of {prefix} the handlers call {', '.join(CALLS[prefix])} only, got {fault.call}"
            )


def _check_invocation(fault: Fault) -> None:
    """Check the error of an invocation. Lambda refuses it before the handler begins, so it must be an error code."""
    if fault.error in ERRORS:
        raise RehearsalError(
            f"faults: the error of {INVOKE} must be the code of a service error such as TooManyRequestsException, "
            f"got {fault.error}"
        )


def service_error(call: str, error: str, endpoint_arn: str) -> ApiError:
    """Return the error with which the service answers a call that fails."""
    if error == IN_PROGRESS:
        return ApiError("ValidationException", f'Cannot update in-progress endpoint "{endpoint_arn}".')
    if call == UPDATE_STAGE and error in _LIMITED_WITH_429:
        return ApiError(error, "Too Many Requests", status=429)
    status = 500 if error.startswith(_SERVER_ERRORS) else 400
    message = "Rate exceeded" if "Throttl" in error or "TooMany" in error else f"{error} of the rehearsal"
    return ApiError(error, message, status=status)
