"""UpdateEndpoint on a virtual clock: a new fleet, what it keeps, and how it fails."""

from typing import TYPE_CHECKING, Any

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = {"variant-a": ("v1", 100.0, 2), "variant-b": ("v2", 0.0, 1)}
IN_PROGRESS = 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/shop".'


def test_an_endpoint_serves_after_the_fleet_delay_and_not_before(sagemaker: Any) -> None:
    sagemaker.add_config("first", {"variant-a": ("v1", 100, 2)})
    sagemaker.hosting.endpoints.create({"EndpointName": "shop", "EndpointConfigName": "first"})
    sagemaker.wait(599)
    assert sagemaker.describe()["EndpointStatus"] == "Creating"
    assert "ProductionVariants" not in sagemaker.describe()
    sagemaker.wait(1)
    assert sagemaker.describe()["EndpointStatus"] == "InService"
    assert sagemaker.variants() == {"variant-a": (100, 2)}


def test_the_old_config_serves_until_the_swap(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.add_config("second", SECOND)
    sagemaker.update("second", RetainAllVariantProperties=True)
    during = sagemaker.describe()
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", "first")
    assert during["PendingDeploymentSummary"]["EndpointConfigName"] == "second"
    sagemaker.wait(600)
    after = sagemaker.describe()
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "second")
    assert "PendingDeploymentSummary" not in after


def test_retained_weights_and_counts_follow_the_variant_name(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.shift(a=30, b=70)
    sagemaker.wait(30)
    sagemaker.register("b", 3, 4)
    sagemaker.wait(180)
    sagemaker.add_config("second", {"variant-b": ("v2", 1, 1), "variant-c": ("v3", 5, 2)})
    sagemaker.update("second", RetainAllVariantProperties=True)
    sagemaker.wait(600)
    assert sagemaker.variants() == {"variant-b": (70, 3), "variant-c": (5, 2)}


def test_without_retain_the_configs_own_weights_and_counts_return(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.shift(a=30, b=70)
    sagemaker.wait(30)
    sagemaker.add_config("second", SECOND)
    sagemaker.update("second")
    sagemaker.wait(600)
    assert sagemaker.variants() == {"variant-a": (100, 2), "variant-b": (0, 1)}


@pytest.mark.parametrize(("excluded", "expected"), [("DesiredWeight", (0.0, 3)), ("DesiredInstanceCount", (70.0, 1))])
def test_an_excluded_property_is_reset_for_all_variants(
    sagemaker: Any, excluded: str, expected: tuple[float, int]
) -> None:
    sagemaker.serve()
    sagemaker.shift(a=30, b=70)
    sagemaker.wait(30)
    sagemaker.register("b", 3, 4)
    sagemaker.wait(180)
    sagemaker.add_config("second", SECOND)
    sagemaker.update(
        "second",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": excluded}],
    )
    sagemaker.wait(600)
    assert sagemaker.variants()["variant-b"] == expected


def test_a_broken_archive_fails_the_update_silently_and_the_next_update_wipes_the_reason(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.host.broken["s3://models/v2.tar.gz"] = "the archive is corrupted"
    sagemaker.add_config("second", SECOND)
    sagemaker.update("second", RetainAllVariantProperties=True)
    sagemaker.wait(600)
    failed = sagemaker.describe()
    assert (failed["EndpointStatus"], failed["EndpointConfigName"]) == ("InService", "first")
    assert failed["FailureReason"] == "the archive is corrupted"
    sagemaker.update("first")
    assert "FailureReason" not in sagemaker.describe()


def test_a_broken_archive_fails_a_creation_loudly(sagemaker: Any) -> None:
    sagemaker.host.broken["s3://models/v1.tar.gz"] = "the archive is corrupted"
    sagemaker.serve()
    assert sagemaker.describe()["EndpointStatus"] == "Failed"
    with pytest.raises(ApiError, match="in status Failed"):
        sagemaker.update("first")


def test_no_change_is_accepted_while_one_runs(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.update("first")
    endpoint = {"EndpointName": "shop"}
    attempts: list[Callable[[], object]] = [
        lambda: sagemaker.update("first"),
        lambda: sagemaker.shift(a=1),
        lambda: sagemaker.hosting.endpoints.delete(endpoint),
    ]
    for attempt in attempts:
        with pytest.raises(ApiError) as refused:
            attempt()
        assert (refused.value.code, refused.value.message) == ("ValidationException", IN_PROGRESS)


def test_a_deleted_endpoint_config_makes_the_endpoint_unchangeable(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.add_config("second", SECOND)
    sagemaker.hosting.catalogue.configs.delete({"EndpointConfigName": "first"})
    attempts: list[Callable[[], object]] = [lambda: sagemaker.update("second"), lambda: sagemaker.shift(a=1)]
    for attempt in attempts:
        with pytest.raises(ApiError, match=r'Could not find endpoint configuration ".*endpoint-config/first"'):
            attempt()


def test_an_unknown_endpoint_is_not_found_under_its_lower_cased_arn(sagemaker: Any) -> None:
    with pytest.raises(
        ApiError, match=r'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/it"'
    ):
        sagemaker.hosting.endpoints.describe({"EndpointName": "It"})


def test_a_deleted_endpoint_is_gone_after_a_while_with_its_scalable_targets(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.register("a", 1, 4)
    sagemaker.hosting.endpoints.delete({"EndpointName": "shop"})
    assert sagemaker.describe()["EndpointStatus"] == "Deleting"
    sagemaker.wait(30)
    assert not sagemaker.hosting.endpoints.exists("shop")
    assert sagemaker.hosting.scaling.describe_targets({})["ScalableTargets"] == []


@pytest.mark.parametrize(
    "second",
    [{"variant-a": ("v1", 100, 2)}, {"variant-a": ("v1", 100, 2), "variant-c": ("v1", 0, 1)}],
    ids=["removed", "renamed"],
)
def test_a_variant_under_scaling_can_be_neither_removed_nor_renamed(sagemaker: Any, second: Any) -> None:
    sagemaker.serve()
    sagemaker.register("b", 1, 4)
    sagemaker.add_config("second", second)
    with pytest.raises(ApiError) as refused:
        sagemaker.update("second", RetainAllVariantProperties=True)
    assert refused.value.message == (
        'The variant(s) ["variant-b"] must be deregistered as scalable targets with AutoScaling before they can be '
        "removed or have their instance type updated."
    )
    assert sagemaker.describe()["EndpointStatus"] == "InService"


def test_an_ordered_loud_failure_ends_in_failed(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.hosting.faults.updates["shop"] = UpdateFailure(reason="lost", silent=False)
    sagemaker.update("first")
    sagemaker.wait(600)
    assert (sagemaker.describe()["EndpointStatus"], sagemaker.describe()["FailureReason"]) == ("Failed", "lost")
