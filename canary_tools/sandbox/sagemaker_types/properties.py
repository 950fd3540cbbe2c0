"""Makes API requests from resource properties. CloudFormation is lenient about the types of scalars."""

from collections.abc import Mapping
from typing import Any

from canary_tools.aws_models.api.errors import validation_error
from canary_tools.sandbox.protocols.aws_json import check_request, service_model

_INTEGERS = ("integer", "long")
_FLOATS = ("float", "double")
_BOOLEANS = {"true": True, "false": False}


def api_request(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request of an operation, made from the properties of the same names. Others are left out.

    A number may come as text (`"100"`) or as a float (`100.0`), as `Fn::GetAtt` of a custom resource gives it.

    Raises:
        ApiError: `ValidationException` if a property cannot be converted, or a required one is missing.
    """
    shape = service_model(service).operation_model(operation).input_shape
    known = {name: value for name, value in properties.items() if name in shape.members}
    request: dict[str, Any] = coerced(known, shape, operation)
    check_request(service, operation, request)
    return request


def coerced(value: Any, shape: Any, path: str) -> Any:
    """Return the value with its scalars converted to the types of the shape."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: coerced(member, shape.members[name], f"{path}/{name}")
            for name, member in value.items()
            if name in shape.members
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [coerced(member, shape.member, f"{path}/{index}") for index, member in enumerate(value)]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: coerced(member, shape.value, f"{path}/{key}") for key, member in value.items()}
    return _scalar(value, shape.type_name, path)


def _scalar(value: Any, type_name: str, path: str) -> Any:
    try:
        if type_name in _INTEGERS:
            return _integer(value)
        if type_name in _FLOATS:
            return float(value)
        if type_name == "boolean":
            return value if isinstance(value, bool) else _BOOLEANS[str(value).lower()]
        if type_name == "string":
            return _text(value)
    except (TypeError, ValueError, KeyError) as error:
        raise validation_error(f"#/{path}: expected type: {type_name}, found: {value!r}") from error
    return value


def _integer(value: Any) -> int:
    number = float(value)
    if not number.is_integer():
        raise ValueError(value)
    return int(number)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        raise TypeError(value)
    return str(value)
