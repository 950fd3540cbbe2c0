"""Binary and text bodies, and how API Gateway converts them.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

import base64
import binascii
from collections.abc import Sequence

from canary_tools.sandbox.apigateway.gateway_rules import media_type

TO_TEXT, TO_BINARY = "CONVERT_TO_TEXT", "CONVERT_TO_BINARY"


class UndecodableError(ValueError):
    """A text that should be base64 and is not."""


def is_binary(content_type: str | None, binary_types: Sequence[str]) -> bool:
    """Tell whether a header names one of the API's binary media types.

    >>> is_binary("image/png", ["image/*"]), is_binary("application/json", ["image/*"]), is_binary(None, ["*/*"])
    (True, False, True)
    """
    kind = media_type(content_type)
    return any(each in ("*/*", kind, f"{kind.split('/', maxsplit=1)[0]}/*") for each in binary_types)


def request_payload(body: bytes, content_type: str | None, binary_types: Sequence[str]) -> bytes:
    r"""Return the body of a request for an integration without content handling. Text becomes valid UTF-8.

    >>> request_payload(b"a\xff", "text/csv", []) == "a\ufffd".encode()
    True
    """
    return body if is_binary(content_type, binary_types) else as_text(body).encode()


def response_payload(
    body: bytes, *, content_type: str | None, accept: str | None, binary_types: Sequence[str], handling: str | None
) -> bytes:
    r"""Return the body of an answer for the caller.

    Raises:
        UndecodableError: the caller accepts a binary type, but the answer is text that is not base64.

    >>> response_payload(b"\xff", content_type="image/png", accept=None, binary_types=["image/*"], handling=None)
    b'/w=='
    """
    wants_binary = is_binary(accept, binary_types) if accept else False
    to_binary = handling == TO_BINARY or (handling is None and wants_binary)
    if is_binary(content_type, binary_types):
        return body if to_binary else base64.b64encode(body)
    return _decoded(body) if to_binary else as_text(body).encode()


def as_text(body: bytes) -> str:
    """Return a body as API Gateway reads text."""
    return body.decode(errors="replace")


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise UndecodableError(str(error)) from error
