"""What a `CanaryEndpoint` is not for is said at synth, wherever somebody tries it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsii
import pytest
from aws_cdk import App, Aspects, IAspect, Stack
from aws_cdk import aws_sagemaker as sagemaker
from constructs import IConstruct

from canary_construct import Container, InstanceScaling, ModelHosting, ModelRelease
from canary_construct.border.not_for import INSTEAD, refusals_in
from tests.infrastructure.synthesis import ENDPOINT, IMAGE, RELEASE, declare, rendered, stack

pytestmark = pytest.mark.xdist_group("guards")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"serverless_config": {}}, "serverless"),
        ({"serverless": True}, "serverless"),
        ({"async_inference_config": {}}, "async"),
        ({"multi_model_config": {}}, "multimodel"),
        ({"inference_components": []}, "inferencecomponent"),
        ({"managed_instance_scaling": {}}, "managedinstancescaling"),
        ({"shadow_production_variants": []}, "shadow"),
        ({"instance_pools": []}, "instancepool"),
    ],
)
def test_an_argument_is_refused_with_what_to_use_instead(given: dict[str, Any], said: str) -> None:
    (name,) = given
    with pytest.raises(TypeError) as refused:
        declare(stack(), **given)
    assert str(refused.value) == f"{name} is not for a CanaryEndpoint: {INSTEAD[said]} (docs/not-for.md)"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: Container(image_uri=IMAGE, mode="MultiModel"),  # type: ignore[call-arg]  # the point of the test
        lambda: ModelRelease(version="v1", image_uri=IMAGE, mode="MultiModel"),  # type: ignore[call-arg]  # as above
        lambda: ModelHosting(managed_instance_scaling={}),  # type: ignore[call-arg]  # as above
        lambda: InstanceScaling(managed_instance_scaling={}),  # type: ignore[call-arg]  # as above
    ],
)
def test_values_refuse_it_too(attempt: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="is not for a CanaryEndpoint: "):
        attempt()


def test_several_instance_types_are_refused() -> None:
    types: Any = ["ml.g6.2xlarge", "ml.g5.2xlarge"]
    with pytest.raises(TypeError, match=r"^instance_type of CanaryEndpoint must be a text, got a list of 2$"):
        declare(stack(), instance_type=types)
    with pytest.raises(TypeError, match=r"^instance_type of ModelRelease must be a text or left out, got a list of 2$"):
        replace(RELEASE, instance_type=types)


def test_an_argument_that_nobody_knows_is_refused_with_the_nearest_that_is_known() -> None:
    with pytest.raises(TypeError, match=r"^CanaryEndpoint has no argument instance_typo; did you mean instance_t"):
        declare(stack(), instance_typo="ml.m5.xlarge")
    with pytest.raises(TypeError, match=r"^Container has no argument mode; it has image_uri, "):
        Container(image_uri=IMAGE, mode="SingleModel")  # type: ignore[call-arg]  # the point of the test


def test_classes_that_refuse_are_what_they_were() -> None:
    container = Container(image_uri=IMAGE, environment={"A": "1"})
    assert replace(container, image_uri="other") == Container(image_uri="other", environment={"A": "1"})
    assert ModelRelease.from_asset.__self__ is ModelRelease


def child(of: Stack, name: str) -> Any:
    return of.node.find_child("Recommender").node.find_child(name)


OVERRIDES: dict[str, Callable[[Stack], object]] = {
    "AsyncInferenceConfig": lambda shop: child(shop, "Config").add_property_override(
        "AsyncInferenceConfig", {"OutputConfig": {"S3OutputPath": "s3://answers/"}}
    ),
    "ShadowProductionVariants": lambda shop: child(shop, "Config").add_override(
        "Properties.ShadowProductionVariants", [{"VariantName": "shadow"}]
    ),
    "ServerlessConfig": lambda shop: child(shop, "Config").add_override(
        "Properties.ProductionVariants.0.ServerlessConfig.MaxConcurrency", 5
    ),
    "InstancePools": lambda shop: child(shop, "Config").add_property_override(
        "ProductionVariants.1.InstancePools", [{"InstanceType": "ml.m5.xlarge", "Priority": 1}]
    ),
    "ManagedInstanceScaling": lambda shop: child(shop, "Config").add_property_override(
        "ProductionVariants.1.ManagedInstanceScaling", {"Status": "ENABLED"}
    ),
    "Mode": lambda shop: child(shop, "Model").add_property_override("PrimaryContainer.Mode", "MultiModel"),
    "asyncInferenceConfig": lambda shop: Aspects.of(shop).add(_Asynchronous()),
}


@jsii.implements(IAspect)
class _Asynchronous:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, sagemaker.CfnEndpointConfig):
            output = sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(s3_output_path="s3://answers/")
            node.async_inference_config = sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(output_config=output)


@pytest.mark.parametrize("name", OVERRIDES)
def test_what_an_override_or_an_aspect_adds_fails_the_synth_with_the_sentence(name: str) -> None:
    shop = Stack(App(), "Shop")
    declare(shop)
    OVERRIDES[name](shop)
    with pytest.raises(RuntimeError, match=f"{name} is not for a CanaryEndpoint: "):
        rendered(shop)


def test_names_of_the_callers_variables_and_tags_may_begin_as_they_like() -> None:
    shop = stack()
    declare(shop, release=replace(RELEASE, environment={"ASYNC_WORKERS": "2", "Mode": "MultiModel", "SHADOW": "1"}))
    child(shop, "Model").add_property_override("PrimaryContainer.Environment.SERVERLESS", "no")
    assert rendered(shop)
    assert list(refusals_in({"tags": [{"key": "a", "shadow": "b"}], "Properties.Tags.0.Async": "c"})) == []


@jsii.implements(IAspect)
class _Names:
    """Names everything, as companies do."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, sagemaker.CfnModel):
            node.model_name = "shop-model"
        if isinstance(node, sagemaker.CfnEndpointConfig):
            node.add_property_override("EndpointConfigName", "shop-config")
        if isinstance(node, sagemaker.CfnEndpoint):
            node.endpoint_name = "shop-endpoint"


def test_an_aspect_that_names_what_releases_replace_fails_the_synth() -> None:
    shop = Stack(App(), "Shop")
    declare(shop)
    Aspects.of(shop).add(_Names())
    with pytest.raises(RuntimeError) as refusal:
        rendered(shop)
    replaced = "releases replace this resource, and CloudFormation replaces nothing that has a name of its own"
    for sentence in (
        f"ModelName must be left out, got shop-model: {replaced}",
        f"EndpointConfigName must be left out, got shop-config: {replaced}",
        f"EndpointName must stay {ENDPOINT}, by which rollouts find the endpoint, got shop-endpoint; say endpoint_name",
    ):
        assert sentence in str(refusal.value)
