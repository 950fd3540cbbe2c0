"""What an endpoint captures of its requests and answers."""

import base64
import json
import random
from typing import Any

import pytest

from canary_tools.sandbox.sagemaker.data_capture import Content, DataCapture, Exchange

NOW = 1_700_000_000.0
URL = "s3://captured/shop/front/a/2023/11/14/22/13-20-"
JSON = {"CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"]}}


def config(percent: int = 100, *modes: str, **members: Any) -> dict[str, Any]:
    options = [{"CaptureMode": mode} for mode in modes or ("Input", "Output")]
    wanted = {"DestinationS3Uri": "s3://captured/shop", "InitialSamplingPercentage": percent, "CaptureOptions": options}
    return {"DataCaptureConfig": {**wanted, **members}}


def captured(of: dict[str, Any], *, requests: int = 1, allowed: bool = True) -> dict[str, dict[str, Any]]:
    written: dict[str, bytes] = {}
    capture = DataCapture(
        write=written.__setitem__,
        may_write=lambda role, _url: allowed and role == "a-role",
        now=lambda: NOW,
        generator=random.Random(7),  # noqa: S311 - draws requests
    )
    exchange = Exchange(
        endpoint_name="front",
        variant_name="a",
        role="a-role",
        request=Content(body=b'{"user": 1}', content_type="application/json; charset=utf-8"),
        answer=Content(body=b"1,2", content_type="text/csv"),
    )
    for _ in range(requests):
        capture.observe(of, exchange)
    return {url: json.loads(line) for url, line in written.items()}


def test_a_line_has_what_went_in_and_what_came_out_in_the_documented_form() -> None:
    ((url, line),) = captured(config(**JSON)).items()
    assert url.startswith(URL)
    assert url.endswith(".jsonl")
    assert line["captureData"] == {
        "endpointInput": {
            "mode": "INPUT",
            "observedContentType": "application/json; charset=utf-8",
            "data": '{"user": 1}',
            "encoding": "JSON",
        },
        "endpointOutput": {"mode": "OUTPUT", "observedContentType": "text/csv", "data": "1,2", "encoding": "CSV"},
    }
    assert line["eventMetadata"]["inferenceTime"] == "2023-11-14T22:13:20Z"


def test_other_content_types_are_encoded() -> None:
    (line,) = captured(config()).values()
    assert line["captureData"]["endpointOutput"]["encoding"] == "BASE64"
    assert base64.b64decode(line["captureData"]["endpointOutput"]["data"]) == b"1,2"


@pytest.mark.parametrize(
    ("modes", "sides"),
    [
        (["Input"], {"endpointInput"}),
        (["Output"], {"endpointOutput"}),
        (["InputAndOutput"], {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_what_is_asked_for_is_captured(modes: list[str], sides: set[str]) -> None:
    (line,) = captured(config(100, *modes)).values()
    assert set(line["captureData"]) == sides


def test_about_the_percentage_that_is_asked_for_is_captured() -> None:
    assert 150 <= len(captured(config(20), requests=1000)) <= 250


@pytest.mark.parametrize("of", [{}, config(0), config(EnableCapture=False)], ids=["none", "0 %", "off"])
def test_nothing_is_captured_unless_it_is_asked_for(of: dict[str, Any]) -> None:
    assert captured(of, requests=50) == {}


def test_what_the_role_may_not_write_is_lost_without_an_error() -> None:
    assert captured(config(), allowed=False) == {}
