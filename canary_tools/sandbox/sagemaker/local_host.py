"""Instances as worker processes on this machine."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from canary_tools.aws_models.sagemaker.instances import LaunchOrder, LaunchResult
from canary_tools.sandbox.sagemaker import scikit_learn_image
from canary_tools.sandbox.sagemaker.archives import ArchiveError, Archives
from canary_tools.sandbox.sagemaker.worker_process import WorkerProcess, start_all

_log = logging.getLogger(__name__)


class LocalHost:
    """Launches worker processes that serve model archives.

    Args:
        turn: a lock that is held while the result of a launch is handed over.
        queue_size: how many requests wait in each worker at most.
        timeout_seconds: the time-out of each invocation.
    """

    def __init__(
        self, *, archives: Archives, turn: AbstractContextManager[object], queue_size: int, timeout_seconds: float
    ) -> None:
        self._archives = archives
        self._turn = turn
        self._queue_size = queue_size
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._workers: list[WorkerProcess] = []
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
        try:
            folder = self._archives.unpack(order.container.get("ModelDataUrl", ""), role=order.role)
        except ArchiveError as error:
            return LaunchResult(failure=str(error))
        environment = order.container.get("Environment", {})
        refused = scikit_learn_image.refusal(order.container.get("Image", ""), environment, folder)
        if refused is not None:
            return _not_started(order, refused)
        workers = [
            WorkerProcess(
                folder,
                environment=environment,
                queue_size=self._queue_size,
                timeout_seconds=self._timeout_seconds,
            )
            for _ in range(order.count)
        ]
        if not self._admit(workers):
            return LaunchResult(failure="the sandbox is closing")
        failure = start_all(workers)
        return LaunchResult(instances=workers) if failure is None else _not_started(order, failure)

    def _admit(self, workers: list[WorkerProcess]) -> bool:
        with self._lock:
            self._workers = [worker for worker in self._workers if not worker.ended] + workers
            return not self._closed


def _not_started(order: LaunchOrder, why: str) -> LaunchResult:
    """Return SageMaker's sentence. The reason is in the container's log only, as in AWS."""
    _log.warning("model of %s %s did not start: %s", order.endpoint_name, order.variant_name, why)
    return LaunchResult(
        failure=f"The primary container for production variant {order.variant_name} did not pass the ping "
        "health check. Please check CloudWatch logs for this endpoint."
    )
