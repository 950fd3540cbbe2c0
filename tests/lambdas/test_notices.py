"""Every change of a rollout is told once, in an event that fits the published schema."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import ValidationError
from jsonschema.validators import Draft202012Validator
from rollout.announcement import MAX_SUBJECT, announcement
from rollout.clock import iso
from rollout.contract import operator
from rollout.contract.notice import Happened, Notice
from rollout.contract.order import Order
from rollout.handlers import announce

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.event_schema import SCHEMA, check
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import A, B, step
from tests.lambdas.fakes.shop import Shop

WHO = "arn:aws:sts::123456789012:assumed-role/on-call/ann"
HOUR = 3600
DETAIL = {
    "schema": 1, "id": "shop/v2-1/Promoted", "at": "2026-11-29T20:55:00Z", "endpoint": "shop", "version": "v2",
    "execution": "v2-1", "reason": "every step passed",
}  # fmt: skip


class HandlerDied(Exception):
    """The process ends."""


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint whose second step asks for approval."""
    found = Shop(aws, steps=(step(10), step(50, approval_seconds=2 * HOUR), step(100)))
    found.serve_first()
    return found


def order(aws: Aws) -> Order:
    return Order(who=WHO, at=iso(aws.clock.now()), why="looks fine")


def told(aws: Aws, happened: Happened) -> list[dict[str, Any]]:
    return [detail for kind, detail in aws.events.told() if kind == happened.detail_type]


def until(shop: Shop, execution: Execution, seen: Callable[[], object]) -> None:
    for _ in range(1000):
        if seen():
            return
        shop.serve()
        execution.advance()
    raise AssertionError(execution.failure)


def awaits(shop: Shop) -> bool:
    lock = shop.ledger.lock()
    return lock is not None and lock.awaits is not None


def test_the_whole_course_is_told_in_its_order_and_each_thing_once(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=0)
    assert shop.ask(operator.pause(execution.name, order(aws)))
    until(shop, execution, lambda: told(aws, Happened.HELD))
    for _ in range(3):
        execution.repeat()
        execution.advance()
    assert shop.ask(operator.resume(execution.name, order(aws)))
    until(shop, execution, lambda: awaits(shop))
    execution.repeat()
    assert shop.ask(operator.approve(execution.name, 1, order(aws), what="approval"))
    shop.run(execution)
    assert [kind.removeprefix("Canary Rollout ") for kind, _ in aws.events.told()] == [
        "Started", "Step", "Held", "Resumed", "Step", "Needs Approval", "Resumed", "Step", "Promoted",
    ]  # fmt: skip
    assert len({detail["id"] for _, detail in aws.events.told()}) == 9
    assert [detail["reason"] for detail in told(aws, Happened.RESUMED)] == [
        "resumed by ann: looks fine", "approved by ann: looks fine",
    ]  # fmt: skip
    assert {detail["who"] for detail in told(aws, Happened.RESUMED)} == {WHO}
    assert [(detail["step"], detail["percent"]) for detail in told(aws, Happened.STEP)] == [(1, 10), (2, 50), (3, 100)]


def test_a_handler_that_dies_before_its_event_tells_it_when_it_is_repeated(aws: Aws, shop: Shop) -> None:
    """The ledger has the wait for approval already. The state machine calls the task again."""
    execution = shop.begin("v2", "Evaluate", index=1)
    aws.fail("PutEvents", HandlerDied("no memory"))
    until(shop, execution, lambda: awaits(shop))
    assert [type(error) for error in execution.errors] == [HandlerDied]
    until(shop, execution, lambda: told(aws, Happened.NEEDS_APPROVAL))
    execution.repeat()
    (detail,) = told(aws, Happened.NEEDS_APPROVAL)
    assert (detail["step"], detail["title"]) == (2, "50 %")


