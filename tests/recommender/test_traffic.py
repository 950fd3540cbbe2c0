import math

import pytest

from examples.recommender.shop.traffic import (
    Outcome,
    Request,
    TrafficLog,
    attribute,
    grouped,
    percentile,
    summarise,
)


def ok(at: float, variant: str, version: str, latency_ms: float = 5.0) -> Request:
    return Request(sent_at=at, latency_ms=latency_ms, outcome=Outcome.OK, variant=variant, version=version)


def failed(at: float, variant: str) -> Request:
    return Request(sent_at=at, latency_ms=5.0, outcome=Outcome.MODEL_ERROR, variant=variant)


def test_a_model_error_belongs_to_the_release_of_the_nearest_answer_of_its_slot() -> None:
    requests = [
        ok(1, "variant-b", "v1"),
        ok(100, "variant-a", "v2"),
        failed(101, "variant-b"),
        ok(102, "variant-b", "v3"),
        failed(140, "variant-b"),
        ok(200, "variant-b", "v4"),
    ]
    errors = [r.version for r in attribute(requests) if r.outcome is Outcome.MODEL_ERROR]
    assert errors == ["v3", "v3"]


def test_a_model_error_of_a_slot_that_never_answered_has_no_release() -> None:
    assert attribute([ok(1, "variant-a", "v1"), failed(2, "variant-b")])[1].version is None


def test_a_model_error_that_names_its_release_gets_the_slot_of_that_release() -> None:
    error = Request(sent_at=3, latency_ms=5.0, outcome=Outcome.MODEL_ERROR, version="v3")
    requests = [ok(1, "variant-a", "v2"), ok(2, "variant-b", "v3"), error, ok(4, "variant-a", "v2")]
    assert attribute(requests)[2].variant == "variant-b"


def test_a_model_error_that_names_nothing_stays_unknown() -> None:
    error = Request(sent_at=3, latency_ms=5.0, outcome=Outcome.MODEL_ERROR)
    assert attribute([ok(1, "variant-a", "v2"), error])[1] == error


def test_a_log_returns_requests_in_the_order_in_which_they_were_sent() -> None:
    log = TrafficLog()
    for at in (3, 1, 2):
        log.add(ok(at, "variant-a", "v1"))
    assert [request.sent_at for request in log.all()] == [1, 2, 3]


def test_a_summary_counts_outcomes_and_leaves_unanswered_out_of_latency() -> None:
    requests = [
        ok(1, "variant-a", "v1", 10),
        failed(2, "variant-a"),
        Request(sent_at=3, latency_ms=9999, outcome=Outcome.UNANSWERED),
    ]
    summary = summarise(requests)
    assert (summary.sent, summary.ok, summary.model_errors, summary.unanswered) == (3, 1, 1, 1)
    assert summary.error_rate == 0.5
    assert summary.p99_ms == 10


def test_no_requests_have_no_latency_and_no_errors() -> None:
    summary = summarise([])
    assert math.isnan(summary.p99_ms)
    assert summary.error_rate == 0.0


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_percentiles_are_nearest_ranks(percent: float, value: int) -> None:
    assert percentile([float(v) for v in range(1, 101)], percent) == value


def test_groups_keep_the_order() -> None:
    requests = [ok(1, "variant-a", "v1"), ok(2, "variant-b", "v2"), ok(3, "variant-a", "v1")]
    groups = grouped(requests, lambda request: request.variant)
    assert [request.sent_at for request in groups["variant-a"]] == [1, 3]
