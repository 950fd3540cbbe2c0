"""One instance: a worker process, its bounded queue, and the thread that serves the queue."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from canary_tools.sandbox.sagemaker import worker

_START_SECONDS = 60.0
_END_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """A request to the container."""

    body: bytes
    content_type: str
    accept: str


@dataclass(frozen=True, kw_only=True)
class ModelReply:
    """The answer of the container. Status 0 means that there is none; the body says why."""

    status: int
    body: bytes
    content_type: str = "text/plain"


TIMED_OUT = ModelReply(
    status=0,
    body=b"Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
    b"for each container in Amazon CloudWatch, resolve the issue, and try again.",
)
BROKEN = ModelReply(status=0, body=b"The connection to the model container was closed before it answered.")
OVERLOADED = ModelReply(status=503, body=b"The model container's queue is full.")


class StartFailed(Exception):
    """The worker could not start. The text says why."""


@dataclass
class _Job:
    request: ModelRequest
    deadline: float
    reply: "Future[ModelReply]" = field(default_factory=Future)


class WorkerProcess:
    """One instance. It serves one request at a time, and keeps up to `queue_size` more waiting.

    Args:
        model_folder: the unpacked model archive.
        environment: the container's `Environment`.
        queue_size: how many requests wait at most. Further ones are answered with 503 at once.
        timeout_seconds: from acceptance of a request until its reply. SageMaker's limit is 60.
    """

    def __init__(
        self, model_folder: Path, *, environment: Mapping[str, str], queue_size: int, timeout_seconds: float
    ) -> None:
        self._model_folder = model_folder
        self._environment = environment
        self._queue_size = queue_size
        self._timeout = timeout_seconds
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._running = False
        self._retired = False
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    @property
    def load(self) -> int:
        """Requests that run or wait."""
        return len(self._waiting) + self._running

    @property
    def ended(self) -> bool:
        """Whether it was told to end and has answered all requests."""
        return self._retired and not self.load

    def start(self) -> None:
        """Start the process and wait until its model is loaded.

        Raises:
            StartFailed: the model's code failed, or took longer than a minute.
        """
        self._spawn()
        if self._retired:  # killed meanwhile
            self._stop_process()
            raise StartFailed("the instance was ended while it started")
        threading.Thread(target=self._serve, name="instance", daemon=True).start()

    def submit(self, request: ModelRequest) -> "Future[ModelReply]":
        """Accept a request, or answer at once that the queue is full."""
        job = _Job(request, time.monotonic() + self._timeout)
        with self._changed:
            if self._running + len(self._waiting) > self._queue_size:
                job.reply.set_result(OVERLOADED)
            else:
                self._waiting.append(job)
                self._changed.notify()
        return job.reply

    def retire(self) -> None:
        """Answer the accepted requests, then end."""
        with self._changed:
            self._retired = True
            self._changed.notify()

    def kill(self) -> None:
        """End now. Waiting requests are answered as after a broken connection."""
        with self._changed:
            self._retired = True
            jobs = list(self._waiting)
            self._waiting.clear()
            self._changed.notify()
        self._stop_process()
        for job in jobs:
            if job.reply.set_running_or_notify_cancel():
                job.reply.set_result(BROKEN)

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            reply = self._run(job)
            with self._changed:
                self._running = False
            job.reply.set_result(reply)
        self._stop_process()

    def _next(self) -> _Job | None:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._retired)
                if not self._waiting:
                    return None
                job = self._waiting.popleft()
                if job.reply.set_running_or_notify_cancel():  # the caller may have cancelled it
                    self._running = True
                    return job

    def _run(self, job: _Job) -> ModelReply:
        remaining = job.deadline - time.monotonic()
        if remaining <= 0:
            return TIMED_OUT
        try:
            return self._exchange(job.request, remaining)
        except TimeoutError:
            self._respawn()
            return TIMED_OUT
        except (OSError, StartFailed):
            self._respawn()
            return BROKEN

    def _exchange(self, request: ModelRequest, seconds: float) -> ModelReply:
        if self._channel is None:
            raise ConnectionError("the worker is not running")
        self._channel.settimeout(seconds)
        worker.send(self._channel, {"content_type": request.content_type, "accept": request.accept}, request.body)
        frame = worker.receive(self._channel)
        if frame is None:
            raise ConnectionError("the worker ended")
        fields, body = frame
        return ModelReply(status=fields["status"], body=body, content_type=fields["content_type"])

    def _respawn(self) -> None:
        self._stop_process()
        if self._retired:
            return
        try:
            self._spawn()
        except StartFailed:
            self._stop_process()

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, on a model that the user deployed
                [sys.executable, "-P", worker.__file__, str(theirs.fileno()), str(self._model_folder)],
                env=_container_environment(self._model_folder, self._environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._channel = ours
        ours.settimeout(_START_SECONDS)
        try:
            frame = worker.receive(ours)
        except OSError as error:
            frame = ({"ready": False, "error": str(error)}, b"")
        if frame is None or not frame[0]["ready"]:
            self._stop_process()
            raise StartFailed(frame[0]["error"] if frame is not None else "the worker ended while it started")

    def _stop_process(self) -> None:
        channel, self._channel = self._channel, None
        process, self._process = self._process, None
        if channel is not None:
            channel.close()
        if process is not None:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _container_environment(model_folder: Path, declared: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a container: the `PATH` of this process, and one thread for linear algebra."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "SM_MODEL_DIR": str(model_folder),
        **declared,
    }


class LocalInstance(Protocol):
    """One instance on this machine."""

    @property
    def load(self) -> int:
        """Requests that run or wait."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it was told to end and has answered all requests."""
        ...

    def start(self) -> None:
        """Start, and wait until the model is loaded."""
        ...

    def submit(self, request: ModelRequest) -> "Future[ModelReply]":
        """Accept a request."""
        ...

    def retire(self) -> None:
        """Answer the accepted requests, then end."""
        ...

    def kill(self) -> None:
        """End now."""
        ...


def start_all(workers: Sequence[LocalInstance]) -> str | None:
    """Start all workers at the same time. If one fails, end all of them and return the reason."""
    failures: list[str] = []

    def start(each: LocalInstance) -> None:
        try:
            each.start()
        except StartFailed as failure:
            failures.append(str(failure))

    threads = [threading.Thread(target=start, args=(each,), name="instance-start") for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        for each in workers:
            each.kill()
    return failures[0] if failures else None
