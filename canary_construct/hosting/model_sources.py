"""What the models of all releases read and do, which their role must allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_s3 as s3

    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.props.data_capture import DataCapture


@dataclass(frozen=True, kw_only=True)
class ModelSources:
    """Where the archives of the releases are: the newest and kept releases' own, and the caller's buckets.

    `credentials`: the functions that the private registries of all these releases need; `newest_credentials`: of the
    newest.
    """

    newest: Sequence[ModelArchive]
    kept: Sequence[ModelArchive]
    buckets: Sequence[s3.IBucket]
    key: kms.IKey | None
    newest_credentials: Sequence[lambda_.IFunction]
    credentials: Sequence[lambda_.IFunction]

    def names(self) -> list[str] | None:
        """Return the names of the buckets; `None` when a name is known only at deploy time."""
        archives = [archive.bucket for archive in self.archives()]
        known = [bucket for bucket in archives if bucket is not None]
        if len(known) < len(archives):
            return None
        return list(dict.fromkeys([*known, *(bucket.bucket_name for bucket in self.buckets)]))

    def archives(self) -> list[ModelArchive]:
        """Return the archives of the newest release and of kept ones."""
        return [*self.newest, *self.kept]

    def shipped(self) -> ModelSources:
        """Return the same without archives that are where the caller put them."""
        newest, kept = ([each for each in archives if each.is_shipped] for archives in (self.newest, self.kept))
        return replace(self, newest=newest, kept=kept)

    def listed(self) -> list[str] | None:
        """Return the names of buckets that may hold uncompressed models; `None` when a name is known only later."""
        own = [archive for archive in self.archives() if not archive.is_shipped]
        return replace(self, newest=own, kept=()).names()

    def encryption_keys(self) -> list[kms.IKey]:
        """Return the keys that encrypt the archives."""
        of_buckets = [bucket.encryption_key for bucket in self.buckets]
        return [key for key in (self.key, *of_buckets) if key is not None]


@dataclass(frozen=True, kw_only=True)
class ModelNeeds:
    """What the containers do besides reading their archives and writing logs."""

    in_vpc: bool
    ssm_access: bool
    data_capture: DataCapture | None
