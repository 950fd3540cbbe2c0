"""A steady stream of recommendation requests that does not slow down when the service does.

``python -m examples.recommender.shop.shoppers ENDPOINT --users 3000 [--rate 30] [--seconds 60]`` shops at an endpoint
of the account and region that the environment names.
"""

import argparse
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import boto3
import numpy as np

from examples.recommender.shop.senders import CONCURRENCY, RuntimeSender, Sender, runtime_client
from examples.recommender.shop.traffic import Request, TrafficLog, grouped, summarise

Look = Callable[[int, Request, float], Request]
"""Adds to a request whether the user clicked, given a draw from 0 to 1."""


class Shoppers:
    """Sends requests at a fixed rate from ``start`` to ``stop``, for at most ``at_most_seconds``.

    There are as many users as ``users`` says, with the IDs 0, 1, 2 and so on; chance decides whose request is next. No
    request is sent twice. A request without an answer is in ``log`` as unanswered. ``look`` adds what shoppers do with
    an answer; left out, nothing.

    Raises:
        ValueError: ``users`` is less than 1.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        users: int,
        log: TrafficLog,
        look: Look | None = None,
        requests_per_second: float = 30.0,
        at_most_seconds: float = 3600.0,
        seed: int = 0,
    ) -> None:
        if users < 1:
            raise ValueError(f"users must be at least 1, got {users}")
        self._sender = sender
        self._users = users
        self._look = look
        self._log = log
        self._interval = 1 / requests_per_second
        self._count = int(at_most_seconds * requests_per_second)
        self._random = np.random.default_rng(seed)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=CONCURRENCY, thread_name_prefix="shopper")
        self._thread = threading.Thread(target=self._send_all, name="shoppers", daemon=True)
        self._defects: list[BaseException] = []

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sending, and wait for the answers under way, at most for the client's time-out.

        Raises:
            Exception: a request raised an error that is not one of the service. Errors of the service are outcomes.

        """
        self._stopping.set()
        self._thread.join()
        self._pool.shutdown(wait=True)
        if self._defects:
            raise self._defects[0]

    def wait(self) -> None:
        """Wait until the last of ``at_most_seconds`` is sent."""
        self._thread.join()

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
            user, luck = int(self._random.integers(self._users)), float(self._random.random())
            self._pool.submit(self._shop, user, due, luck).add_done_callback(self._note_defect)

    def _shop(self, user: int, due: float, luck: float) -> None:
        request = self._sender.ask(user, due)
        self._log.add(request if self._look is None else self._look(user, request, luck))

    def _note_defect(self, request: "Future[None]") -> None:
        error = request.exception()
        if error is not None:
            self._defects.append(error)


def main() -> None:
    """Shop for a while and print the results for each release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint_name")
    parser.add_argument("--users", type=int, required=True, help="how many there are; their IDs begin with 0")
    parser.add_argument("--rate", type=float, default=30.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to shop")
    arguments = parser.parse_args()
    log = TrafficLog()
    shoppers = Shoppers(
        RuntimeSender(runtime_client(boto3.Session()), arguments.endpoint_name),
        users=arguments.users,
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
