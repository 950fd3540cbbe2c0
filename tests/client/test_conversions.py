"""What was shown and what converted, as CloudWatch gets it."""

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from canary_construct_client import Conversions, MetricDataPublisher, print_documents
from canary_construct_client.embedded_metrics import Document
from hypothesis import given
from hypothesis import strategies as st

NOON = 1_800_000_000.0  # a whole minute


class Clock:
    def __init__(self) -> None:
        self.seconds = NOON + 7

    def __call__(self) -> float:
        return self.seconds


class Published:
    """Keeps the documents, or refuses them."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.error: Exception | None = None

    def __call__(self, documents: Sequence[Document]) -> None:
        if self.error is not None:
            raise self.error
        self.documents += documents

    def total(self, metric: str, variant: str) -> int:
        return sum(d.get(metric, 0) for d in self.documents if d["VariantName"] == variant)


def conversions(published: Published, clock: Clock | None = None, **more: Any) -> Conversions:
    names = {"endpoint_name": "recommender", "namespace": "Shop", "shown": "Shown", "converted": "Bought"}
    return Conversions(**{**names, "publish": published, "now": clock or Clock(), **more})


def check_against_the_specification(document: Document) -> None:
    """Every MUST of the embedded metric format's specification that concerns such documents.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    assert len(json.dumps(document)) < 1_000_000
    assert set(document["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(document["_aws"]["Timestamp"], int)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert 1 <= len(directive["Metrics"]) <= 100
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            assert all(isinstance(document[name], str) and 0 < len(document[name]) <= 1024 for name in dimensions)
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            assert metric["StorageResolution"] in {1, 60}
            assert isinstance(document[metric["Name"]], int)


def test_a_document_is_exactly_what_the_gate_reads() -> None:
    published = Published()
    with conversions(published) as counting:
        shown_at = counting.record_shown("variant-b")
        counting.record_shown("variant-b")
        counting.record_conversion("variant-b", shown_at=shown_at)
    metrics = [{"Name": name, "Unit": "Count", "StorageResolution": 60} for name in ("Bought", "Shown")]
    directive = {"Namespace": "Shop", "Dimensions": [["EndpointName", "VariantName"]], "Metrics": metrics}
    assert published.documents == [
        {
            "_aws": {"Timestamp": int(NOON * 1000), "CloudWatchMetrics": [directive]},
            "EndpointName": "recommender",
            "VariantName": "variant-b",
            "Shown": 2,
            "Bought": 1,
        }
    ]


def test_a_late_conversion_counts_where_and_when_the_recommendation_was_shown() -> None:
    published, clock = Published(), Clock()
    counting = conversions(published, clock)
    shown_at = counting.record_shown("variant-b")
    clock.seconds += 3600
    counting.record_shown("variant-a")
    counting.record_conversion("variant-b", shown_at=shown_at)
    counting.flush()
    (late,) = [document for document in published.documents if "Bought" in document]
    assert (late["VariantName"], late["_aws"]["Timestamp"]) == ("variant-b", NOON * 1000)


@pytest.mark.parametrize(("resolution", "moments"), [(60, {NOON}), (1, {NOON + 7, NOON + 8, NOON + 30})])
def test_counts_are_kept_by_minute_or_by_second(resolution: int, moments: set[float]) -> None:
    published, clock = Published(), Clock()
    with conversions(published, clock, storage_resolution=resolution, flush_seconds=1000) as counting:
        for second in (7.1, 7.9, 8, 30):
            clock.seconds = NOON + second
            counting.record_shown("variant-a")
    assert {document["_aws"]["Timestamp"] / 1000 for document in published.documents} == moments
    assert published.total("Shown", "variant-a") == 4


events = st.lists(st.tuples(st.sampled_from(["variant-a", "variant-b"]), st.booleans(), st.floats(0, 500)))


@given(events, st.sampled_from([1, 60]))
def test_nothing_is_lost_or_counted_twice_and_every_document_meets_the_specification(
    seen: list[tuple[str, bool, float]], resolution: int
) -> None:
    published, clock = Published(), Clock()
    with conversions(published, clock, storage_resolution=resolution) as counting:
        for variant, converts, after in seen:
            clock.seconds += after / 100
            shown_at = counting.record_shown(variant)
            if converts:
                counting.record_conversion(variant, shown_at=shown_at)
    for document in published.documents:
        check_against_the_specification(document)
    for variant in ("variant-a", "variant-b"):
        assert published.total("Shown", variant) == sum(name == variant for name, _, _ in seen)
        assert published.total("Bought", variant) == sum(name == variant and converts for name, converts, _ in seen)


def test_counts_are_published_in_batches_by_time() -> None:
    published, clock = Published(), Clock()
    counting = conversions(published, clock)
    for _ in range(1000):
        counting.record_shown("variant-a")
    assert published.documents == []
    clock.seconds += 10
    counting.record_shown("variant-a")
    assert [document["Shown"] for document in published.documents] == [1001]
    counting.flush()
    assert len(published.documents) == 1


def test_what_cannot_be_published_is_said_and_published_later(caplog: pytest.LogCaptureFixture) -> None:
    published = Published()
    counting = conversions(published)
    counting.record_shown("variant-a")
    published.error = ConnectionError("no route")
    with caplog.at_level(logging.WARNING):
        counting.flush()
    assert caplog.messages == ["conversions of endpoint recommender are not published yet: no route"]
    published.error = None
    counting.record_shown("variant-a")
    counting.flush()
    assert published.total("Shown", "variant-a") == 2


def test_many_threads_count_together() -> None:
    published = Published()
    counting = conversions(published, flush_seconds=0)

    def shop() -> None:
        for _ in range(200):
            counting.record_conversion("variant-a", shown_at=counting.record_shown("variant-a"))

    threads = [threading.Thread(target=shop) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counting.flush()
    assert (published.total("Shown", "variant-a"), published.total("Bought", "variant-a")) == (1600, 1600)


def test_no_thread_waits_while_another_publishes_and_nothing_is_lost() -> None:
    published, clock = Published(), Clock()
    hangs, goes_on = threading.Event(), threading.Event()

    def slow(documents: Sequence[Document]) -> None:
        hangs.set()
        assert goes_on.wait(30)
        published(documents)

    counting = conversions(published, clock, publish=slow)
    counting.record_shown("variant-a")
    first = threading.Thread(target=counting.flush)
    first.start()
    assert hangs.wait(30)
    clock.seconds += 60
    second = threading.Thread(target=counting.record_shown, args=["variant-a"])
    second.start()
    second.join(5)
    returned = not second.is_alive()
    goes_on.set()
    first.join(30)
    second.join(30)
    counting.flush()
    assert returned
    assert published.total("Shown", "variant-a") == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"storage_resolution": 10}, "storage_resolution must be 1 or 60 s, got 10"),
        ({"shown": "Seen", "converted": "Seen"}, "shown and converted must be different metrics, got Seen twice"),
    ],
)
def test_what_cloudwatch_or_the_gate_would_not_understand_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        conversions(Published(), **wrong)


