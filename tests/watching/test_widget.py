"""The dashboard's widget shows what runs, and its buttons write what the command writes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from rollout.handlers import show_rollout
from rollout.watching.evidence import GateView
from rollout.watching.orders import BUTTONS, buttons, fitting
from rollout.watching.page import document, fragment, message
from rollout.watching.view import AlarmView, EndedView, RolloutView, SlotView, StageView, StatusView, StepView

from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE
from tests.lambdas.fakes.settings import STATE_MACHINE, A, B
from tests.watching.looks import HELD_BACK, ORDERS, PARAMETERS, REQUEST_ID, Dashboard, dashboard, orders_in

HOSTILE = [
    "<script>window.ran=1</script>", "\"><img src=x onerror='window.ran=1'>", "</style><script>window.ran=1</script>",
    "</cwdb-action><cwdb-action action='call' endpoint='arn:evil'>{}</cwdb-action>", "javascript:window.ran=1",
    "' onmouseover='window.ran=1", "{}&amp;&lt;", "`<b>`",
]  # fmt: skip


@pytest.fixture
def board() -> Iterator[Dashboard]:
    with dashboard() as found:
        yield found


class Elements(HTMLParser):
    """What a browser would make of HTML: every element with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(sorted(attributes))) for tag, attributes in self.found]


def view(said: str) -> StatusView:
    """Return a look in which every string is this."""
    gate = GateView(
        name=said, verdict=said, sentence=said, evidence=2.0, rolls_back_at=100.0, filled=0.2, proof=1.0,
        passes_at=20.0, proven=0.0,
    )  # fmt: skip
    step = StepView(
        number=1, of=2, title=said, share_percent=10, baked_seconds=0, bake_seconds=60, at_most_seconds=60, requests=1,
        min_requests=50, instances=1, instances_needed=1, metrics_late_seconds=None,
    )  # fmt: skip
    rollout = RolloutView(
        execution=said, version=said, outcome="RUNNING", reason=said, state=said, started_at=said, ended_at="",
        promoted_at="", halted="", paused=said, awaits=said, approved="", question=said, leaves="", outside=said,
        step=step,
        course=[StageView(title=said, state="now", asks=True)], gates=[gate],
    )  # fmt: skip
    slot = SlotView(
        name=said, role=said, version=said, weight_percent=10, observed_percent=9, requests=5, instances=1,
        desired_instances=2,
    )  # fmt: skip
    ended = EndedView(
        execution=said, version=said, outcome=said, reason=said, started_at=said, ended_at=said, shares=[10, 50]
    )
    return StatusView(
        endpoint=said, stack=said, region=said, at=said, status=said, held_by=said, declared=said, slots=[slot],
        rollout=rollout, alarms=[AlarmView(name=said, of=said, state=said)], way_back="", history=[ended], summary=said,
    )  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_no_string_becomes_an_element_or_an_attribute(said: str) -> None:
    """Names of releases, reasons, alarms: anybody's words."""
    harmless, hostile = view("x"), view(said)
    for look in (
        hostile,
        replace(hostile, rollout=replace(hostile.rollout, outcome="ROLLED_BACK")),  # type: ignore[arg-type]
        replace(hostile, rollout=replace(hostile.rollout, outcome="PROMOTED"), way_back=said),  # type: ignore[arg-type]
    ):
        ended = replace(harmless.rollout, outcome=look.rollout.outcome)  # type: ignore[union-attr,arg-type]
        like = replace(harmless, rollout=ended, way_back="x" if look.way_back else "")
        found = Elements(fragment(look, theme=said, orders=buttons(look, said, said)))
        expected = Elements(fragment(like, theme="light", orders=buttons(like, "arn", "arn")))
        assert [shape for shape in found.shape() if shape[0] != "code"] == expected.shape()
    assert Elements(document(hostile)).shape()[0][0] == "html"
    assert [tag for tag, _ in Elements(message(said, theme=said, tone="bad")).found] == ["style", "div", "p", "span"]
    assert Elements(message(said, theme="dark", tone="bad")).text.endswith(said)


def test_what_a_button_sends_survives_hostile_names() -> None:
    sent = orders_in(buttons(view("</cwdb-action>\"'"), ORDERS, STATE_MACHINE))
    assert sent["approve"] == {
        "endpoint": "</cwdb-action>\"'", "execution": "</cwdb-action>\"'", "step": 0, "order": "approve",
        "question": "</cwdb-action>\"'",
    }  # fmt: skip


