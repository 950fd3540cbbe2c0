"""Requests of our own to the canary, before any user reaches it."""

from __future__ import annotations

import base64
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rollout import clients
from rollout.contract.errors import SmokeTestFailed
from rollout.plan import Settings
from rollout.world import World

SHOWN_CHARACTERS = 300


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Send every payload to the canary; the rollout ends if one is not answered with success."""
    settings = Settings.parse(event["plan"])
    lock = World.of(settings).own_lock(event["execution"])
    runtime = clients.single_attempt_client("sagemaker-runtime", read_timeout=65)
    return run_smoke_test(runtime, settings.endpoint, lock.canary, event["plan"]["smoke_test"])


def run_smoke_test(runtime: Any, endpoint: str, canary: str, requests: list[dict[str, str]]) -> dict[str, Any]:
    """Send the requests to one variant, whatever its weight.

    What the model fails is asked once more: a model that fails one request in a hundred, as its predecessor may, is
    the gates' to judge.

    Raises:
        SmokeTestFailed: when a request is not answered with success, or not by that variant.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    for number, request in enumerate(requests, start=1):
        try:
            answer = _ask(runtime, endpoint, canary, request)
        except (ClientError, BotoCoreError) as error:
            raise SmokeTestFailed(
                f"smoke test {number} of {len(requests)} was not answered: {str(error)[:SHOWN_CHARACTERS]}"
            ) from error
        if answer.get("InvokedProductionVariant") != canary:
            raise SmokeTestFailed(
                f"smoke test {number} was answered by {answer.get('InvokedProductionVariant')}, not by {canary}"
            )
    return {"passed": len(requests)}


def _ask(runtime: Any, endpoint: str, canary: str, request: dict[str, str]) -> dict[str, Any]:
    invocation = {
        "EndpointName": endpoint,
        "TargetVariant": canary,
        "Body": base64.b64decode(request["payload"]),
        "ContentType": request["content_type"],
    }
    try:
        answer: dict[str, Any] = runtime.invoke_endpoint(**invocation)
    except runtime.exceptions.ModelError:
        answer = runtime.invoke_endpoint(**invocation)
    return answer
