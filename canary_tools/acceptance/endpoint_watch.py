"""Looks at the endpoint all the while, and keeps what changed."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

QUIET = "InService"


@dataclass(frozen=True, kw_only=True)
class Look:
    """The endpoint at one moment, in seconds since the epoch; `pending`: whether an update is announced."""

    at: float
    status: str
    config_name: str
    pending: bool
    weights: Mapping[str, float]
    desired_weights: Mapping[str, float | None]
    counts: Mapping[str, int]
    desired_counts: Mapping[str, int | None]

    def same_as(self, other: "Look") -> bool:
        """Tell whether nothing but the time differs."""
        return replace(self, at=other.at) == other


class EndpointReader:
    """Describes one endpoint."""

    def __init__(self, sagemaker: Any, endpoint_name: str) -> None:
        self._sagemaker = sagemaker
        self._name = endpoint_name

    def look(self) -> Look:
        """Describe the endpoint.

        Raises:
            ClientError: SageMaker refused, or there is no such endpoint.
        """
        answer = self._sagemaker.describe_endpoint(EndpointName=self._name)
        variants = {variant["VariantName"]: variant for variant in answer.get("ProductionVariants", ())}
        return Look(
            at=time.time(),
            status=answer["EndpointStatus"],
            config_name=answer["EndpointConfigName"],
            pending="PendingDeploymentSummary" in answer,
            weights={name: variant.get("CurrentWeight", 0.0) for name, variant in variants.items()},
            desired_weights={name: variant.get("DesiredWeight") for name, variant in variants.items()},
            counts={name: variant.get("CurrentInstanceCount") or 0 for name, variant in variants.items()},
            desired_counts={name: variant.get("DesiredInstanceCount") for name, variant in variants.items()},
        )


class EndpointWatch:
    """Looks again and again until the context ends; keeps a look when something changed."""

    def __init__(self, look: Callable[[], Look], *, look_again: float) -> None:
        self._look = look
        self._pause = look_again
        self._looks: list[Look] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="endpoint-watch", daemon=True)

    def since(self, moment: float) -> list[Look]:
        """Return what was in force at a moment, and every change after it."""
        looks = list(self._looks)
        before = [look for look in looks if look.at < moment]
        return [*before[-1:], *(look for look in looks if look.at >= moment)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                look = self._look()
            except (ClientError, BotoCoreError):  # before the endpoint exists, after it is gone, and when throttled
                continue
            if not self._looks or not look.same_as(self._looks[-1]):
                self._looks.append(look)
