"""A stream of requests to the endpoint, and what came of each."""

import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_AT_ONCE = 16
_TIMEOUT_SECONDS = 20
_VARIANT_HEADER = "x-amzn-invoked-production-variant"


class Outcome(Enum):
    """What came of a request: the model answered, the model failed, or nobody answered."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request; `sent_at` is in seconds since the epoch. `version`: of the release that answered."""

    sent_at: float
    outcome: Outcome
    variant: str = ""
    version: str = ""
    reason: str = ""


def visiting_client(make_client: Callable[..., Any]) -> Any:
    """Return a client that sends each request once, so that a failure is seen, and each on a connection of its own.

    A connection that is used again may have been closed while it was idle, and such a request would look lost.
    """
    config = Config(retries={"total_max_attempts": 1}, read_timeout=_TIMEOUT_SECONDS, max_pool_connections=_AT_ONCE)
    client = make_client("sagemaker-runtime", config=config)
    client.meta.events.register("before-send.sagemaker-runtime.InvokeEndpoint", _on_its_own_connection)
    return client


def _on_its_own_connection(request: Any, **_: Any) -> None:
    request.headers["Connection"] = "close"


def visit(runtime: Any, endpoint_name: str, kind: str = "visit", **routing: str) -> Visit:
    """Send one request and say what came of it."""
    sent_at = time.time()
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name, ContentType="application/json", Body=json.dumps({"kind": kind}), **routing
        )
        version = json.loads(answer["Body"].read())["version"]
    except ClientError as error:
        return _refused(error, sent_at)
    except BotoCoreError as error:
        return Visit(sent_at=sent_at, outcome=Outcome.UNANSWERED, reason=str(error))
    return Visit(sent_at=sent_at, outcome=Outcome.ANSWERED, variant=answer["InvokedProductionVariant"], version=version)


def _refused(error: ClientError, sent_at: float) -> Visit:
    by_model = error.response["Error"]["Code"] == "ModelError"
    headers = error.response["ResponseMetadata"].get("HTTPHeaders", {})
    return Visit(
        sent_at=sent_at,
        outcome=Outcome.FAILED if by_model else Outcome.UNANSWERED,
        variant=headers.get(_VARIANT_HEADER, ""),
        reason=str(error),
    )


class Visitors:
    """Sends requests at a steady rate from `start` until the context ends; any thread may read."""

    def __init__(self, send: Callable[[], Visit], *, per_second: float) -> None:
        self._send = send
        self._pause = 1 / per_second
        self._visits: list[Visit] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visitors", daemon=True)

    def start(self) -> None:
        """Begin; a second call does nothing."""
        if not self._thread.is_alive() and not self._stopping.is_set():
            self._thread.start()

    def since(self, moment: float) -> list[Visit]:
        """Return the visits that were sent since a moment."""
        return [visit for visit in list(self._visits) if visit.sent_at >= moment]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more, and wait for the answers that are under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="visitor") as pool:
            for number in itertools.count(1):
                if self._stopping.wait(max(0.0, began + number * self._pause - time.monotonic())):
                    return
                pool.submit(lambda: self._visits.append(self._send()))