def test_standard_output_gets_one_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Conversions(endpoint_name="recommender", namespace="Shop") as counting:
        counting.record_shown("variant-a")
        counting.record_shown("variant-b")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["VariantName"] for line in lines] == ["variant-a", "variant-b"]
    print_documents([])
    assert capsys.readouterr().out == ""


def test_put_metric_data_carries_the_same_numbers() -> None:
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    dimensions = [{"Name": "EndpointName", "Value": "recommender"}, {"Name": "VariantName", "Value": "variant-a"}]
    data = [
        {
            "MetricName": name,
            "Dimensions": dimensions,
            "Timestamp": NOON + 7,
            "Value": count,
            "Unit": "Count",
            "StorageResolution": 1,
        }
        for name, count in (("Bought", 1), ("Shown", 2))
    ]
    with Stubber(cloudwatch) as stub:
        stub.add_response("put_metric_data", {}, {"Namespace": "Shop", "MetricData": data})
        counting = conversions(Published(), publish=MetricDataPublisher(cloudwatch), storage_resolution=1)
        counting.record_conversion("variant-a", shown_at=counting.record_shown("variant-a"))
        counting.record_shown("variant-a")
        counting.flush()
        stub.assert_no_pending_responses()


def test_put_metric_data_is_called_with_no_more_than_its_limit() -> None:
    class StubCloudWatch:
        def __init__(self) -> None:
            self.sizes: list[int] = []

        def put_metric_data(self, **request: Any) -> None:
            self.sizes.append(len(request["MetricData"]))

    cloudwatch, clock = StubCloudWatch(), Clock()
    with conversions(
        Published(),
        clock,
        publish=MetricDataPublisher(cloudwatch),
        storage_resolution=1,
        flush_seconds=10_000,
    ) as counting:
        for _ in range(600):
            clock.seconds += 1
            counting.record_conversion("variant-a", shown_at=counting.record_shown("variant-a"))
    assert cloudwatch.sizes == [500, 500, 200]


