"""What is refused when models and endpoint configs are made, and what their tags do."""

import re
from typing import Any

import botocore.session
import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.config_rules import AMI_VERSIONS, ROUTING_STRATEGIES


def test_a_config_without_an_instance_is_refused(sagemaker: Any) -> None:
    with pytest.raises(ApiError, match="InitialInstanceCount of production variant a must be at least 1"):
        sagemaker.add_config("first", {"a": ("v1", 1, 0)})


@pytest.mark.parametrize(("instance_type", "refused"), [("ml.g5.xlarge", True), ("ml.m5.xlarge", False)])
def test_a_key_is_refused_for_instances_with_local_storage(
    sagemaker: Any, instance_type: str, *, refused: bool
) -> None:
    sagemaker.add_model("v1")
    variant = {"VariantName": "a", "ModelName": "v1", "InitialInstanceCount": 1, "InstanceType": instance_type}
    request = {"EndpointConfigName": "first", "ProductionVariants": [variant], "KmsKeyId": "key"}
    if refused:
        with pytest.raises(ApiError, match=r"KMS key is not supported for NVMe instance storage: ml\.g5\.xlarge"):
            sagemaker.hosting.catalogue.configs.create(request)
    else:
        sagemaker.hosting.catalogue.configs.create(request)


def test_a_config_may_give_a_variant_no_weight(sagemaker: Any) -> None:
    sagemaker.add_config("first", {"a": ("v1", 0, 1)})
    assert (
        sagemaker.hosting.catalogue.configs.find("first").properties["ProductionVariants"][0]["InitialVariantWeight"]
        == 0
    )


def test_a_config_of_an_unknown_model_is_refused(sagemaker: Any) -> None:
    variant = {"VariantName": "a", "ModelName": "none", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    with pytest.raises(ApiError, match=r'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/none"'):
        sagemaker.hosting.catalogue.configs.create({"EndpointConfigName": "first", "ProductionVariants": [variant]})


def test_a_publish_period_that_sagemaker_does_not_know_is_refused(sagemaker: Any) -> None:
    with pytest.raises(ApiError, match="got 15"):
        sagemaker.add_config("first", {"a": ("v1", 1, 1)}, MetricsConfig={"MetricPublishFrequencyInSeconds": 15})


def test_a_second_record_of_the_same_name_is_refused(sagemaker: Any) -> None:
    sagemaker.add_model("v1")
    with pytest.raises(ApiError, match=r'Cannot create already existing model ".*:model/v1"'):
        sagemaker.add_model("v1")


@pytest.mark.parametrize("name", ["with_underscore", "-dash", "x" * 64])
def test_a_name_outside_the_pattern_is_refused(sagemaker: Any, name: str) -> None:
    with pytest.raises(ApiError, match="failed to satisfy constraint"):
        sagemaker.add_model(name)


def test_tags_end_with_their_resource(sagemaker: Any) -> None:
    sagemaker.add_model("V1")
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model/v1"
    sagemaker.hosting.tags.add_tags({"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]})
    assert list(sagemaker.hosting.tags.all()) == [(arn, [{"Key": "k", "Value": "v"}])]
    sagemaker.hosting.catalogue.models.delete({"ModelName": "V1"})
    assert list(sagemaker.hosting.tags.all()) == []


def test_a_description_shows_what_sagemaker_adds(sagemaker: Any) -> None:
    sagemaker.add_model("v1")
    described = sagemaker.hosting.catalogue.models.describe({"ModelName": "v1"})
    assert described["PrimaryContainer"]["Mode"] == "SingleModel"
    assert described["EnableNetworkIsolation"] is False
    variant = {"VariantName": "a", "ModelName": "v1", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.hosting.catalogue.configs.create({"EndpointConfigName": "first", "ProductionVariants": [variant]})
    [row] = sagemaker.hosting.catalogue.configs.describe({"EndpointConfigName": "first"})["ProductionVariants"]
    assert row["InitialVariantWeight"] == 1.0


def variant_with(**members: Any) -> dict[str, Any]:
    return {
        "VariantName": "a",
        "ModelName": "v1",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        **members,
    }


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (
            {"ContainerStartupHealthCheckTimeoutInSeconds": 59},
            "at 'containerStartupHealthCheckTimeoutInSeconds' failed to satisfy constraint: Member must have value be",
        ),
        ({"ModelDataDownloadTimeoutInSeconds": 3601}, "Value '3601' at 'modelDataDownloadTimeoutInSeconds'"),
        ({"VolumeSizeInGB": 513}, "Member must have value between 1 and 512"),
        (
            {"VolumeSizeInGB": 30, "InstanceType": "ml.g5.xlarge"},
            "VolumeSize parameter is not allowed for the selected Instance type ml.g5.xlarge.",
        ),
        ({"InferenceAmiVersion": "mine"}, "Value 'mine' at 'inferenceAmiVersion'"),
        ({"RoutingConfig": {"RoutingStrategy": "ROUND_ROBIN"}}, "Value 'ROUND_ROBIN' at 'routingStrategy'"),
    ],
)
def test_hosting_that_sagemaker_does_not_know_is_refused(
    sagemaker: Any, members: dict[str, Any], sentence: str
) -> None:
    sagemaker.add_model("v1")
    request = {"EndpointConfigName": "first", "ProductionVariants": [variant_with(**members)]}
    with pytest.raises(ApiError, match=re.escape(sentence)):
        sagemaker.hosting.catalogue.configs.create(request)


def test_a_description_shows_how_a_variant_is_hosted(sagemaker: Any) -> None:
    sagemaker.add_model("v1")
    knobs = {"VolumeSizeInGB": 30, "RoutingConfig": {"RoutingStrategy": "RANDOM"}, "EnableSSMAccess": False}
    sagemaker.hosting.catalogue.configs.create(
        {"EndpointConfigName": "first", "ProductionVariants": [variant_with(**knobs)]}
    )
    [row] = sagemaker.hosting.catalogue.configs.describe({"EndpointConfigName": "first"})["ProductionVariants"]
    assert knobs.items() <= row.items()


@pytest.mark.parametrize(
    ("known", "shape"),
    [(AMI_VERSIONS, "ProductionVariantInferenceAmiVersion"), (ROUTING_STRATEGIES, "RoutingStrategy")],
)
def test_the_choices_are_those_of_the_service_model(known: tuple[str, ...], shape: str) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert set(known) == set(model.shape_for(shape).enum)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"Containers": []}, "Containers must have 1 to 15 members, got 0."),
        ({"Containers": [{"Image": "i"}] * 16}, "Containers must have 1 to 15 members, got 16."),
        (
            {"Containers": [{"Image": "i", "ContainerHostname": "one"}, {"Image": "i"}]},
            "ContainerHostname must be set for all containers, and be unique, got ['one'].",
        ),
        (
            {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/k", "ModelDataSource": {}}},
            "Specify either ModelDataUrl or ModelDataSource, and not both.",
        ),
        (
            {"PrimaryContainer": {"Image": "i", "ImageConfig": {"RepositoryAccessMode": "Vpc"}}},
            "RepositoryAccessMode Vpc requires a VpcConfig.",
        ),
        ({"Containers": [{"Image": "i"}], "PrimaryContainer": {"Image": "i"}}, "and not both."),
    ],
)
def test_containers_that_sagemaker_does_not_take_are_refused(
    sagemaker: Any, members: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ApiError, match=re.escape(sentence)):
        sagemaker.hosting.catalogue.models.create({"ModelName": "v1", "ExecutionRoleArn": "role", **members})