def test_there_is_nothing_that_cloudwatch_removes_or_loads(board: Dashboard) -> None:
    """Scripts, frames and `use` are taken out. Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_security.html"""
    board.held()
    shown = Elements(board.show())
    assert not {tag for tag, _ in shown.found} & {"script", "iframe", "use", "link", "img", "form", "object"}
    assert not [name for _, attributes in shown.found for name in attributes if name.startswith("on") or name == "src"]
    assert "url(" not in board.show()
    assert "@import" not in board.show()
    assert sum("cwdb-no-default-styles" in (attributes.get("class") or "") for _, attributes in shown.found) == 1


def test_cloudwatch_is_told_what_the_widget_is() -> None:
    told = show_rollout.handler({"describe": True}, None)  # type: ignore[typeddict-item]
    assert isinstance(told, dict)
    for name in PARAMETERS:
        assert f"\n{name}: " in told["markdown"]


def test_a_rollout_shows_its_steps_weights_and_evidence(board: Dashboard) -> None:
    board.running()
    text = Elements(board.show()).text
    for said in ("v2 is in step 1 of 3 (10 %)", "weight 10 %", "observed 10.0 %", "rolls back at 1 in 100", "to come"):
        assert said in text
    assert set(orders_in(board.show())) == {"pause", "abort"}


def test_the_last_releases_say_why_each_ended(board: Dashboard) -> None:
    board.promoted("v2")
    board.rolled_back("v3")
    text = Elements(board.show()).text
    assert "requests failed" in text
    assert "every step passed" in text
    assert text.rindex("v2promoted") > text.rindex("v3rolled back")
    assert orders_in(board.show()) == {}


def test_an_approval_goes_into_the_ledger_with_what_is_known_of_who_gave_it(board: Dashboard) -> None:
    execution = board.held()
    said = board.press(orders_in(board.show())["approve"], "  Ann:\n the numbers\tare fine ")
    assert "Approved." in said
    lock = board.shop.ledger.lock()
    assert lock is not None
    assert lock.approved is not None
    assert lock.approved_step == 1
    assert lock.approved.who == f"dashboard shop-us-east-1 (Lambda request {REQUEST_ID})"
    assert lock.approved.why == "Ann: the numbers are fine"
    board.shop.run(execution)
    assert board.shop.outcome(execution)[0] == "PROMOTED"


def test_an_abort_takes_the_traffic_and_its_reason_stands_in_the_ledger(board: Dashboard) -> None:
    execution = board.running()
    board.press(orders_in(board.show())["abort"], "wrong prices")
    board.shop.tell_of_order()
    board.shop.restore(execution.name)
    assert board.shop.outcome(execution) == (
        "NOT_JUDGED", f"aborted by dashboard shop-us-east-1 (Lambda request {REQUEST_ID}): wrong prices",
    )  # fmt: skip
    assert board.shop.unsafe() == []


@pytest.mark.parametrize(
    ("order", "error", "outcome", "serves"),
    [("rollback", "RolledBackByHand", "ROLLED_BACK", A), ("keep", "Halted", "PROMOTED", B)],
)
def test_a_hold_back_ends_one_way_or_the_other(order: str, error: str, outcome: str, serves: str) -> None:
    with dashboard(HELD_BACK) as board:
        execution = board.shop.begin("v2", "Evaluate", index=1)
        shown = board.show()
        assert set(orders_in(shown)) == {"keep", "rollback"}
        board.press(orders_in(shown)[order], "Ann: enough seen")
        lock = board.shop.ledger.lock()
        assert lock is not None
        assert lock.halted_by == error
        board.shop.tell_of_order()
        board.shop.run(execution)
        board.shop.restore(execution.name)
        assert board.shop.outcome(execution)[0] == outcome
        assert board.shop.weights()[serves] == 100
        assert board.shop.unsafe() == []


def test_a_paused_rollout_can_be_resumed(board: Dashboard) -> None:
    board.running()
    board.press(orders_in(board.show())["pause"])
    paused = board.show()
    assert set(orders_in(paused)) == {"resume", "abort"}
    assert "Resumed." in board.press(orders_in(paused)["resume"])
    assert set(orders_in(board.show())) == {"pause", "abort"}


@pytest.mark.parametrize("order", [name for name, button in BUTTONS.items() if button.request is not None])
def test_a_button_of_an_old_page_changes_nothing(board: Dashboard, order: str) -> None:
    """Somebody looks at a dashboard that is an hour old; another release rolls out by now."""
    board.rolled_back("v2")
    execution = board.held("v3")
    before = board.shop.ledger.lock()
    old = {"order": order, "endpoint": "shop", "execution": "v2-1", "step": 1, "question": "approval"}
    assert "does not fit the rollout any more" in board.press(old)
    assert board.shop.ledger.lock() == before
    wrong_step = {**old, "execution": execution.name, "step": 2}
    if order in {"approve", "reject"}:
        assert "does not fit the rollout any more" in board.press(wrong_step)
        assert board.shop.ledger.lock() == before


