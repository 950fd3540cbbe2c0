"""The protocol between CloudFormation and a Lambda-backed custom resource.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from rollout.contract.errors import RolloutError
from rollout.patience import once_allowed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Event = dict[str, Any]
"""The request of CloudFormation."""
logger = logging.getLogger(__name__)
RESPONSE_TIMEOUT_SECONDS = 30
REASON_BYTES = 1500
"""The longest reason. A response may have 4,096 bytes in all, and JSON writes some characters with two bytes."""


def physical_id(event: Event) -> str:
    """Return the physical ID of the resource: the endpoint's name. A new name is a new resource."""
    name: str = event["ResourceProperties"]["EndpointName"]
    return name


def answer(
    event: Event,
    work: Callable[[Event], Mapping[str, object]],
    *,
    failed_id: Callable[[Event], str] = physical_id,
) -> None:
    """Do the work and send CloudFormation the result. The user of the stack reads the sentence of a failure.

    `failed_id`: the physical ID of a resource whose creation fails. CloudFormation deletes that resource afterwards.
    Work that IAM denies is repeated, as CloudFormation may repeat a request too.
    """
    try:
        outcome: dict[str, object] = {"Status": "SUCCESS", "Data": once_allowed(lambda: work(event))}
    except RolloutError as error:
        outcome = {"Status": "FAILED", "Reason": _short(str(error))}
    except Exception as error:
        logger.exception("custom resource failed")
        outcome = {"Status": "FAILED", "Reason": _short(f"{type(error).__name__}: {error}")}
    never_made = event["RequestType"] == "Create" and outcome["Status"] == "FAILED"
    _respond(event, {"PhysicalResourceId": (failed_id if never_made else physical_id)(event), **outcome})


def _short(reason: str) -> str:
    return reason.encode()[:REASON_BYTES].decode(errors="ignore")


def _respond(event: Event, outcome: Mapping[str, object]) -> None:
    body = {
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        **outcome,
    }
    url = event["ResponseURL"]
    if not url.startswith("http"):
        raise ValueError(f"ResponseURL must be an HTTP URL, got {url}")
    data = json.dumps(body, ensure_ascii=False).encode()
    request = Request(url, data=data, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - checked above
    urlopen(request, timeout=RESPONSE_TIMEOUT_SECONDS).close()  # noqa: S310 - checked above