def test_a_handler_that_dies_after_its_event_tells_it_again_under_the_same_id(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    aws.fail("UpdateItem", HandlerDied("no memory"), when=lambda call: "told" in call["UpdateExpression"])
    until(shop, execution, lambda: len(told(aws, Happened.NEEDS_APPROVAL)) == 2)
    assert len({detail["id"] for detail in told(aws, Happened.NEEDS_APPROVAL)}) == 1
    execution.repeat()
    assert len(told(aws, Happened.NEEDS_APPROVAL)) == 2


def test_a_wait_that_eventbridge_did_not_take_is_told_by_the_next_look(aws: Aws, shop: Shop) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    aws.fail("PutEvents", UNAVAILABLE, times=3)
    until(shop, execution, lambda: awaits(shop))
    assert told(aws, Happened.NEEDS_APPROVAL) == []
    until(shop, execution, lambda: told(aws, Happened.NEEDS_APPROVAL))
    assert execution.errors == []


@pytest.mark.parametrize(("task", "happened"), [("Prepare", Happened.STARTED), ("ShiftTraffic", Happened.STEP)])
def test_a_task_that_is_repeated_tells_once_what_it_did(aws: Aws, shop: Shop, task: str, happened: Happened) -> None:
    execution = shop.begin("v2", task, index=0)
    for _ in range(20):
        if told(aws, happened):
            break
        execution.repeat()
        aws.wait(10)
    execution.repeat()
    assert len(told(aws, happened)) == 1


def test_every_kind_of_event_has_a_schema_without_surprises() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    kinds = SCHEMA["properties"]["detail-type"]["enum"]
    assert kinds == [each.detail_type for each in Happened]
    assert [part["if"]["properties"]["detail-type"]["const"] for part in SCHEMA["allOf"]] == kinds
    for name, detail in SCHEMA["$defs"].items():
        assert detail["additionalProperties"] is False, name
        assert detail["required"] == list(detail["properties"]), name
        assert all("description" in each for each in detail["properties"].values()), name


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""}, {"schema": 2}, {"at": "yesterday"}, {"endpoint": ""}, {"surprise": 1}, {"execution": None},
    ],
)  # fmt: skip
def test_an_event_that_does_not_fit_is_refused(wrong: dict[str, object]) -> None:
    check("canary-construct", Happened.PROMOTED.detail_type, DETAIL)
    with pytest.raises(ValidationError):
        check("canary-construct", Happened.PROMOTED.detail_type, {**DETAIL, **wrong})


@pytest.mark.parametrize("field", DETAIL)
def test_no_field_may_be_missing(field: str) -> None:
    with pytest.raises(ValidationError):
        check("canary-construct", Happened.PROMOTED.detail_type, {k: v for k, v in DETAIL.items() if k != field})


def test_what_is_told_of_no_rollout_has_an_id_of_its_own() -> None:
    notice = Notice(happened=Happened.NEEDS_ATTENTION, endpoint="shop", reason="it is busy")
    detail = notice.detail("2026-11-29T20:55:00Z")
    assert detail["id"] == "shop/2026-11-29T20:55:00Z/Needs Attention"
    check("canary-construct", notice.happened.detail_type, detail)


# The topic

PLACES = {
    "topic": "arn:aws:sns:us-east-1:000000000000:releases",
    "dashboard": "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/shop-us-east-1",
    "executions": "https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:x:y",
}  # fmt: skip


def published(monkeypatch: pytest.MonkeyPatch, happened: Happened, **changes: object) -> dict[str, str]:
    found: list[dict[str, str]] = []

    class Topic:
        def publish(self, **call: str) -> None:
            found.append(call)

    monkeypatch.setattr("rollout.clients.client", lambda _service: Topic())
    event = {**PLACES, "detail_type": happened.detail_type, "detail": {**DETAIL, **changes}}
    announce.handler(event, None)  # type: ignore[arg-type]
    (call,) = found
    return call


def test_a_topic_gets_a_subject_and_a_text_with_links(monkeypatch: pytest.MonkeyPatch) -> None:
    call = published(monkeypatch, Happened.ROLLED_BACK, reason="gate error-rate: 40 of 900 failed")
    assert call == {
        "TopicArn": PLACES["topic"],
        "Subject": "shop: v2 is rolled back",
        "Message": (
            "shop: v2 is rolled back\n"
            "\n"
            "gate error-rate: 40 of 900 failed\n"
            "\n"
            "The release before serves. Mend this one, and give it a new version.\n"
            "\n"
            f"Execution: {PLACES['executions']}:v2-1\n"
            f"Dashboard: {PLACES['dashboard']}\n"
            "Runbook:   docs/runbook.md#rolled-back\n"
        ),
    }


def test_what_belongs_to_no_rollout_has_no_link_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    call = published(monkeypatch, Happened.NEEDS_ATTENTION, execution="", version="")
    assert call["Subject"] == "shop needs attention"
    assert "Execution:" not in call["Message"]


@pytest.mark.parametrize("happened", Happened)
@pytest.mark.parametrize("version", ["2" * 300, "modèle\n2", "v2\r\nBcc: all", "\x1b[31m", "🎉", " "])
def test_whatever_a_release_is_called_sns_takes_the_subject(happened: Happened, version: str) -> None:
    subject = announcement(happened, {**DETAIL, "version": version}, {}).subject
    assert 0 < len(subject) <= MAX_SUBJECT
    assert subject.isascii()
    assert subject.isprintable()


def test_nobody_is_sent_to_resume_a_rollout_that_waits_for_a_window() -> None:
    said = announcement(Happened.HELD, DETAIL, {})
    assert "A window opens by itself, and `canary resume` ends a pause." in said.text
    assert "runbook.md#held" in said.text


def test_the_slots_are_told_when_it_starts(aws: Aws, shop: Shop) -> None:
    shop.begin("v2", "Evaluate", index=0)
    (detail,) = told(aws, Happened.STARTED)
    assert (detail["stable"], detail["canary"]) == (A, B)
