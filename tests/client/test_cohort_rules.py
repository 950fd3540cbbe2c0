"""The published rule decides who goes to the canary; whatever goes wrong means stable."""

import logging
import threading
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from canary_construct_client import Cohort, CohortRules, MalformedCohort, bucket_header, bucket_of
from canary_construct_client.buckets import BUCKETS

COUNTRY = "cloudfront-viewer-country"
HEADER_RULE = {"kind": "header", "header": COUNTRY, "values": ["DE", "AT"]}
USER_RULE = {"kind": "users", "header": "x-canary-bucket", "buckets": 500}
SALT = "v2-1763845429"


def published(rule: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"variant": "variant-b", "rule": rule, "salt": SALT, **more}


class StubTable:
    """A DynamoDB client with one item, or an error."""

    def __init__(self, record: dict[str, Any] | None = None) -> None:
        self.record = record
        self.error: Exception | None = None
        self.requests: list[dict[str, Any]] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        if self.record is None:
            return {}
        serialise = TypeSerializer().serialize
        key = {"endpoint": "recommender", "record": "cohort"}
        item = {**key, "cohort": self.record} if self.record else key
        return {"Item": {name: serialise(value) for name, value in item.items()}}


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def rules(table: StubTable, clock: Clock | None = None) -> CohortRules:
    return CohortRules("Ledger", "recommender", client=table, now=clock or Clock())


def user_in(buckets: range) -> str:
    return next(user for user in (f"user-{n}" for n in range(1_000_000)) if bucket_of(user, SALT) in buckets)


