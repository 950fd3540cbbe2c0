"""Resource properties become API requests, as lenient about numbers as CloudFormation is."""

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.sandbox.sagemaker_types.properties import api_request

REGISTER = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/shop/variant/variant-a",
}


@pytest.mark.parametrize("value", ["2", "2.0", 2.0, 2])
def test_a_whole_number_may_come_as_text_or_float(value: object) -> None:
    request = api_request("application-autoscaling", "RegisterScalableTarget", {**REGISTER, "MinCapacity": value})
    assert request["MinCapacity"] == 2
    assert isinstance(request["MinCapacity"], int)


@pytest.mark.parametrize("value", ["two", 2.5, None, {"a": 1}])
def test_what_is_no_whole_number_is_refused_with_its_path(value: object) -> None:
    with pytest.raises(ApiError, match="#/RegisterScalableTarget/MinCapacity: expected type: integer"):
        api_request("application-autoscaling", "RegisterScalableTarget", {**REGISTER, "MinCapacity": value})


def test_environment_values_become_text() -> None:
    properties = {
        "ModelName": "m",
        "PrimaryContainer": {"Environment": {"WORKERS": 2, "DEBUG": False}},
        "ModelArn": "not a member of the API",
    }
    request = api_request("sagemaker", "CreateModel", properties)
    assert request["PrimaryContainer"]["Environment"] == {"WORKERS": "2", "DEBUG": "false"}
    assert "ModelArn" not in request


def test_a_missing_required_property_is_refused() -> None:
    with pytest.raises(ApiError, match="EndpointConfigName"):
        api_request("sagemaker", "CreateEndpoint", {"EndpointName": "shop"})
