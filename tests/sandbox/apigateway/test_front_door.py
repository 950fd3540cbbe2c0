"""The front door end to end: a deployed `EndpointApi` before a deployed `CanaryEndpoint`."""

import json
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from canary_tools.sandbox.emulator.settings import REGION
from tests.sandbox.apigateway.conftest import AT_REST, ENDPOINT, RATE_OF_KEYS, FrontDoors

pytestmark = pytest.mark.xdist_group("front-door")

A, B = "variant-a", "variant-b"
MEGABYTE = 1024 * 1024
TESTERS = {"cohortVariant": B, "cohortHeader": "x-tester", "cohortValues": ",yes,maybe,"}
USERS = {"cohortVariant": B, "cohortHeader": "x-canary-bucket", "cohortBuckets": "0500"}


def test_a_json_body_is_answered_by_the_stable_variant_whose_name_and_release_are_told(shop: FrontDoors) -> None:
    answer = shop.strict.send(b'{"user":  1}')
    assert (answer.status, answer.variant) == (200, A)
    assert bytes.fromhex(answer.json()["hex"]) == b'{"user":  1}'
    releases = dict(pair.split("=") for pair in answer.headers["x-canary-release"].split(","))
    assert set(releases) == {A, B}
    assert answer.headers["content-type"] == "application/json"


def test_a_text_body_arrives_byte_by_byte(shop: FrontDoors) -> None:
    body = 'a,"$input.body",#set\n\\n,ö,\r\n  '.encode()
    answer = shop.strict.send(body, content_type="text/csv")
    assert answer.json() == {"content_type": "text/csv", "hex": body.hex()}


def test_parameters_of_a_content_type_do_not_matter(shop: FrontDoors) -> None:
    assert shop.strict.send(b"1,2", content_type="text/csv; charset=utf-8").status == 200


def test_a_binary_body_arrives_as_it_is_and_a_binary_answer_comes_back(shop: FrontDoors) -> None:
    body = bytes(range(256))
    answer = shop.binary.send(body, content_type="application/octet-stream", Accept="application/octet-stream")
    assert (answer.status, answer.variant) == (200, A)
    assert answer.body == bytes(reversed(body))


def test_a_binary_body_can_have_a_text_answer(shop: FrontDoors) -> None:
    body = bytes(range(256))
    answer = shop.binary.send(body, content_type="application/octet-stream", Accept="application/json")
    assert answer.json()["hex"] == body.hex()


@pytest.mark.parametrize("body", [b"{}", b'{"user": 1}'])
def test_a_caller_cannot_choose_a_variant(shop: FrontDoors, body: bytes) -> None:
    for _ in range(5):
        for door in (shop.strict, shop.binary):
            answer = door.send(body, X_Amzn_SageMaker_Target_Variant=B)
            assert (answer.status, answer.variant) == (200, A)


def test_a_caller_with_a_binary_body_cannot_choose_a_variant_either(shop: FrontDoors) -> None:
    content_type = "application/octet-stream"
    answer = shop.binary.send(b"\x00", content_type=content_type, x_amzn_sagemaker_target_variant=B)
    assert (answer.status, answer.variant) == (200, A)


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        ({"signer": None}, 403, {"message": "Missing Authentication Token"}),
        ({"path": "/ping"}, 403, {"message": "Missing Authentication Token"}),
        ({"path": "/"}, 403, {"message": "Missing Authentication Token"}),
        ({"content_type": "text/xml"}, 415, {"message": "Unsupported Media Type"}),
        ({"body": b"{"}, 400, {"message": "Invalid request body"}),
        ({"body": b" " * (10 * MEGABYTE + 1), "content_type": "text/csv"}, 413, {"message": "Request Too Long"}),
        (
            {"body": b"7" * (6 * MEGABYTE + 1), "content_type": "text/csv"},
            413,
            {"error": "PayloadTooLarge", "message": "SageMaker takes bodies of at most 6 MB"},
        ),
        (
            {"body": b'{"fail": "no such \\"user\\""}'},
            424,
            {"error": "ModelError", "modelStatus": 500, "message": 'inference.Failed: no such "user"'},
        ),
    ],
)
def test_each_refusal_has_its_status_and_its_words(
    shop: FrontDoors, request_: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    answer = shop.strict.send(**request_)
    assert (answer.status, answer.json()) == (status, body)
    print(f"{status} {json.dumps(answer.json())}")  # noqa: T201 - `pytest -s` shows them


def test_a_request_without_a_content_type_counts_as_json(shop: FrontDoors) -> None:
    assert shop.strict.send(content_type="").status == 200
    assert shop.strict.send(b"{", content_type="").json() == {"message": "Invalid request body"}


def test_with_binary_types_the_model_judges_an_unknown_one(shop: FrontDoors) -> None:
    """API Gateway passes binary bodies on only where it passes on everything without a template."""
    answer = shop.binary.send(b"<a/>", content_type="text/xml")
    assert (answer.status, answer.json()["content_type"]) == (200, "text/xml")


def test_an_identity_without_the_permission_is_refused(shop: FrontDoors) -> None:
    answer = shop.strict.send(signer=shop.user("stranger"))
    assert answer.status == 403
    assert b"not authorized to perform: execute-api:Invoke" in answer.body


def test_an_identity_that_was_granted_the_call_may_make_it(shop: FrontDoors) -> None:
    users = shop.stage.client("iam")
    key = users.create_access_key(UserName="allowed-caller")["AccessKey"]
    signer = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    assert shop.strict.send(signer=signer).status == 200
    assert shop.binary.send(signer=signer).status == 403
    users.delete_access_key(UserName="allowed-caller", AccessKeyId=signer.access_key)  # else its user cannot be deleted


def test_a_key_opens_the_door_of_keys_until_its_rate_is_spent(shop: FrontDoors) -> None:
    refused = shop.keyed.send(signer=None)
    assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})
    answers = [shop.keyed.send(signer=None, x_api_key=shop.key()) for _ in range(6)]
    assert answers[0].status == 200
    throttled = [answer for answer in answers if answer.status == 429]
    assert throttled, f"six requests at once came through {RATE_OF_KEYS} a second"
    assert throttled[0].json() == {"message": "Too Many Requests"}


