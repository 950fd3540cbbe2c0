"""The three protocols of CloudWatch: JSON (boto3), CBOR (the JavaScript SDK) and query (older CLIs).

Each reads a request into a plain dictionary and writes an answer from one. Times in them are seconds since the epoch.
"""

import functools
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.sandbox.protocols.query_form import nested

Response = tuple[int, dict[str, str], bytes]

_NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"
_OPERATION = re.compile(r"/operation/(\w+)")


class CloudWatchProtocol(Protocol):
    """One protocol, for one request: `operation` is what the request asks for."""

    operation: str

    def request(self, body: bytes) -> dict[str, Any]:
        """Read the members of a request."""
        ...

    def answer(self, members: Mapping[str, Any]) -> Response:
        """Write the members of an answer."""
        ...

    def refusal(self, error: ApiError) -> Response:
        """Write an error."""
        ...


def protocol_of(
    path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> CloudWatchProtocol:
    """Return the protocol in which a request is written."""
    invoked = _OPERATION.search(path)
    if invoked:
        return CborProtocol(invoked[1])
    target = headers.get("x-amz-target", "")
    if target:
        return JsonProtocol(target.rpartition(".")[2])
    form = {**query, **parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)}
    return QueryProtocol(form)


class JsonProtocol:
    """AWS JSON 1.0."""

    def __init__(self, operation: str) -> None:
        self.operation = operation

    def request(self, body: bytes) -> dict[str, Any]:
        """Read the members of a request."""
        members: dict[str, Any] = json.loads(body or b"{}")
        return members

    def answer(self, members: Mapping[str, Any]) -> Response:
        """Write the members of an answer."""
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(members).encode()

    def refusal(self, error: ApiError) -> Response:
        """Write an error."""
        _, headers, body = self.answer({"__type": error.code, "message": error.message})
        return 400, {**headers, "x-amzn-query-error": f"{error.code};Sender"}, body


class CborProtocol:
    """Smithy RPC v2 CBOR. botocore encodes and decodes it."""

    _headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}  # noqa: RUF012 - a constant

    def __init__(self, operation: str) -> None:
        self.operation = operation

    def request(self, body: bytes) -> dict[str, Any]:
        """Read the members of a request."""
        from botocore.parsers import RpcV2CBORParser  # noqa: PLC0415 - an optional extra

        parser = RpcV2CBORParser()
        members = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}
        found: dict[str, Any] = _with_seconds(members)
        return found

    def answer(self, members: Mapping[str, Any]) -> Response:
        """Write the members of an answer."""
        shape = _model().operation_model(self.operation).output_shape
        return 200, dict(self._headers), _cbor(members, shape) if shape else b"\xa0"

    def refusal(self, error: ApiError) -> Response:
        """Write an error."""
        shape = _model().shape_for("ResourceNotFound")  # all errors have the same one member
        body = _cbor({"message": error.message}, shape)
        return 400, {**self._headers, "x-amzn-query-error": f"{error.code};Sender"}, body


class QueryProtocol:
    """AWS query: the request is a form, the answer is XML."""

    def __init__(self, form: Mapping[str, list[str]]) -> None:
        self.operation = form.get("Action", [""])[0]
        self._form = {name: values[0] for name, values in form.items()}

    def request(self, body: bytes) -> dict[str, Any]:  # noqa: ARG002 - the form is the body
        """Read the members of a request."""
        shape = _model().operation_model(self.operation).input_shape
        found: dict[str, Any] = nested(self._form, shape)
        return found

    def answer(self, members: Mapping[str, Any]) -> Response:
        """Write the members of an answer."""
        shape = _model().operation_model(self.operation).output_shape
        result = _xml(f"{self.operation}Result", members, shape) if shape else ""
        return self._document(200, f"{self.operation}Response", result)

    def refusal(self, error: ApiError) -> Response:
        """Write an error."""
        described = f"<Type>Sender</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        return self._document(400, "ErrorResponse", f"<Error>{described}</Error>")

    def _document(self, status: int, root: str, content: str) -> Response:
        identity = "<ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>"
        body = f'<{root} xmlns="{_NAMESPACE}">{content}{identity}</{root}>'
        return status, {"Content-Type": "text/xml"}, body.encode()


@functools.cache
def _model() -> Any:
    from botocore.session import get_session  # noqa: PLC0415 - an optional extra

    return get_session().get_service_model("cloudwatch")


def _cbor(members: Mapping[str, Any], shape: Any) -> bytes:
    from botocore.serialize import RpcV2CBORSerializer  # noqa: PLC0415 - an optional extra

    body = bytearray()
    known = {name: value for name, value in members.items() if name in shape.members}
    RpcV2CBORSerializer()._serialize_data_item(body, known, shape)  # noqa: SLF001 - its encoder has no public name
    return bytes(body)


def _with_seconds(value: Any) -> Any:
    """Convert times to seconds since the epoch, at any depth."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Mapping):
        return {name: _with_seconds(member) for name, member in value.items()}
    return [_with_seconds(member) for member in value] if isinstance(value, list) else value


def _xml(tag: str, value: Any, shape: Any) -> str:
    if shape.type_name == "structure":
        known = [(name, member) for name, member in shape.members.items() if value.get(name) is not None]
        content = "".join(_xml(name, value[name], member) for name, member in known)
    elif shape.type_name == "list":
        content = "".join(_xml("member", member, shape.member) for member in value)
    elif shape.type_name == "map":
        entries = (
            f"<entry><key>{escape(str(key))}</key>{_xml('value', item, shape.value)}</entry>"
            for key, item in value.items()
        )
        content = "".join(entries)
    elif shape.type_name == "timestamp":
        content = datetime.fromtimestamp(value, UTC).isoformat()
    elif shape.type_name == "boolean":
        content = str(value).lower()
    else:
        content = escape(str(value))
    return f"<{tag}>{content}</{tag}>"
