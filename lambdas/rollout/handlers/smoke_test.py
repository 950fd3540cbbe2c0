"""Requests of our own to the canary, before any user reaches it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from rollout import clients, sentences
from rollout.contract.errors import CannotBegin, SmokeTestFailed
from rollout.contract.plan import Plan
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.contract.events import Task
    from rollout.contract.plan import SmokeRequest

SHOWN_CHARACTERS = 300


def handler(event: Task, _context: object) -> dict[str, int]:
    """Send every payload to the canary; the rollout ends if one is not answered with success."""
    plan = Plan.parse(event["plan"])
    lock = World.of(plan.settings).own_lock(event["execution"])
    if lock.way_back is not None:
        return {"passed": 0}
    runtime = clients.single_attempt_client("sagemaker-runtime", read_timeout=65)
    run_smoke_test(runtime, plan.settings.endpoint, plan.smoke_test, canary=lock.canary, stable=lock.stable)
    return {"passed": len(plan.smoke_test)}


def run_smoke_test(runtime: Any, endpoint: str, requests: Sequence[SmokeRequest], *, canary: str, stable: str) -> None:
    """Send the requests to the canary, whatever its weight.

    A request that it fails is sent once more. A model that fails one request in a hundred, as its predecessor may, is
    for the gates to judge. A request that it fails twice is sent to stable, once: what stable cannot answer either
    shows nothing of the release.

    Raises:
        SmokeTestFailed: when the canary does not answer a request with success and stable does, or when another variant
            answers for the canary.
        CannotBegin: when neither of them answers a request with success.
        Throttled, Unavailable: when SageMaker does not let the request through; that says nothing of the model.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    for number, request in enumerate(requests, start=1):
        try:
            with clients.named_failures():
                variant = _ask(runtime, endpoint, canary, request)
        except runtime.exceptions.ModelError as error:
            words = {"number": number, "count": len(requests), "error": str(error)[:SHOWN_CHARACTERS]}
            if _is_answered(runtime, endpoint, stable, request):
                raise SmokeTestFailed(sentences.NO_ANSWER.format(**words)) from error
            raise CannotBegin(sentences.NO_ANSWER_OF_EITHER.format(**words)) from error
        if variant != canary:
            raise SmokeTestFailed(sentences.WRONG_ANSWER.format(number=number, variant=variant, canary=canary))


def _ask(runtime: Any, endpoint: str, canary: str, request: SmokeRequest) -> str | None:
    """Return the variant that answered, in one of two tries."""
    try:
        return _invoke(runtime, endpoint, canary, request)
    except runtime.exceptions.ModelError:
        return _invoke(runtime, endpoint, canary, request)


def _is_answered(runtime: Any, endpoint: str, variant: str, request: SmokeRequest) -> bool:
    try:
        with clients.named_failures():
            _invoke(runtime, endpoint, variant, request)
    except runtime.exceptions.ModelError:
        return False
    return True


def _invoke(runtime: Any, endpoint: str, variant: str, request: SmokeRequest) -> str | None:
    """Return the variant that answered."""
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint,
        TargetVariant=variant,
        Body=base64.b64decode(request.payload),
        ContentType=request.content_type,
    )
    answered: str | None = answer.get("InvokedProductionVariant")
    return answered
