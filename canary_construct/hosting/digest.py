"""Digests by which a deploy notices what changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_cdk import Stack

    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.props.model_release import ModelRelease


def digest(stack: Stack, content: Any) -> str:
    """Return the SHA-256 of a content, in which tokens count as what they resolve to."""
    return hashlib.sha256(json.dumps(stack.resolve(content), sort_keys=True).encode()).hexdigest()


def content_digest(stack: Stack, release: ModelRelease, archive: ModelArchive | None) -> str:
    """Return the digest of image, model data and environment that, with the version, identifies a release."""
    data = None if archive is None else archive.digest
    return digest(stack, [release.image_uri, data, dict(release.environment)])
