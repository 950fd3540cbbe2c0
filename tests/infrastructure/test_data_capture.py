from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from canary_construct import CaptureMode, DataCapture
from canary_tools.aws_models.sagemaker.config_rules import CAPTURE_MODES
from tests.infrastructure.synthesis import Resources, declare, of_type, properties, rendered, stack, statements, text

pytestmark = pytest.mark.xdist_group("guards")

MODES = botocore.session.get_session().get_service_model("sagemaker").shape_for("CaptureMode").enum


def capture(scope: Stack, **props: Any) -> DataCapture:
    bucket = s3.Bucket.from_bucket_name(scope, "Captured", "captured")
    return DataCapture(**{"destination": bucket, "percent": 20, **props})


def capturing(**props: Any) -> Resources:
    shop = stack()
    declare(shop, data_capture=capture(shop, **props))
    return rendered(shop)


def config(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = properties(resources, "AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    return found


def guard(resources: Resources) -> dict[str, Any]:
    return properties(resources, "Custom::ReleaseSlots")


def writing(resources: Resources, role: str = "ModelRole") -> list[list[str]]:
    return [s["Resource"] for s in statements(resources, role) if s["Action"] == ["s3:PutObject"]]


def test_requests_and_answers_of_both_slots_are_captured_as_text() -> None:
    assert config(capturing(prefix="ranker/live")) == {
        "EnableCapture": True,
        "DestinationS3Uri": "s3://captured/ranker/live",
        "InitialSamplingPercentage": 20,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }


@pytest.mark.parametrize("mode", CaptureMode)
def test_every_mode_is_one_that_sagemaker_knows(mode: CaptureMode) -> None:
    assert set(mode.value) <= set(MODES) == set(CAPTURE_MODES)
    assert config(capturing(mode=mode))["CaptureOptions"] == [{"CaptureMode": each} for each in mode.value]


def test_without_a_data_capture_nothing_is_rendered_or_allowed(resources: Resources) -> None:
    assert "DataCaptureConfig" not in properties(resources, "AWS::SageMaker::EndpointConfig")
    assert writing(resources) == []


@pytest.mark.parametrize("props", [{"percent": 21}, {"prefix": "other"}, {"mode": CaptureMode.INPUT}])
def test_a_data_capture_is_the_endpoint_s_and_no_part_of_a_release(resources: Resources, props: dict[str, Any]) -> None:
    before, after = guard(capturing()), guard(capturing(**props))
    assert before["EndpointDigest"] != after["EndpointDigest"]
    assert before["ContentDigest"] == after["ContentDigest"] == guard(resources)["ContentDigest"]


def test_the_models_role_writes_below_the_prefix_and_nowhere_else() -> None:
    assert writing(capturing()) == [["arn:<AWS::Partition>:s3:::captured/*"]]
    assert writing(capturing(prefix="ranker")) == [["arn:<AWS::Partition>:s3:::captured/ranker/*"]]


def test_a_given_role_that_the_app_makes_may_write_too() -> None:
    shop = stack()
    role = iam.Role(shop, "Mine", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    declare(shop, role=role, data_capture=capture(shop))
    assert writing(rendered(shop), "Mine") == [["arn:<AWS::Partition>:s3:::captured/*"]]


@pytest.mark.parametrize("own", [True, False], ids=["of the capture", "of the bucket"])
def test_the_key_encrypts_the_files_and_the_role_may_use_it(*, own: bool) -> None:
    shop = stack()
    bucket = s3.Bucket(shop, "Captured", encryption=s3.BucketEncryption.KMS)
    declare(
        shop,
        data_capture=DataCapture(destination=bucket, percent=20, encryption_key=kms.Key(shop, "Mine") if own else None),
    )
    resources = rendered(shop)
    (key,) = [name for name in of_type(resources, "AWS::KMS::Key") if name.startswith("Mine") == own]
    assert config(resources)["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    (using,) = [s for s in statements(resources, "ModelRole") if any(a.startswith("kms:") for a in s["Action"])]
    assert (using["Action"], using["Resource"]) == (["kms:Decrypt", "kms:GenerateDataKey"], [f"<{key}.Arn>"])


def test_a_bucket_of_the_stack_counts_by_its_name_when_it_is_deployed() -> None:
    shop = stack()
    declare(shop, data_capture=DataCapture(destination=s3.Bucket(shop, "Captured"), percent=20))
    assert any("Captured" in text(value) for value in guard(rendered(shop))["EndpointValues"])


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"percent": 0}, "percent of a data capture must be between 1 and 100, got 0"),
        ({"percent": 101}, "percent of a data capture must be between 1 and 100, got 101"),
        ({"prefix": "/ranker"}, "prefix of a data capture must not begin or end with a slash, got '/ranker'"),
        ({"prefix": "ranker/"}, "prefix of a data capture must not begin or end with a slash, got 'ranker/'"),
        (
            {"csv_content_types": []},
            "csv_content_types must hold at least one type, got none; leave it out for the usual one",
        ),
    ],
)
def test_an_impossible_data_capture_is_refused(props: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared
        capture(stack(), **props)
    assert str(refusal.value) == sentence


def test_a_percentage_of_deploy_time_is_not_checked() -> None:
    shop = Stack(App(), "Shop")
    percent = CfnParameter(shop, "Percent", type="Number").value_as_number
    assert replace(capture(shop), percent=percent).percent == percent
