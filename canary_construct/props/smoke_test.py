"""Requests that the canary must answer before any user reaches it, as a value."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract.plan import SmokeRequest

from canary_construct.border import checked
from canary_construct.border.texts import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPE = re.compile(r"(?=.{3,1024}$)[!-~]+/[ -~]*[!-~]")
MAX_TOTAL_BYTES = 100_000
"""Payloads travel in the state machine's input; Step Functions allows 256 KiB for all of it."""
MOST_PAYLOADS = 500
"""Each takes some 70 characters there beside itself, and a moment of the 15 minutes that a function may run."""


@checked()
@dataclass(frozen=True, kw_only=True)
class SmokeTest:
    """Payloads that are sent to the canary at weight 0. Each must be answered with success, in one of two tries.

    What the canary fails twice is sent once to the release that serves: a payload that neither of them answers ends the
    rollout without a verdict.

    Args:
        payloads: 1 to 500 bodies of requests, together at most 100,000 bytes
        content_type: of all of them; default "application/json"

    Raises:
        ValueError: when there is no payload or more than 500, or all of them together exceed 100,000 bytes.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    """

    payloads: Sequence[bytes | str]
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        if not self.payloads:
            raise ValueError("payloads must hold at least one request, got none")
        check_text("content_type", self.content_type, _TYPE, "be a type such as application/json")
        total = sum(len(_as_bytes(payload)) for payload in self.payloads)
        if total > MAX_TOTAL_BYTES:
            raise ValueError(f"payloads must not exceed {MAX_TOTAL_BYTES:,} bytes in all, got {total:,}")
        if len(self.payloads) > MOST_PAYLOADS:
            raise ValueError(f"payloads must be at most {MOST_PAYLOADS}, got {len(self.payloads):,}")

    def requests(self) -> tuple[SmokeRequest, ...]:
        """Return the requests as the handler reads them."""
        return tuple(
            SmokeRequest(payload=base64.b64encode(_as_bytes(payload)).decode(), content_type=self.content_type)
            for payload in self.payloads
        )


def _as_bytes(payload: bytes | str) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload
