"""The files that a deploy puts into the bucket of `cdk bootstrap`, and that this run alone brought there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from canary_tools.acceptance.account import Account

_NOT_FOUND = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """One object in the bucket."""

    bucket: str
    key: str


class Staging:
    """Remembers which objects were not there before this run, so that no other stack loses one."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._s3 = account.make_client("s3")
        self._ours: dict[StagedFile, None] = {}

    def before_deploy(self, out: Path) -> None:
        """Note what the deploy of an assembly is about to upload."""
        for file in files_of(out, self._account):
            if file not in self._ours and not self._exists(file):
                self._ours[file] = None

    def left(self) -> list[str]:
        """Return the URLs of what this run uploaded and is still there."""
        return [f"s3://{file.bucket}/{file.key}" for file in self._ours if self._exists(file)]

    def remove(self) -> None:
        """Delete what this run uploaded, with all its versions.

        Raises:
            ClientError: S3 refused.
        """
        for file in self._ours:
            for version in self._versions(file):
                self._s3.delete_object(Bucket=file.bucket, Key=file.key, **version)

    def _versions(self, file: StagedFile) -> Iterator[dict[str, str]]:
        """Yield what names each version of an object: the bucket of `cdk bootstrap` keeps versions."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=file.bucket, Prefix=file.key)
        for page in pages:
            for found in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                if found["Key"] == file.key:
                    yield {"VersionId": found["VersionId"]}

    def _exists(self, file: StagedFile) -> bool:
        try:
            self._s3.head_object(Bucket=file.bucket, Key=file.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FOUND:
                return False
            raise
        return True


def files_of(out: Path, account: Account) -> list[StagedFile]:
    """Return what an assembly's manifests upload.

    Source: https://docs.aws.amazon.com/cdk/v2/guide/deploy.html (the cloud assembly)
    """
    return [
        StagedFile(bucket=_resolved(to["bucketName"], account), key=_resolved(to["objectKey"], account))
        for manifest in sorted(out.glob("*.assets.json"))
        for file in _read(manifest)["files"].values()
        for to in file["destinations"].values()
    ]


def _read(manifest: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    return content


def _resolved(text: str, account: Account) -> str:
    values = {"AccountId": account.number, "Region": account.region, "Partition": account.partition}
    for name, value in values.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text