@pytest.mark.parametrize("shown_at", [float("nan"), float("inf"), -float("inf"), NOON * 1000, NOON - 15 * 86_400, 0.0])
@pytest.mark.parametrize("publisher", ["lines", "requests"])
def test_a_moment_that_cannot_be_is_not_counted_and_harms_no_other(
    shown_at: float, publisher: str, caplog: pytest.LogCaptureFixture
) -> None:
    published = Published()
    counting = conversions(
        published, publish=published if publisher == "lines" else refusing_like_cloudwatch(published)
    )
    good = counting.record_shown("variant-b")
    counting.record_conversion("variant-b", shown_at=shown_at)
    counting.record_conversion("variant-b", shown_at=good)
    counting.flush()
    assert (published.total("Shown", "variant-b"), published.total("Bought", "variant-b")) == (1, 1)
    assert f"Bought of variant 'variant-b' at {shown_at!r} is not counted for recommender" in caplog.text


@pytest.mark.parametrize("variant", ["", None, 7, " ", "variant-ü", "variant-b\n", ":b", "b" * 64])
def test_what_no_variant_gave_is_not_counted_and_harms_no_other(variant: Any) -> None:
    published = Published()
    with conversions(published, publish=refusing_like_cloudwatch(published)) as counting:
        counting.record_conversion(variant, shown_at=counting.record_shown(variant))
        counting.record_shown("variant-a")
    assert [document["VariantName"] for document in published.documents] == ["variant-a"]


def test_counts_that_could_not_be_published_for_two_weeks_are_given_up() -> None:
    published, clock = Published(), Clock()
    counting = conversions(published, clock)
    published.error = OSError("no route")
    counting.record_shown("variant-a")
    counting.flush()
    published.error = None
    clock.seconds += 14 * 86_400
    counting.record_shown("variant-a")
    counting.flush()
    assert published.total("Shown", "variant-a") == 1


def test_what_was_published_before_a_failure_is_not_published_again() -> None:
    published, clock = Published(), Clock()
    sizes: list[int] = []

    def second_batch_fails_once(documents: Sequence[Document]) -> None:
        sizes.append(len(documents))
        if len(sizes) == 2:
            raise OSError("no route")
        published(documents)

    counting = conversions(published, clock, publish=second_batch_fails_once, flush_seconds=1e6)
    for _ in range(450):
        counting.record_conversion("variant-b", shown_at=counting.record_shown("variant-b"))
        clock.seconds += 60
    counting.flush()
    counting.flush()
    assert sizes == [250, 200, 200]
    assert (published.total("Shown", "variant-b"), published.total("Bought", "variant-b")) == (450, 450)


def refusing_like_cloudwatch(published: Published) -> Any:
    """Refuse a whole request for one moment, or for one name, that CloudWatch does not take."""

    def publish(documents: Sequence[Document]) -> None:
        if not all(document["VariantName"].isascii() for document in documents):
            raise ValueError("The value for parameter MetricData.member.1.Dimensions.member.2.Value is not ASCII")
        ages = [NOON - document["_aws"]["Timestamp"] / 1000 for document in documents]
        if not all(-7200 < age < 14 * 86_400 for age in ages):
            raise ValueError("Timestamp must specify a time within the past two weeks")
        published(documents)

    return publish
