"""Data capture: requests and answers as files in S3.

In AWS a file holds what was captured in some time; here it holds one request. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class Content:
    """What went in or came out."""

    body: bytes
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request that was answered. `role`: the ARN of the execution role of the model that answered."""

    endpoint_name: str
    variant_name: str
    role: str
    request: Content
    answer: Content


class DataCapture:
    """Captures what endpoint configs ask for.

    Args:
        write: stores an object under an `s3://` URL.
        may_write: tells whether a role may do that now. What it may not write is lost without an error.
        now: the time in seconds since the epoch.
        generator: draws which requests are captured.
    """

    def __init__(
        self,
        *,
        write: Callable[[str, bytes], None],
        may_write: Callable[[str, str], bool],
        now: Callable[[], float],
        generator: random.Random,
    ) -> None:
        self._write = write
        self._may_write = may_write
        self._now = now
        self._generator = generator

    def observe(self, config: Mapping[str, Any], exchange: Exchange) -> None:
        """Capture an exchange on an endpoint with this config, if it is drawn."""
        wanted = config.get("DataCaptureConfig")
        if wanted is None or not wanted.get("EnableCapture", True):
            return
        if self._generator.uniform(0, _PERCENT) >= wanted["InitialSamplingPercentage"]:
            return
        at = datetime.fromtimestamp(self._now(), UTC)
        folder = f"{exchange.endpoint_name}/{exchange.variant_name}/{at:%Y/%m/%d/%H}"
        url = f"{wanted['DestinationS3Uri'].rstrip('/')}/{folder}/{at:%M-%S}-{uuid.uuid4()}.jsonl"
        if self._may_write(exchange.role, url):
            self._write(url, json.dumps(_line(wanted, exchange, at)).encode() + b"\n")


def _line(wanted: Mapping[str, Any], exchange: Exchange, at: datetime) -> dict[str, Any]:
    modes = {option["CaptureMode"] for option in wanted["CaptureOptions"]}
    header = wanted.get("CaptureContentTypeHeader", {})
    sides = {"Input": ("endpointInput", exchange.request), "Output": ("endpointOutput", exchange.answer)}
    return {
        "captureData": {
            name: {"mode": mode.upper(), **_captured(content, header)}
            for mode, (name, content) in sides.items()
            if modes & {mode, "InputAndOutput"}
        },
        "eventMetadata": {"eventId": str(uuid.uuid4()), "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }


def _captured(content: Content, header: Mapping[str, Sequence[str]]) -> dict[str, str]:
    kind = content.content_type.split(";", maxsplit=1)[0].strip()
    for encoding, types in (("JSON", "JsonContentTypes"), ("CSV", "CsvContentTypes")):
        if kind in header.get(types, ()):
            text = content.body.decode(errors="replace")
            return {"observedContentType": content.content_type, "data": text, "encoding": encoding}
    data = base64.b64encode(content.body).decode()
    return {"observedContentType": content.content_type, "data": data, "encoding": "BASE64"}
