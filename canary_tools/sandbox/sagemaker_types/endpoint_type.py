"""`AWS::SageMaker::Endpoint`: it is updated in place, and each change waits until SageMaker has finished."""

from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.aws_models.sagemaker.arns import name_in
from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status
from canary_tools.aws_models.sagemaker.endpoints import Endpoints
from canary_tools.aws_models.sagemaker.tags import TagStore
from canary_tools.sandbox.cloudformation.failing_siblings import FailingSiblings
from canary_tools.sandbox.emulator.turns import Turns
from canary_tools.sandbox.sagemaker_types.naming import generated_name
from canary_tools.sandbox.sagemaker_types.properties import api_request

Properties = Mapping[str, Any]
Outcome = tuple[str, dict[str, Any]]

# The time-outs of the type's handlers in its CloudFormation schema.
_CREATE_SECONDS = 160 * 60.0
_UPDATE_SECONDS = 970 * 60.0
_DEPLOYS = ("EndpointConfigName", "DeploymentConfig", "RetainDeploymentConfig")


class EndpointNotStabilized(Exception):
    """The endpoint did not reach the state that the template asks for."""


class EndpointType:
    """The handlers of the type. `Ref` is the ARN, in which the name is in lower case.

    Args:
        notices_failed_update: whether an update fails when SageMaker returns to the old fleet without an error.
        siblings: of which one may fail while the endpoint changes.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        tags: TagStore,
        turns: Turns,
        *,
        notices_failed_update: bool,
        siblings: FailingSiblings,
    ) -> None:
        self._endpoints = endpoints
        self._tags = tags
        self._turns = turns
        self._notices_failed_update = notices_failed_update
        self._siblings = siblings

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Outcome:
        """Create the endpoint and wait until it is in service. An endpoint that fails is deleted.

        Raises:
            EndpointNotStabilized: the endpoint failed.
        """
        name = properties.get("EndpointName") or generated_name(stack_name, logical_id)
        request = api_request("sagemaker", "CreateEndpoint", {**properties, "EndpointName": name})
        with self._turns:
            self._endpoints.create(request)
            endpoint = self._endpoints.find(name)
            if self._siblings.begins(name):
                return _outcome(endpoint)
            self._wait(endpoint, _CREATE_SECONDS)
            if endpoint.status is not Status.IN_SERVICE:
                self._delete_and_wait(endpoint)
                raise EndpointNotStabilized(endpoint.failure_reason)
        return _outcome(endpoint)

    def update(self, physical_id: str, old: Properties, new: Properties, _stack_name: str, _logical_id: str) -> Outcome:
        """Deploy the endpoint config if it has changed, and set the tags.

        Raises:
            EndpointNotStabilized: the update failed.
        """
        with self._turns:
            endpoint = self._endpoints.find(name_in(physical_id))
            if any(old.get(name) != new.get(name) for name in _DEPLOYS):
                self._deploy(endpoint, new)
            self._tags.replace(physical_id, new.get("Tags", ()))
        return _outcome(endpoint)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Delete the endpoint if it exists, and wait until it is deleted."""
        with self._turns:
            name = name_in(physical_id)
            if self._endpoints.exists(name):
                self._delete_and_wait(self._endpoints.find(name))

    def _deploy(self, endpoint: Endpoint, properties: Properties) -> None:
        self._endpoints.update(
            api_request("sagemaker", "UpdateEndpoint", {**properties, "EndpointName": endpoint.name})
        )
        if self._siblings.begins(endpoint.name):
            return
        self._wait(endpoint, _UPDATE_SECONDS)
        failed = endpoint.status is not Status.IN_SERVICE
        if failed or (self._notices_failed_update and endpoint.config_name != properties["EndpointConfigName"]):
            raise EndpointNotStabilized(endpoint.failure_reason)

    def _delete_and_wait(self, endpoint: Endpoint) -> None:
        self._endpoints.delete({"EndpointName": endpoint.name})
        self._wait_until(lambda: not self._endpoints.exists(endpoint.name), _UPDATE_SECONDS)

    def _wait(self, endpoint: Endpoint, seconds: float) -> None:
        self._wait_until(lambda: not endpoint.in_progress, seconds)

    def _wait_until(self, done: Callable[[], bool], seconds: float) -> None:
        if not self._turns.wait_for(done, seconds):
            raise EndpointNotStabilized("exceeded the number of attempts to wait for the endpoint")


def _outcome(endpoint: Endpoint) -> Outcome:
    return endpoint.arn, {"EndpointName": endpoint.name, "EndpointArn": endpoint.arn}
