"""Whether a deploy leaves to the models in the slots what they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import DeployRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.contract.reads import Reads


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the stack keeps for models after a deploy; `None` when it does not know.

    `functions` give the credentials of private registries.
    """

    buckets: Sequence[str] | None
    keys: Sequence[str] | None
    roles: Sequence[str] | None
    functions: Sequence[str] | None = None


def refuse_lost(version: str, reads: Reads, kept: Kept) -> None:
    """Refuse a deploy that would take from a release what its model reads.

    Raises:
        DeployRefused: with what to do.
    """
    if _is_lost(reads.role, kept.roles):
        raise DeployRefused(sentences.ROLE_GONE.format(version=version, role=reads.role))
    for bucket in reads.buckets:
        if _is_lost(bucket, kept.buckets):
            raise DeployRefused(sentences.UNREADABLE.format(version=version, bucket=bucket))
    if _is_lost(reads.key, kept.keys):
        raise DeployRefused(sentences.KEY_GONE.format(version=version, key=reads.key))
    for function in reads.functions:
        if _is_lost(function, kept.functions):
            raise DeployRefused(sentences.FUNCTION_GONE.format(version=version, function=function))


def refuse_unreadable_package(version: str, reads: Reads, kept: Kept) -> None:
    """Refuse a deploy of a model package whose model data the models' role may not read.

    Raises:
        DeployRefused: with what to do.
    """
    for bucket in reads.buckets:
        if _is_lost(bucket, kept.buckets):
            raise DeployRefused(sentences.PACKAGE_UNREADABLE.format(version=version, bucket=bucket))


def _is_lost(needed: str, kept: Sequence[str] | None) -> bool:
    return bool(needed) and kept is not None and needed not in kept
