"""Instances as worker processes on this machine."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from canary_tools.aws_models.sagemaker.instances import LaunchOrder, LaunchResult
from canary_tools.sandbox.sagemaker import scikit_learn_image
from canary_tools.sandbox.sagemaker.archives import ArchiveError, Archives
from canary_tools.sandbox.sagemaker.pipeline import Pipeline
from canary_tools.sandbox.sagemaker.worker_process import LocalInstance, WorkerProcess, start_all

_log = logging.getLogger(__name__)


class LocalHost:
    """Launches worker processes that serve model archives.

    Args:
        turn: a lock that is held while the result of a launch is handed over.
        queue_size: how many requests wait in each worker at most.
        timeout_seconds: the time-out of each invocation.
        may_call: tells whether a role (its ARN) may call a function that gives the credentials of a registry.
    """

    def __init__(
        self,
        *,
        archives: Archives,
        turn: AbstractContextManager[object],
        queue_size: int,
        timeout_seconds: float,
        may_call: Callable[[str, str], bool] = lambda _role, _function: True,
    ) -> None:
        self._archives = archives
        self._turn = turn
        self._queue_size = queue_size
        self._timeout_seconds = timeout_seconds
        self._may_call = may_call
        self._lock = threading.Lock()
        self._workers: list[LocalInstance] = []
        self._closed = False

    def launch(self, order: LaunchOrder, settled: Callable[[LaunchResult], None]) -> None:
        """Start the workers in a thread, since loading a model takes time."""

        def run() -> None:
            result = self._launched(order)
            with self._turn:
                settled(result)

        threading.Thread(target=run, name=f"launch-{order.variant_name}", daemon=True).start()

    def close(self) -> None:
        """End every worker."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.kill()

    def _launched(self, order: LaunchOrder) -> LaunchResult:
        unknown = [arn for arn in map(_credentials, order.containers) if arn and not self._may_call(order.role, arn)]
        if unknown:
            return LaunchResult(failure=f"The image could not be pulled: {order.role} may not call {unknown[0]}.")
        try:
            folders = [self._archives.folder_of(container, role=order.role) for container in order.containers]
        except ArchiveError as error:
            return LaunchResult(failure=str(error))
        refused = _refusal(order.containers, folders)
        if refused is not None:
            return _not_started(order, refused)
        workers = [self._instance(order.containers, folders) for _ in range(order.count)]
        if not self._admit(workers):
            return LaunchResult(failure="the sandbox is closing")
        failure = start_all(workers)
        return LaunchResult(instances=workers) if failure is None else _not_started(order, failure)

    def _instance(self, containers: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> LocalInstance:
        stages = [
            WorkerProcess(
                folder,
                environment=container.get("Environment", {}),
                queue_size=self._queue_size,
                timeout_seconds=self._timeout_seconds,
            )
            for container, folder in zip(containers, folders, strict=True)
        ]
        return stages[0] if len(stages) == 1 else Pipeline(stages)

    def _admit(self, workers: list[LocalInstance]) -> bool:
        with self._lock:
            self._workers = [worker for worker in self._workers if not worker.ended] + workers
            return not self._closed


def _credentials(container: Mapping[str, Any]) -> str:
    """Return the function that gives the credentials of a container's registry; empty without one.

    That the model's role calls it is documented; SageMaker's sentence is not. Source:
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html
    """
    config = container.get("ImageConfig", {}).get("RepositoryAuthConfig", {})
    return str(config.get("RepositoryCredentialsProviderArn", ""))


def _refusal(containers: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> str | None:
    refusals = (
        scikit_learn_image.refusal(container.get("Image", ""), container.get("Environment", {}), folder)
        for container, folder in zip(containers, folders, strict=True)
    )
    return next((refused for refused in refusals if refused is not None), None)


def _not_started(order: LaunchOrder, why: str) -> LaunchResult:
    """Return SageMaker's sentence. The reason is in the container's log only, as in AWS."""
    _log.warning("model of %s %s did not start: %s", order.endpoint_name, order.variant_name, why)
    return LaunchResult(
        failure=f"The primary container for production variant {order.variant_name} did not pass the ping "
        "health check. Please check CloudWatch logs for this endpoint."
    )
