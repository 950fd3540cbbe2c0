"""Two CloudFormation types of request validation.

Gap it fills: ministack creates no request validators, and ignores those that a method names.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

_METHOD, _VALIDATOR = "AWS::ApiGateway::Method", "AWS::ApiGateway::RequestValidator"

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, Any]]


def register_resource_types(patches: Patches, gateway: Any) -> None:
    """Add the type of validators, and keep the validator of a method on create and update."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    create = _with_validator(provisioners._apigw_method_create, gateway)  # noqa: SLF001 - drops the validator
    patches.attribute(provisioners, "_apigw_method_create", create)
    handlers = provisioners._RESOURCE_HANDLERS  # noqa: SLF001 - the table of types
    patches.item(handlers, _METHOD, {**handlers[_METHOD], "create": create})
    validators = RequestValidatorType(gateway)
    functions = {"create": validators.create, "update": validators.update, "delete": validators.delete}
    patches.item(handlers, _VALIDATOR, functions)


class RequestValidatorType:
    """`AWS::ApiGateway::RequestValidator`."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    def create(self, _logical_id: str, properties: Properties, _stack_name: str) -> Provisioned:
        """Create a validator."""
        request = {
            "name": properties.get("Name", ""),
            "validateRequestBody": properties.get("ValidateRequestBody", False),
            "validateRequestParameters": properties.get("ValidateRequestParameters", False),
        }
        _, _, body = self._gateway._create_request_validator(properties["RestApiId"], request)  # noqa: SLF001 - its API
        made = str(json.loads(body)["id"])
        return made, {"RequestValidatorId": made}

    def update(self, _physical_id: str, _before: Properties, after: Properties, stack_name: str) -> Provisioned:
        """Replace the validator. AWS changes it in place; no answer of the API differs by this."""
        return self.create("", after, stack_name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete a validator."""
        self._gateway._delete_request_validator(properties["RestApiId"], physical_id)  # noqa: SLF001 - its API


def _with_validator(theirs: Callable[..., Provisioned], gateway: Any) -> Callable[..., Provisioned]:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        provisioned = theirs(logical_id, properties, stack_name)
        resource = gateway._resources[properties["RestApiId"]][properties["ResourceId"]]  # noqa: SLF001 - its state
        method = resource["resourceMethods"][properties["HttpMethod"]]
        method["requestValidatorId"] = properties.get("RequestValidatorId")
        return provisioned

    return create
