"""What is published for a variant, and when."""

from typing import Any

from canary_tools.aws_models.sagemaker.invocation_metrics import ServedInvocation
from canary_tools.aws_models.sagemaker.metric_source import metric_source

PERIOD = 10
ENHANCED = {"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": PERIOD}


def observe(sagemaker: Any, *, status: int = 200, microseconds: int = 5000, count: int = 1) -> None:
    fleet = sagemaker.hosting.endpoints.find("shop").fleet
    invocation = ServedInvocation(
        model_status=status, model_microseconds=microseconds, overhead_microseconds=40, instance_count=2
    )
    sagemaker.hosting.metrics.observe(metric_source("shop", fleet, "variant-a"), invocation, count=count)


def published(sagemaker: Any, name: str, *, variant: str = "variant-a", with_config: bool = False) -> list[Any]:
    dimensions = {"EndpointName": "shop", "VariantName": variant}
    if with_config:
        dimensions["EndpointConfigName"] = "first"
    return [
        (point["timestamp"], dict(point["values"]))
        for point in sagemaker.recorded
        if point["name"] == name and point["dimensions"] == dimensions
    ]


def test_a_period_appears_after_its_end_and_the_delay(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig=ENHANCED)
    start = sagemaker.clock.now()
    observe(sagemaker, count=3)
    sagemaker.wait(PERIOD + 4)
    assert published(sagemaker, "Invocations") == []
    sagemaker.wait(1)
    assert published(sagemaker, "Invocations") == [(start, {1.0: 3})]
    assert {point["storage_resolution"] for point in sagemaker.recorded} == {1}


def test_metrics_carry_the_endpoint_config_as_a_third_dimension_too(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig=ENHANCED)
    observe(sagemaker)
    sagemaker.wait(PERIOD + 5)
    assert published(sagemaker, "ModelLatency") == published(sagemaker, "ModelLatency", with_config=True) != []


def test_every_latency_is_kept_in_microseconds(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig=ENHANCED)
    start = sagemaker.clock.now()
    observe(sagemaker, microseconds=1500, count=99)
    observe(sagemaker, microseconds=80_000)
    sagemaker.wait(PERIOD + 5)
    assert published(sagemaker, "ModelLatency") == [(start, {1500.0: 99, 80_000.0: 1})]
    assert {point["unit"] for point in sagemaker.recorded if point["name"] == "ModelLatency"} == {"Microseconds"}


def test_model_errors_are_all_answers_but_2xx(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig=ENHANCED)
    for status in (200, 400, 500, 0):
        observe(sagemaker, status=status)
    sagemaker.wait(PERIOD + 5)
    names = ("InvocationModelErrors", "Invocation4XXErrors", "Invocation5XXErrors")
    assert [published(sagemaker, name)[0][1] for name in names] == [
        {0.0: 1, 1.0: 3},
        {0.0: 3, 1.0: 1},
        {0.0: 3, 1.0: 1},
    ]


def test_without_enhanced_metrics_the_period_is_a_minute(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig={"EnableEnhancedMetrics": False, "MetricPublishFrequencyInSeconds": PERIOD})
    observe(sagemaker)
    sagemaker.wait(60)
    assert published(sagemaker, "Invocations") == []
    sagemaker.wait(5)
    assert len(published(sagemaker, "Invocations")) == 1


def test_silence_is_published_as_zeros_or_not_at_all_in_turn(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig=ENHANCED)
    start = sagemaker.clock.now()
    sagemaker.wait(5 * PERIOD)
    silent = published(sagemaker, "Invocations", variant="variant-b")
    assert silent == [(start + PERIOD, {0.0: 1}), (start + 3 * PERIOD, {0.0: 1})]
    assert published(sagemaker, "ModelLatency", variant="variant-b") == []


def test_a_retired_fleet_is_not_published_any_more(sagemaker: Any) -> None:
    sagemaker.serve(MetricsConfig=ENHANCED)
    sagemaker.add_config("second", {"variant-a": ("v2", 1, 1)}, MetricsConfig=ENHANCED)
    sagemaker.update("second")
    sagemaker.wait(600 + 2 * PERIOD + 5)
    before = len(published(sagemaker, "Invocations", with_config=True))
    sagemaker.wait(600)
    assert len(published(sagemaker, "Invocations", with_config=True)) == before
