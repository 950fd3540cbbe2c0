"""Reads model archives out of the emulator's S3."""

import importlib
from urllib.parse import urlsplit

from canary_tools.sandbox.sagemaker.arns import Place

_HTTP_OK = 200
_READ_SECONDS = 60.0


def fetch_object(place: Place, url: str) -> bytes | None:
    """Return the content behind an `s3://` URL, `None` if there is none. Not to be called on the server's loop."""
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return None
    app = importlib.import_module("ministack.app")
    responses = importlib.import_module("ministack.core.responses")
    with responses.request_scope(place.account, place.region):
        status, _headers, body = app.call_service_handler_sync(
            app.SERVICE_HANDLERS["s3"], "GET", f"/{parts.netloc}{parts.path}", {"host": "s3"}, b"", {}, _READ_SECONDS
        )
    return bytes(body) if status == _HTTP_OK else None
