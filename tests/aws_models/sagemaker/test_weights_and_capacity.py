"""Weights and instance counts on a virtual clock."""

from typing import Any

import pytest

from canary_tools.aws_models.api.errors import ApiError


def test_new_weights_hold_after_the_update_and_not_before(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.shift(a=90, b=10)
    row = sagemaker.describe()["ProductionVariants"][1]
    assert (row["CurrentWeight"], row["DesiredWeight"]) == (0, 10)
    sagemaker.wait(30)
    assert sagemaker.variants() == {"variant-a": (90, 2), "variant-b": (10, 1)}
    assert sagemaker.statuses == ["Creating", "InService", "Updating", "InService"]


def test_weights_are_kept_in_single_precision(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.shift(b=0.1)
    sagemaker.wait(30)
    assert sagemaker.variants()["variant-b"][0] == 0.10000000149011612


def test_weights_that_are_rolled_back_pass_through_rolling_back(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.hosting.faults.weight_rollbacks.add("shop")
    sagemaker.shift(a=90, b=10)
    sagemaker.wait(30)
    assert sagemaker.describe()["EndpointStatus"] == "RollingBack"
    sagemaker.wait(30)
    assert sagemaker.describe()["EndpointStatus"] == "InService"
    assert sagemaker.variants() == {"variant-a": (100, 2), "variant-b": (0, 1)}


def test_an_unknown_variant_is_refused(sagemaker: Any) -> None:
    sagemaker.serve()
    with pytest.raises(ApiError, match="variant-x"):
        sagemaker.shift(x=1)


def test_registration_raises_capacity_after_the_launch_time(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.register("b", 3, 4)
    assert sagemaker.describe()["EndpointStatus"] == "Updating"
    sagemaker.wait(179)
    assert sagemaker.variants()["variant-b"] == (0, 1)
    sagemaker.wait(1)
    assert sagemaker.variants()["variant-b"] == (0, 3)


def test_registration_lowers_capacity_to_the_new_maximum(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.register("a", 1, 1)
    sagemaker.wait(180)
    assert sagemaker.variants()["variant-a"] == (100, 1)


def test_a_raise_that_meets_a_busy_endpoint_is_lost(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.register("b", 1, 4)
    sagemaker.shift(a=90, b=10)
    sagemaker.register("b", 3, 4)
    sagemaker.wait(3600)
    assert sagemaker.variants()["variant-b"] == (10, 1)
    assert sagemaker.hosting.scaling.describe_targets({})["ScalableTargets"][0]["MinCapacity"] == 3
    activity = sagemaker.hosting.scaling.describe_activities({})["ScalingActivities"][0]
    assert activity["StatusCode"] == "Failed"
    assert "Cannot update in-progress endpoint" in activity["StatusMessage"]


def test_stalled_capacity_never_comes_and_leaves_the_endpoint_in_service(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.hosting.faults.stalled["shop", "variant-b"] = 900
    sagemaker.register("b", 3, 4)
    sagemaker.wait(899)
    assert sagemaker.describe()["EndpointStatus"] == "Updating"
    sagemaker.wait(1)
    described = sagemaker.describe()
    assert described["EndpointStatus"] == "InService"
    assert "InsufficientInstanceCapacity" in described["FailureReason"]
    assert sagemaker.variants()["variant-b"] == (0, 1)
    assert sagemaker.hosting.scaling.describe_activities({})["ScalingActivities"][0]["StatusCode"] == "Failed"


def test_a_model_that_was_deleted_cannot_be_scaled_out(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.hosting.catalogue.models.delete({"ModelName": "v1"})
    sagemaker.register("b", 3, 4)
    sagemaker.wait(180)
    assert sagemaker.variants()["variant-b"] == (0, 1)
    assert "Could not find model" in sagemaker.describe()["FailureReason"]


def test_scaling_a_burstable_instance_type_is_refused(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.hosting.endpoints.find("shop").fleet.variants["variant-b"].instance_type = "ml.t2.medium"
    with pytest.raises(ApiError, match=r"ml\.t2\.medium"):
        sagemaker.register("b", 1, 4)