def test_at_rest_no_request_goes_to_the_canary(shop: FrontDoors) -> None:
    assert shop.strict.variables().items() >= AT_REST.items()
    assert shop.strict.send(x_tester="yes").variant == A
    assert shop.strict.send(none="none").variant == A
    assert shop.strict.send(x_canary_bucket="0000").variant == A


def test_requests_with_a_named_value_go_to_the_canary_at_weight_0_and_all_others_to_stable(shop: FrontDoors) -> None:
    shop.strict.set_cohort(**TESTERS)
    assert weights(shop) == {A: 100, B: 0}
    for value in ("yes", "maybe"):
        assert shop.strict.send(x_tester=value).variant == B
        assert shop.strict.send(X_Tester=value).variant == B
    for value in ("no", "ye", "YES", "yes,maybe", "", ",", "yes, maybe", "none"):
        assert shop.strict.send(x_tester=value).variant == A
    assert shop.strict.send(x_other="yes").variant == A


def test_users_in_a_bucket_below_the_bound_go_to_the_canary_and_malformed_buckets_to_stable(shop: FrontDoors) -> None:
    shop.strict.set_cohort(**USERS)
    for bucket in ("0000", "0499"):
        assert shop.strict.send(X_Canary_Bucket=bucket).variant == B
    for bucket in ("0500", "9999", "499", "00499", "-001", "0x10", "", "none", "04 9"):
        assert shop.strict.send(X_Canary_Bucket=bucket).variant == A
    assert shop.strict.send().variant == A


def test_a_cohort_counts_text_bodies_of_every_type_and_no_binary_body(shop: FrontDoors) -> None:
    shop.strict.set_cohort(**TESTERS)
    shop.binary.set_cohort(**TESTERS)
    assert shop.strict.send(b"1,2", content_type="text/csv", x_tester="yes").variant == B
    assert shop.binary.send(x_tester="yes").variant == B
    assert shop.binary.send(b"\x00", content_type="application/octet-stream", x_tester="yes").variant == A


def test_once_the_rule_is_withdrawn_nobody_reaches_the_canary(shop: FrontDoors) -> None:
    shop.strict.set_cohort(**TESTERS)
    assert shop.strict.send(x_tester="yes").variant == B
    shop.strict.set_cohort()
    counts = [shop.strict.send(x_tester="yes").variant for _ in range(20)]
    assert counts == [A] * 20


def test_a_rule_with_characters_that_stage_variables_cannot_hold_is_refused(shop: FrontDoors) -> None:
    with pytest.raises(Exception, match="Invalid stage variable value"):
        shop.strict.set_cohort(cohortValues=",ja klar,")


def test_the_permission_of_a_rollout_s_handlers_reaches_one_stage(shop: FrontDoors) -> None:
    stage = f"arn:aws:apigateway:{REGION}::/restapis/{shop.strict.rest_api_id}/stages/live"
    handler = shop.user("handler", {"Effect": "Allow", "Action": "apigateway:PATCH", "Resource": stage})
    client = boto3.client(
        "apigateway",
        endpoint_url=shop.stage.sandbox.endpoint_url,
        region_name=REGION,
        aws_access_key_id=handler.access_key,
        aws_secret_access_key=handler.secret_key,
    )
    patch = [{"op": "replace", "path": "/variables/cohortVariant", "value": "none"}]
    client.update_stage(restApiId=shop.strict.rest_api_id, stageName="live", patchOperations=patch)
    with pytest.raises(ClientError, match="not authorized to perform: apigateway:PATCH"):
        client.update_stage(restApiId=shop.binary.rest_api_id, stageName="live", patchOperations=patch)


def weights(shop: FrontDoors) -> dict[str, float]:
    described = shop.stage.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    return {variant["VariantName"]: variant["CurrentWeight"] for variant in described["ProductionVariants"]}
