"""Registers the services in ministack's tables: routes, handlers, tag search."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from canary_tools.aws_models.api.operations import Operation
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.turns import Turns
from canary_tools.sandbox.protocols.aws_json import HttpResponse, answer_json
from canary_tools.sandbox.sagemaker.runtime import INVOCATIONS, Runtime

SAGEMAKER = "sagemaker"
SCALING = "application-autoscaling"


def register_services(
    patches: Patches, *, sagemaker: Mapping[str, Operation], scaling: Mapping[str, Operation], runtime: Runtime
) -> None:
    """Route requests to SageMaker, its runtime and Application Auto Scaling to their models.

    Requests to the runtime are signed as `sagemaker`, too. The path tells the two apart.
    """

    async def handle_sagemaker(
        _method: str, path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, Any]
    ) -> HttpResponse:
        invocation = INVOCATIONS.fullmatch(path)
        if invocation is not None:
            return await runtime.invoke(invocation[1], headers, body)
        return answer_json(SAGEMAKER, sagemaker, headers, body)

    async def handle_scaling(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, Any]
    ) -> HttpResponse:
        return answer_json(SCALING, scaling, headers, body)

    app = importlib.import_module("ministack.app")
    router = importlib.import_module("ministack.core.router")
    patches.item(router.SERVICE_PATTERNS, SAGEMAKER, {"target_prefixes": ["SageMaker."]})
    patches.item(router.SERVICE_PATTERNS, SCALING, {"target_prefixes": ["AnyScaleFrontendService."]})
    patches.item(app.SERVICE_HANDLERS, SAGEMAKER, handle_sagemaker)
    patches.item(app.SERVICE_HANDLERS, SCALING, handle_scaling)


def register_tag_search(patches: Patches, hosting: SageMakerHosting, turns: Turns) -> None:
    """Make `GetResources` of the tagging API find models, endpoint configs and endpoints."""

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        with turns:
            yield from list(hosting.tags.all())

    tagging = importlib.import_module("ministack.services.tagging")
    patches.item(tagging._COLLECTORS, SAGEMAKER, collect)  # noqa: SLF001 - its table of services
    patches.item(tagging._RESOURCE_TAG_COLLECTORS, SAGEMAKER, collect)  # noqa: SLF001 - as above, for conditions
