"""Calls that fail because the scenario says so."""

import random
from collections.abc import Callable, Iterable, Mapping
from functools import cache

import botocore.session

from canary_tools.rehearsal.reading import RehearsalError
from canary_tools.rehearsal.scenario import Fault, Scenario
from canary_tools.sandbox.sagemaker.errors import ApiError

CRASH, TIMEOUT, IN_PROGRESS = "crash", "timeout", "in-progress"
INVOKE = "lambda:Invoke"

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "sagemaker": ("sagemaker", "sagemaker-runtime"),
    "application-autoscaling": ("application-autoscaling",),
    "cloudwatch": ("cloudwatch",),
    "dynamodb": ("dynamodb",),
    "states": ("stepfunctions",),
    "events": ("events",),
    "cloudformation": ("cloudformation",),
    "apigateway": ("apigateway",),
    "tag": ("resourcegroupstaggingapi",),
}
"""The services that handlers call: prefix as in IAM, and what botocore calls them."""

_SERVER_ERRORS = ("Internal", "ServiceUnavailable", "ServiceFailure")


class Faults:
    """Says of each call whether it fails now."""

    def __init__(self, scenario: Scenario, *, second: Callable[[], float], seed: int) -> None:
        self._faults = scenario.faults
        self._second = second
        self._draw = random.Random(seed)  # noqa: S311 - a simulation, not a secret

    def of(self, call: str) -> str | None:
        """Return the error of this call, drawn anew each time, or `None`."""
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
    """Refuse a fault of a call that no AWS service has.

    Raises:
        RehearsalError: with the calls that are known.
    """
    for fault in faults:
        prefix, _, operation = fault.call.partition(":")
        if fault.call == INVOKE:
            continue
        if prefix not in PREFIXES:
            raise RehearsalError(
                f"faults: call must begin with one of {', '.join(PREFIXES)}, or be {INVOKE}, got {fault.call}"
            )
        if not any(operation in _operations_of(service) for service in PREFIXES[prefix]):
            raise RehearsalError(f"faults: {prefix} has no operation {operation}, got {fault.call}")


@cache
def _operations_of(service: str) -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_service_model(service).operation_names)


def service_error(error: str, endpoint_arn: str) -> ApiError:
    """Return the error answer of a fault."""
    if error == IN_PROGRESS:
        return ApiError("ValidationException", f'Cannot update in-progress endpoint "{endpoint_arn}".')
    status = 500 if error.startswith(_SERVER_ERRORS) else 400
    message = "Rate exceeded" if "Throttl" in error or "TooMany" in error else f"{error} of the rehearsal"
    return ApiError(error, message, status=status)
