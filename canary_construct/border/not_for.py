"""What a `CanaryEndpoint` is not for: said where somebody would try it, with what to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTEAD = {
    "serverless": "serverless inference has one variant, and a rollout moves traffic between two; use two serverless "
    "endpoints and shift the traffic in your application",
    "async": "an asynchronous endpoint answers through S3, and a rollout watches answers; let SageMaker's deployment "
    "guardrails update it",
    "multimodel": "each request to a multi-model endpoint chooses its model, so that there is no single release; use a "
    "CanaryEndpoint for each model that needs rollouts",
    "inferencecomponent": "inference components have no weights to shift; update them with their own rolling update "
    "and alarms",
    "managedinstancescaling": "managed instance scaling is for inference components; use scaling=InstanceScaling(…)",
    "shadow": "a shadow variant needs an endpoint with one production variant, and a rollout needs two; run a shadow "
    "test on another endpoint, and release here afterwards",
    "instancepool": "a slot that falls back to another type is as fast as that type, and a comparison would take the "
    "hardware for the release; use one instance_type, and capacity_timeout where instances come slowly",
}
"""By how the names of arguments and properties begin, in small letters and without underscores. Sources:
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (feature exclusions),
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html (inference components),
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html (ShadowProductionVariants),
https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-heterogeneous.html (instance pools)"""
_MULTI_MODEL = ("mode", "MultiModel")
"""How a container of `CreateModel` says it."""
_OF_THE_CALLER = frozenset({"environment", "tags"})
"""Properties whose names inside are the caller's own."""


def refusal(name: str, value: object) -> str | None:
    """Return why an argument or a property is not for a `CanaryEndpoint`; `None` when it is no such one.

    >>> refusal("ServerlessConfig", {}).partition(":")[0]
    'ServerlessConfig is not for a CanaryEndpoint'
    >>> refusal("instance_type", "ml.m5.xlarge") is None
    True
    """
    plain = name.replace("_", "").lower()
    if (plain, value) == _MULTI_MODEL:
        plain = "multimodel"
    instead = next((sentence for beginning, sentence in INSTEAD.items() if plain.startswith(beginning)), None)
    return None if instead is None else f"{name} is not for a CanaryEndpoint: {instead} (docs/not-for.md)"


def refusals_in(rendered: Any) -> Iterator[str]:
    """Return the same for whatever stands in the rendered properties of a resource, overrides by their paths."""
    match rendered:
        case dict():
            for path, value in rendered.items():
                *above, name = str(path).split(".")
                if _OF_THE_CALLER.isdisjoint(part.lower() for part in (*above, name)):
                    yield from filter(None, [refusal(part, value) for part in (*above, name)])
                    yield from refusals_in(value)
        case list():
            for item in rendered:
                yield from refusals_in(item)
