"""Files in the bucket of `cdk bootstrap` that were there before belong to somebody else."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.acceptance.staging import StagedFile, Staging, files_of

BUCKET = "cdk-hnb659fds-assets-210987654321-eu-west-1"
ACCOUNT = SimpleNamespace(number="210987654321", region="eu-west-1", partition="aws")


class Bucket:
    """An S3 client of one bucket with versions."""

    def __init__(self, *keys: str) -> None:
        self.versions = {(key, "v1") for key in keys}

    def head_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - boto3's names
        assert Bucket == BUCKET
        if not any(key == Key for key, _ in self.versions):
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")

    def get_paginator(self, _name: str) -> Any:
        return SimpleNamespace(paginate=lambda **of: [self._page(of["Prefix"])])

    def _page(self, prefix: str) -> dict[str, Any]:
        rows = [{"Key": key, "VersionId": version} for key, version in sorted(self.versions) if key.startswith(prefix)]
        return {"Versions": rows[:1], "DeleteMarkers": rows[1:]}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> None:  # noqa: N803 - boto3's names
        assert Bucket == BUCKET
        self.versions.remove((Key, VersionId))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An assembly that uploads two files."""
    bucket = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
    files = {
        key: {"destinations": {"here": {"bucketName": bucket, "objectKey": key}}} for key in ("code.zip", "t.json")
    }
    (tmp_path / "Stack.assets.json").write_text(json.dumps({"files": files}))
    return tmp_path


def staging(bucket: Bucket) -> Staging:
    return Staging(SimpleNamespace(make_client=lambda _: bucket, **vars(ACCOUNT)))


def test_files_are_named_in_the_account_s_bucket(out: Path) -> None:
    assert files_of(out, ACCOUNT) == [
        StagedFile(bucket=BUCKET, key="code.zip"),
        StagedFile(bucket=BUCKET, key="t.json"),
    ]


def test_what_was_there_before_stays(out: Path) -> None:
    bucket = Bucket("code.zip")
    ours = staging(bucket)
    ours.before_deploy(out)
    bucket.versions.add(("t.json", "v1"))
    ours.before_deploy(out)

    ours.remove()

    assert bucket.versions == {("code.zip", "v1")}
    assert ours.left() == []


def test_every_version_of_our_files_goes_and_no_longer_key_that_begins_alike(out: Path) -> None:
    bucket = Bucket("t.json.sig")
    ours = staging(bucket)
    ours.before_deploy(out)
    bucket.versions |= {("t.json", "v1"), ("t.json", "v2")}
    assert ours.left() == [f"s3://{BUCKET}/t.json"]

    ours.remove()

    assert bucket.versions == {("t.json.sig", "v1")}