def test_a_yes_of_a_page_that_asked_something_else_changes_nothing(board: Dashboard) -> None:
    """The page showed that the step has passed. By now its time is over without a decision."""
    execution = board.held()
    approve = orders_in(board.show())["approve"]
    assert approve["question"] == "approval"
    board.shop.ledger.await_approval(execution.name, 1, board.shop.aws.clock.now() + 3600, what="decision")
    assert "does not fit the rollout any more" in board.press(approve)
    assert "Approved." in board.press(orders_in(board.show())["approve"])


def test_a_write_whose_answer_is_lost_is_not_called_done(board: Dashboard) -> None:
    board.held()
    approve = orders_in(board.show())["approve"]
    board.shop.aws.fail("UpdateItem", UNAVAILABLE)
    assert "It is not known whether that was written" in board.press(approve)


@pytest.mark.parametrize("operation", ["GetItem", "DescribeEndpoint", "DescribeAlarms"])
def test_while_aws_does_not_answer_the_widget_says_so(board: Dashboard, operation: str) -> None:
    board.shop.aws.fail(operation, THROTTLED, times=9)
    assert "look again in a minute" in board.show()


def test_without_a_function_for_orders_there_are_no_buttons(board: Dashboard) -> None:
    board.held()
    assert "cwdb-action action" not in board.show(orders="")


def test_every_button_asks_first_and_says_which_release(board: Dashboard) -> None:
    board.held()
    asked = [attributes["confirmation"] for tag, attributes in Elements(board.show()).found if tag == "cwdb-action"]
    assert len(asked) == 4
    assert all(sentence is not None and "?" in sentence for sentence in asked)
    assert all("{" not in (sentence or "{") for sentence in asked)


def test_no_button_fits_a_rollout_that_loses_its_traffic() -> None:
    look = view("x")
    assert look.rollout is not None
    assert fitting(look) == ["approve", "reject", "resume", "abort"]
    assert fitting(replace(look, rollout=replace(look.rollout, halted="seen enough"))) == []
    assert fitting(replace(look, rollout=replace(look.rollout, leaves="v2"))) == ["abort"]
    assert fitting(replace(look, rollout=replace(look.rollout, awaits="", paused=""))) == ["pause", "abort"]
    held_back = replace(look.rollout, awaits="", paused="", promoted_at="2026-11-22T08:00:00Z")
    assert fitting(replace(look, rollout=held_back)) == ["keep", "rollback"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_the_colours_of_its_dashboard(board: Dashboard, theme: str) -> None:
    assert re.search(rf'class="canary cwdb-no-default-styles {theme}"', board.show(theme))


def test_a_page_says_what_a_widget_says() -> None:
    look: Any = view("x")
    assert fragment(look, theme="auto") in document(look)


def test_a_step_that_was_approved_asks_nobody_before_the_next_look(board: Dashboard) -> None:
    board.held()
    board.press(orders_in(board.show())["approve"], "Ann: the numbers are fine")
    shown = Elements(board.show())
    assert "goes on at its next look: approved is step 2" in shown.text
    assert "needs approval" not in shown.text
    assert list(orders_in(board.show())) == ["pause", "abort"]


def test_abort_on_a_page_of_before_the_promotion_gives_the_release_no_more_traffic() -> None:
    with dashboard(hold_back=HELD_BACK) as found:
        shop, execution = found.shop, found.running()
        old = orders_in(found.show())
        shop.run(execution, "Evaluate", index=1)
        before = shop.weights()
        said = found.press(old["abort"], "Ann: customers complain, take it back")
        assert "Nothing was changed" in said
        shop.tell_of_order()
        assert shop.weights() == before


def test_an_order_whose_answer_was_lost_is_not_called_nothing(board: Dashboard) -> None:
    """The client sends it again, and the condition of the repetition fails at its own first write."""
    board.running()
    old = orders_in(board.show())
    board.operated.aws.send_twice("UpdateItem")
    for name in ("pause", "abort"):
        assert "Nothing was changed" not in board.press(old[name], "Ann")
    lock = board.shop.ledger.lock()
    assert lock is not None
    assert lock.paused is not None
    assert lock.halted.startswith("aborted by dashboard shop-us-east-1")
