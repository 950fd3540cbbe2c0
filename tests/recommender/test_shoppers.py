import threading
from dataclasses import replace

import pytest

from examples.recommender.shop.shoppers import Shoppers
from examples.recommender.shop.traffic import Outcome, Request, TrafficLog


class StubSender:
    """Answers with the same outcome, or raises the same error, and remembers who asked."""

    def __init__(self, outcome: Outcome = Outcome.OK, error: Exception | None = None) -> None:
        self.outcome = outcome
        self.error = error
        self.users: list[int] = []
        self.reached = threading.Condition()

    def ask(self, user: int, due: float) -> Request:
        with self.reached:
            self.users.append(user)
            self.reached.notify_all()
        if self.error is not None:
            raise self.error
        return Request(sent_at=due, latency_ms=1.0, outcome=self.outcome)

    def wait_for_requests(self, count: int) -> None:
        with self.reached:
            assert self.reached.wait_for(lambda: len(self.users) >= count, timeout=10)


def test_the_stream_is_steady_and_the_same_for_the_same_seed() -> None:
    sender, log = StubSender(), TrafficLog()
    shoppers = Shoppers(sender, users=3, log=log, requests_per_second=200, at_most_seconds=0.25, seed=3)
    with shoppers:
        shoppers.wait()
    sent = [request.sent_at for request in log.all()]
    assert len(sent) == 50
    assert set(sender.users) == {0, 1, 2}
    assert sent[-1] - sent[0] == pytest.approx(49 / 200)
    again = StubSender()
    with Shoppers(
        again,
        users=3,
        log=TrafficLog(),
        requests_per_second=200,
        at_most_seconds=0.25,
        seed=3,
    ) as repeated:
        repeated.wait()
    assert sorted(sender.users) == sorted(again.users)


def test_a_shop_without_users_is_refused() -> None:
    with pytest.raises(ValueError, match="users must be at least 1, got 0"):
        Shoppers(StubSender(), users=0, log=TrafficLog())


def test_a_failing_service_is_asked_once_per_request() -> None:
    sender, log = StubSender(Outcome.UNANSWERED), TrafficLog()
    with Shoppers(sender, users=100, log=log, requests_per_second=500):
        sender.wait_for_requests(20)
    assert len(sender.users) == len(log.all())
    assert {request.outcome for request in log.all()} == {Outcome.UNANSWERED}


def test_a_defect_of_the_stream_itself_is_raised_at_the_end() -> None:
    sender = StubSender(error=TypeError("a defect"))
    shoppers = Shoppers(sender, users=100, log=TrafficLog(), requests_per_second=500)
    shoppers.start()
    sender.wait_for_requests(1)
    with pytest.raises(TypeError, match="a defect"):
        shoppers.stop()


def test_shoppers_make_something_of_each_answer_and_the_same_with_the_same_seed() -> None:
    def clicks() -> list[bool]:
        def look(user: int, request: Request, luck: float) -> Request:
            return replace(request, clicked=luck < 0.3, version=str(user))

        log = TrafficLog()
        with Shoppers(
            StubSender(), users=100, log=log, look=look, requests_per_second=400, at_most_seconds=0.25
        ) as shoppers:
            shoppers.wait()
        return [request.clicked for request in log.all()]

    first = clicks()
    assert first == clicks()
    assert 10 < sum(first) < 50
