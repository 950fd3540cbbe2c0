"""The AWS APIs that handlers call: each call takes its time, may fail as the scenario says, and has its effect."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.throttle import Throttle
from canary_tools.rehearsal.services.botocore_requests import SERVICES, AnswerLost, Parameters
from canary_tools.rehearsal.services.faults import CRASH, IN_PART, TIMEOUT, Faults, service_error
from canary_tools.rehearsal.services.lambda_functions import Crashed
from canary_tools.rehearsal.virtual_time.processes import Processes

SHORTEST_SECONDS, LONGEST_SECONDS = 0.005, 0.04
"""Of each way, to the service and back."""

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]


class ApiCalls:
    """Answers calls. `operations`: what each service does, by the name of the call.

    `begun` is told each attempt of a call by its IAM action, `done` each call that had its effect.
    """

    def __init__(
        self,
        operations: Mapping[str, Mapping[str, Operation]],
        *,
        processes: Processes,
        faults: Faults,
        throttle: Throttle,
        endpoint_arn: str,
        draw: random.Random,
        begun: Callable[[str], None],
        done: Callable[[str, str, Parameters], None],
    ) -> None:
        self.operations = operations
        self._processes = processes
        self._faults = faults
        self._throttle = throttle
        self._endpoint_arn = endpoint_arn
        self._draw = draw
        self._begun = begun
        self._done = done

    def answer(self, service: str, operation: str, parameters: Parameters, *, read_timeout: float) -> dict[str, Any]:
        """Answer one attempt of an API call.

        Raises:
            ApiError: as the service or the scenario refuses.
            AnswerLost: when the scenario lets the answer get lost.
        """
        call = f"{SERVICES[service]}:{operation}"
        self._begun(call)
        self._travel()
        error = self._faults.of(call)
        if error == TIMEOUT:
            self._lose_answer(service, operation, parameters, read_timeout)
        if error is not None and error not in {CRASH, IN_PART}:
            raise service_error(call, error, self._endpoint_arn)
        answer = self._effect(service, "PutEventsInPart" if error == IN_PART else operation, parameters)
        if error == CRASH:
            raise Crashed
        self._travel()
        return answer

    def _travel(self) -> None:
        self._processes.pause(self._draw.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))

    def _lose_answer(self, service: str, operation: str, parameters: Parameters, read_timeout: float) -> None:
        if self._faults.toss():
            self._effect(service, operation, parameters)
        self._processes.pause(read_timeout)
        raise AnswerLost

    def _effect(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]:
        known = self.operations[service]
        if operation not in known:
            raise ApiError("UnknownOperationException", f"a rehearsal does not know {service}:{operation}")
        if service == "sagemaker":
            self._throttle.admit(operation)
        answer = known[operation](parameters)
        self._done(service, operation, parameters)
        return answer
