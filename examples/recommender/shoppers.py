"""A steady stream of recommendation requests that does not slow down when the service does.

``python -m examples.recommender.shoppers ENDPOINT [--rate 30] [--seconds 60]`` shops at an endpoint of the
account and region that the environment names.
"""

import argparse
import json
import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import boto3
import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from examples.recommender.data import USERS
from examples.recommender.traffic import Outcome, Request, TrafficLog, grouped, summarise

CONCURRENCY = 64
"""Requests that may be under way at once: at 30 a second, room for answers that take two seconds."""
TIMEOUT_SECONDS = 10.0
"""A shopper who waited that long has left."""
RELEASE_IN_ERROR = re.compile(r"release (\S+) failed")
"""How ``inference.py`` names its release in an error; SageMaker hands the model's message on."""


def runtime_client(session: boto3.Session, endpoint_url: str | None = None) -> Any:  # boto3 is untyped
    """Make a SageMaker runtime client that sends each request once and keeps its connections."""
    return session.client(
        "sagemaker-runtime",
        endpoint_url=endpoint_url,
        config=Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=CONCURRENCY,
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            tcp_keepalive=True,
        ),
    )


class Shoppers:
    """Sends requests at a fixed rate from ``start`` to ``stop``, for ``at_most_seconds`` if nobody stops it.

    Nothing is ever sent twice. Whatever is not an answer ends up in ``log`` as unanswered.
    """

    def __init__(
        self,
        client: Any,  # boto3 is untyped
        *,
        endpoint_name: str,
        log: TrafficLog,
        requests_per_second: float = 30.0,
        at_most_seconds: float = 3600.0,
        seed: int = 0,
    ) -> None:
        self._client = client
        self._endpoint_name = endpoint_name
        self._log = log
        self._interval = 1 / requests_per_second
        self._count = int(at_most_seconds * requests_per_second)
        self._users = np.random.default_rng(seed)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=CONCURRENCY, thread_name_prefix="shopper")
        self._sender = threading.Thread(target=self._send_all, name="shoppers", daemon=True)
        self._defects: list[BaseException] = []

    def start(self) -> None:
        """Begin to send."""
        self._sender.start()

    def stop(self) -> None:
        """Send nothing more and wait for the answers under way, at most the client's time-out.

        Raises:
            Exception: what a request raised beyond the errors of the service, which are outcomes.

        """
        self._stopping.set()
        self._sender.join()
        self._pool.shutdown(wait=True)
        if self._defects:
            raise self._defects[0]

    def wait(self) -> None:
        """Wait until the last of ``at_most_seconds`` is sent."""
        self._sender.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _send_all(self) -> None:
        started = time.time()
        for number in range(self._count):
            due = started + number * self._interval
            if self._stopping.wait(max(0.0, due - time.time())):
                return
            user = int(self._users.integers(USERS))
            self._pool.submit(self._shop, user, due).add_done_callback(self._note_defect)

    def _shop(self, user: int, due: float) -> None:
        self._log.add(ask(self._client, self._endpoint_name, user, due))

    def _note_defect(self, request: "Future[None]") -> None:
        error = request.exception()
        if error is not None:
            self._defects.append(error)


def ask(client: Any, endpoint_name: str, user: int, due: float) -> Request:  # boto3 is untyped
    """Send one request and record how it ended; ``due`` is when it should have been sent."""
    try:
        response = client.invoke_endpoint(
            EndpointName=endpoint_name,
            ContentType="application/json",
            Body=json.dumps({"user": user}).encode(),
        )
        answer = json.loads(response["Body"].read())
    except ClientError as error:
        return _refused(error, due)
    except BotoCoreError as error:
        return Request(sent_at=due, latency_ms=_elapsed_ms(due), outcome=Outcome.UNANSWERED, reason=str(error))
    return Request(
        sent_at=due,
        latency_ms=_elapsed_ms(due),
        outcome=Outcome.OK,
        variant=response["InvokedProductionVariant"],
        version=answer["model"],
    )


def _refused(error: ClientError, due: float) -> Request:
    """Tell a failing model (code ModelError) from a failing service.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    answered = error.response["Error"]["Code"] == "ModelError"
    headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    named = RELEASE_IN_ERROR.search(error.response.get("OriginalMessage", ""))
    return Request(
        sent_at=due,
        latency_ms=_elapsed_ms(due),
        outcome=Outcome.MODEL_ERROR if answered else Outcome.UNANSWERED,
        variant=headers.get("x-amzn-invoked-production-variant"),
        version=named[1] if named else None,
        reason=str(error),
    )


def _elapsed_ms(due: float) -> float:
    return 1000 * (time.time() - due)


def main() -> None:
    """Shop for a while and print what came of it, per release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint_name")
    parser.add_argument("--rate", type=float, default=30.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to shop")
    arguments = parser.parse_args()
    log = TrafficLog()
    shoppers = Shoppers(
        runtime_client(boto3.Session()),
        endpoint_name=arguments.endpoint_name,
        log=log,
        requests_per_second=arguments.rate,
        at_most_seconds=arguments.seconds,
    )
    with shoppers:
        shoppers.wait()
    for version, requests in sorted(grouped(log.all(), lambda request: request.version or "none").items()):
        print(f"{version:>8}  {summarise(requests)}")


if __name__ == "__main__":
    main()
