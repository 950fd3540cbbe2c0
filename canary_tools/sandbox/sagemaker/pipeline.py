"""One instance of an inference pipeline: several containers, of which each gets the answer of the one before.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from canary_tools.sandbox.sagemaker.worker_process import ModelReply, ModelRequest, StartFailed, WorkerProcess

_OK = 200


class Pipeline:
    """One instance, with a worker process for each container.

    The first container that answers with an error answers for all.
    """

    def __init__(self, stages: Sequence[WorkerProcess]) -> None:
        self._stages = stages
        self._lock = threading.Lock()
        self._open = 0
        self._retired = False

    @property
    def load(self) -> int:
        """Requests that run or wait, in any of the containers."""
        return self._open

    @property
    def ended(self) -> bool:
        """Whether it was told to end and has answered all requests."""
        return self._retired and not self._open

    def start(self) -> None:
        """Start the containers, one after another.

        Raises:
            StartFailed: the code of one of them failed, or took longer than a minute.
        """
        try:
            for stage in self._stages:
                stage.start()
        except StartFailed:
            self.kill()
            raise

    def submit(self, request: ModelRequest) -> "Future[ModelReply]":
        """Accept a request, and answer it when the last container has."""
        reply: Future[ModelReply] = Future()
        with self._lock:
            self._open += 1
        self._hand_on(request, self._stages, reply)
        return reply

    def retire(self) -> None:
        """Answer the accepted requests, then end."""
        with self._lock:
            self._retired = True
        self._end_if_done()

    def kill(self) -> None:
        """End now. Requests that wait are answered as after a broken connection."""
        with self._lock:
            self._retired = True
        for stage in self._stages:
            stage.kill()

    def _hand_on(self, request: ModelRequest, stages: Sequence[WorkerProcess], reply: "Future[ModelReply]") -> None:
        def answered(done: "Future[ModelReply]") -> None:
            result = done.result()
            if result.status == _OK and stages[1:]:
                handed = ModelRequest(body=result.body, content_type=result.content_type, accept=request.accept)
                self._hand_on(handed, stages[1:], reply)
            else:
                self._answer(result, reply)

        stages[0].submit(request).add_done_callback(answered)

    def _answer(self, result: ModelReply, reply: "Future[ModelReply]") -> None:
        with self._lock:
            self._open -= 1
        if reply.set_running_or_notify_cancel():  # the caller may have cancelled it
            reply.set_result(result)
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self.ended:
            for stage in self._stages:
                stage.retire()
