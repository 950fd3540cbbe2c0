"""Looks at rollouts of the fake AWS, as a dashboard shows them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

from rollout.handlers import show_rollout, take_order

from tests.cli.fake import Operated
from tests.lambdas.fakes import boto_clients
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, STATE_MACHINE, step
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID

ORDERS = "arn:aws:lambda:us-east-1:000000000000:function:shop-TakeOrder"
PARAMETERS = {"endpoint": ENDPOINT, "state_machine": STATE_MACHINE, "stack": STACK_ID, "orders": ORDERS}
HOUR = 3600
STEPS = (step(10), step(50, approval_seconds=8 * HOUR), step(100))
HELD_BACK = {"percent": 2, "duration_seconds": 2 * HOUR, "interval_seconds": 60}
REQUEST_ID = "8a1f0c2e"


@dataclass(frozen=True)
class Context:
    """The context of one invocation of Lambda."""

    aws_request_id: str = REQUEST_ID


@contextmanager
def dashboard(hold_back: dict[str, int] | None = None) -> Iterator["Dashboard"]:
    """Return the dashboard of an endpoint on which v1 serves, and whose second step asks for approval.

    With a `hold_back` it has one step of 100 %.
    """
    with connected() as aws:
        shop = Shop(aws, steps=STEPS if hold_back is None else (step(100),))
        shop.plan |= {} if hold_back is None else {"hold_back": hold_back}
        shop.serve_first()
        yield Dashboard(shop)


class Dashboard:
    """The widget of one endpoint, and who presses its buttons."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.operated = Operated(shop)

    def show(self, theme: str = "light", **changes: Any) -> str:
        """Return what the widget shows."""
        event: Any = {**PARAMETERS, "widgetContext": {"theme": theme}, **changes}
        boto_clients.connect(self.operated)
        try:
            shown = show_rollout.handler(event, None)
        finally:
            boto_clients.connect(self.operated.aws)
        assert isinstance(shown, str)
        return shown

    def press(self, order: dict[str, Any], why: str = "") -> str:
        """Press a button; return what the pop-up says."""
        context = {"theme": "light", "dashboardName": "shop-us-east-1", "forms": {"all": {"why": why}}}
        pressed: Any = {**order, "widgetContext": context}
        return take_order.handler(pressed, Context())

    def running(self, version: str = "v2") -> Execution:
        """Let a release be in its first step."""
        execution = self.shop.begin(version, "Evaluate", index=0)
        for _ in range(3):
            self.shop.serve()
            execution.advance()
        return execution

    def held(self, version: str = "v2") -> Execution:
        """Let a release wait for approval."""
        execution = self.shop.begin(version, "Evaluate", index=1)
        for _ in range(100):
            lock = self.shop.ledger.lock()
            if lock is not None and lock.awaits is not None:
                return execution
            self.shop.serve()
            execution.advance()
        raise AssertionError(execution.failure)

    def promoted(self, version: str) -> None:
        """Let a release be promoted, with the approval that it needs."""
        execution = self.held(version)
        self.press(orders_in(self.show())["approve"], "Ann: the numbers are fine")
        self.shop.run(execution)
        self.shop.see_it_land()

    def rolled_back(self, version: str = "v2") -> None:
        """Let a release fail its requests."""
        execution = self.shop.begin(version, "Evaluate", index=0)
        lock = self.shop.ledger.lock()
        assert lock is not None
        self.shop.failure_rates[lock.canary] = 0.2
        self.shop.run(execution)
        self.shop.failure_rates[lock.canary] = 0.0
        self.shop.see_it_land()


def orders_in(html: str) -> dict[str, dict[str, Any]]:
    """Return what each button sends, by its order."""
    sent = [json.loads(unescape(text)) for text in re.findall(r"<cwdb-action [^>]*>(.*?)</cwdb-action>", html)]
    return {each["order"]: each for each in sent}
