"""Requests and answers of both slots in S3, through a promotion, a rollback and a change of what is captured."""

import json
from typing import Any

from rollout.contract.names import PROMOTED, ROLLED_BACK

from tests.rollouts.declaring import Declaration, captured_in
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.test_rejection import FAILS_SMOKE_TEST


def captured(shop: DeployedShop, slot: str) -> list[dict[str, Any]]:
    """Return what was captured of one slot's requests."""
    s3, bucket = shop.stage.client("s3"), captured_in(shop.name)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"shop/{shop.name}/{slot}/")
    keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys[:20]]


def versions(shop: DeployedShop, slot: str) -> set[str]:
    lines = captured(shop, slot)
    return {json.loads(line["captureData"]["endpointOutput"]["data"])["model"] for line in lines}


def test_both_slots_are_captured_and_a_change_of_it_is_no_release(shop: DeployedShop) -> None:
    shop.stage.client("s3").create_bucket(Bucket=captured_in(shop.name))
    shop.deploy(Declaration(version="v1", captured_percent=100))

    shop.deploy(Declaration(version="v2", captured_percent=100))
    assert shop.rollout_ends("v2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)
    assert versions(shop, A) == {"v1"}
    assert versions(shop, B) == {"v2"}

    shop.deploy(Declaration(version="v3", captured_percent=100, environment=FAILS_SMOKE_TEST))
    assert shop.rollout_ends("v3").outcome == ROLLED_BACK
    before = shop.comes_to_rest(stable=B)

    # When less is captured of the release that serves, then its models stay and nothing is released
    models, rollout = shop.models(), shop.rollout("v2")
    shop.deploy(Declaration(version="v2", captured_percent=50))
    after = shop.comes_to_rest(stable=B)
    assert after.config_name != before.config_name
    assert shop.models() == models
    assert shop.rollout("v2") == rollout
