"""The model data of a container: in S3 already, or a local file or folder that is shipped with the stack."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_s3_assets as s3_assets
from rollout.contract.names import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constructs import Construct

    from canary_construct.props.container import Container
    from canary_construct.props.model_release import ModelRelease


@dataclass(frozen=True, kw_only=True)
class ModelArchive:
    """Where the archive is, and what identifies its content."""

    url: str
    digest: str
    """Of an asset's content; of an archive that is in S3 already, its URL."""
    bucket: str | None
    """Its name; `None` when the URL is only known when it is deployed."""
    is_shipped: bool = False
    """Whether it goes where the CDK puts it, so that no role of the caller's can know of it."""
    is_prefix: bool = False
    """Whether it is no archive, but all objects below the URL."""


def model_archives(scope: Construct, construct_id: str, release: ModelRelease) -> list[ModelArchive | None]:
    """Return the archive of each container of a release; `None` where the image holds the model, or a package says."""
    if release.model_package_arn is not None:
        return [None]
    containers = release.all_containers()
    if len(containers) == 1:
        return [_archive(scope, construct_id, containers[0])]
    return [_archive(scope, f"{construct_id}{number}", each) for number, each in enumerate(containers, start=1)]


def _archive(scope: Construct, construct_id: str, container: Container) -> ModelArchive | None:
    if container.asset_path is not None:
        return _shipped(scope, construct_id, container.asset_path)
    if container.model_data is not None:
        return _in_s3(container.model_data.url, is_prefix=True)
    return None if container.model_data_url is None else _in_s3(container.model_data_url, is_prefix=False)


def _in_s3(url: str, *, is_prefix: bool) -> ModelArchive:
    return ModelArchive(url=url, digest=url, bucket=_bucket_in(url), is_prefix=is_prefix)


def kept_archives(scope: Construct, releases: Sequence[ModelRelease]) -> list[ModelArchive]:
    """Return the archives of earlier releases, and name those that are shipped in the template.

    `cdk gc` deletes an asset whose hash is in no template. A deploy ships an archive again that it has deleted.
    Source: https://docs.aws.amazon.com/cdk/v2/guide/ref-cli-cmd-gc.html
    """
    found = [model_archives(scope, f"ModelArchive-{release.version}", release) for release in releases]
    kept = [archive for archives in found for archive in archives if archive is not None]
    hashes = [archive.digest for archive in kept if archive.is_shipped]
    if hashes:
        Stack.of(scope).add_metadata(f"{TAG}:{scope.node.addr}", {"kept_archives": hashes})
    return kept


def _shipped(scope: Construct, construct_id: str, path: str) -> ModelArchive:
    if Path(path).is_file():
        asset = s3_assets.Asset(scope, construct_id, path=path)
    else:
        with packed(path) as archive:
            asset = s3_assets.Asset(scope, construct_id, path=str(archive), asset_hash=_content_hash(archive))
    return ModelArchive(
        url=asset.s3_object_url,
        digest=asset.asset_hash,
        bucket=asset.s3_bucket_name,
        is_shipped=True,
    )


def _bucket_in(url: str) -> str | None:
    return url.removeprefix("s3://").partition("/")[0] if url.startswith("s3://") else None


@contextmanager
def packed(path: str) -> Iterator[Path]:
    """Pack a folder into a `model.tar.gz` that is the same whenever the folder is; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="canary-model-") as folder:
        archive = Path(folder) / "model.tar.gz"
        with (
            archive.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as tar,
        ):
            for file in sorted(Path(path).rglob("*")):
                tar.add(file, arcname=file.relative_to(path).as_posix(), recursive=False, filter=_reproducible)
        yield archive


def _content_hash(archive: Path) -> str:
    """Return a hash of what is inside: two machines may compress the same bytes differently."""
    with gzip.open(archive) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _reproducible(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
    info.mode = 0o755 if info.isdir() else 0o644
    return info