@pytest.mark.parametrize(
    ("headers", "variant"),
    [
        ({"cloudfront-viewer-country": "DE"}, "variant-b"),
        ({"CloudFront-Viewer-Country": "AT"}, "variant-b"),
        ({"cloudfront-viewer-country": "FR"}, None),
        ({"cloudfront-viewer-country": "D"}, None),
        ({"cloudfront-viewer-country": "DE,AT"}, None),
        ({"cloudfront-viewer-country": ""}, None),
        ({"another": "DE"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_header_must_have_exactly_one_of_the_values(headers: dict[str, str] | None, variant: str | None) -> None:
    assert rules(StubTable(published(HEADER_RULE))).target_variant(headers=headers) == variant


def test_the_first_buckets_of_users_go_to_the_canary_and_the_others_nowhere_special() -> None:
    cohort = rules(StubTable(published(USER_RULE)))
    assert cohort.target_variant(user_id=user_in(range(499, 500))) == "variant-b"
    assert cohort.target_variant(user_id=user_in(range(500, 501))) is None
    assert cohort.target_variant() is None


def test_five_percent_of_the_users_are_five_percent() -> None:
    cohort = rules(StubTable(published(USER_RULE)))
    inside = sum(cohort.target_variant(user_id=f"user-{number}") == "variant-b" for number in range(20_000))
    assert 1_000 - 150 < inside < 1_000 + 150


def test_the_api_gets_the_bucket_of_the_published_salt_and_under_another_rule_nothing() -> None:
    assert rules(StubTable(published(USER_RULE))).headers("user-7") == {
        "x-canary-bucket": bucket_header("user-7", SALT)
    }
    assert rules(StubTable(published(HEADER_RULE))).headers("user-7") == {}
    assert rules(StubTable()).headers("user-7") == {}


@pytest.mark.parametrize("headers", [{COUNTRY: ["DE"]}, {7: "DE"}, {COUNTRY: None}, {COUNTRY: {"DE": 1}}])
def test_headers_that_are_no_texts_mean_stable(headers: Any) -> None:
    assert rules(StubTable(published(HEADER_RULE))).target_variant(headers=headers) is None


@pytest.mark.parametrize("user", [7, None, "", " "])
def test_a_request_without_a_user_means_stable_whatever_the_salt_of_the_rollout(user: Any) -> None:
    everybody = rules(StubTable(published({**USER_RULE, "buckets": BUCKETS})))
    assert everybody.target_variant(user_id="user-7") == "variant-b"
    assert everybody.target_variant(user_id=user) is None
    assert everybody.headers(user) == {}


def test_without_a_published_rule_the_weights_decide() -> None:
    table = StubTable()
    assert rules(table).target_variant(user_id="user", headers={"cloudfront-viewer-country": "DE"}) is None
    assert table.requests == [
        {
            "TableName": "Ledger",
            "Key": {"endpoint": {"S": "recommender"}, "record": {"S": "cohort"}},
            "ConsistentRead": True,
        }
    ]


def test_the_rule_is_read_again_after_five_seconds_and_not_before() -> None:
    table, clock = StubTable(published(HEADER_RULE)), Clock()
    cohort = rules(table, clock)
    german = {"cloudfront-viewer-country": "DE"}
    assert cohort.target_variant(headers=german) == "variant-b"
    table.record = None
    clock.seconds += 4.9
    assert cohort.target_variant(headers=german) == "variant-b"
    assert len(table.requests) == 1
    clock.seconds += 0.1
    assert cohort.target_variant(headers=german) is None
    assert len(table.requests) == 2


def test_an_error_means_stable_is_said_once_and_is_not_asked_for_every_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table, clock = StubTable(published(HEADER_RULE)), Clock()
    cohort = rules(table, clock)
    german = {"cloudfront-viewer-country": "DE"}
    assert cohort.target_variant(headers=german) == "variant-b"
    table.error = ConnectionError("no route to DynamoDB")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            clock.seconds += 5
            assert cohort.target_variant(headers=german) is None
            assert cohort.target_variant(headers=german) is None
    assert len(table.requests) == 4
    (said,) = caplog.messages
    assert said == "all users of endpoint recommender are served by stable: no route to DynamoDB"


def test_after_an_error_the_rule_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    table, clock = StubTable(published(HEADER_RULE)), Clock()
    cohort = rules(table, clock)
    german = {"cloudfront-viewer-country": "DE"}
    for _ in range(2):
        table.error = ConnectionError("no route")
        assert cohort.target_variant(headers=german) is None
        table.error = None
        clock.seconds += 5
        assert cohort.target_variant(headers=german) == "variant-b"
        clock.seconds += 5
    assert len(caplog.messages) == 2


def test_a_record_whose_rule_was_withdrawn_means_stable_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    assert rules(StubTable({})).target_variant(user_id=user_in(range(1))) is None
    assert caplog.messages == []


@pytest.mark.parametrize(
    "record",
    [
        {"variant": "variant-b", "rule": USER_RULE},
        {"rule": USER_RULE, "salt": SALT},
        {"variant": "", "rule": USER_RULE, "salt": SALT},
        published({"kind": "moon phase", "header": "x", "values": ["full"]}),
        published({"kind": "header", "header": "x"}),
        published({"kind": "header", "header": "x", "values": 7}),
        published({"kind": "users", "header": "x-canary-bucket", "buckets": 10_001}),
        published({"kind": "users", "header": "x-canary-bucket", "buckets": "many"}),
        {"variant": "variant-b", "rule": "everybody", "salt": SALT},
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_read_means_stable(record: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    cohort = rules(StubTable(record))
    assert cohort.target_variant(user_id="user", headers={"x": "full"}) is None
    assert cohort.headers("user") == {}
    assert len(caplog.messages) == 1
    with pytest.raises(MalformedCohort):
        Cohort.parse(record)


def test_while_one_thread_reads_the_others_do_not_wait() -> None:
    reading, go_on = threading.Event(), threading.Event()

    class SlowTable(StubTable):
        def get_item(self, **request: Any) -> dict[str, Any]:
            reading.set()
            assert go_on.wait(timeout=10)
            return super().get_item(**request)

    table = SlowTable(published(HEADER_RULE))
    cohort = rules(table)
    answers: list[str | None] = []
    german = {"cloudfront-viewer-country": "DE"}
    thread = threading.Thread(target=lambda: answers.append(cohort.target_variant(headers=german)))
    thread.start()
    assert reading.wait(timeout=10)
    assert cohort.target_variant(headers=german) is None
    go_on.set()
    thread.join(timeout=10)
    assert answers == ["variant-b"]
    assert len(table.requests) == 1
