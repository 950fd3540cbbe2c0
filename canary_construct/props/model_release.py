"""One model build, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canary_construct.props.model_hosting import ModelHosting

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
_S3_OBJECT = re.compile(r"s3://[^/]+/.*[^/]")


@dataclass(frozen=True, kw_only=True)
class ModelRelease:
    """One model build: a version label, the container image and the model archive.

    The label and the content together are the identity of a release. A label is used once: giving it to another
    content is refused when the stack is deployed.

    `version` has 1 to 64 letters, digits, dots, hyphens and underscores; rollouts are named after it. `image_uri` is
    the inference container. `model_data_url` is the S3 URL of a `model.tar.gz`; leave it out when the image holds the
    model, or use `from_asset`. `environment` reaches the container. `hosting` says how the instances of this
    release differ from what the endpoint's `hosting` says.

    Raises:
        ValueError: when `version` cannot name an execution, `model_data_url` names no object, or both a URL and an
            asset are given.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (names),
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html (the rest).
    """

    version: str
    image_uri: str
    model_data_url: str | None = None
    asset_path: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    hosting: ModelHosting | None = None

    def __post_init__(self) -> None:
        if not Token.is_unresolved(self.version) and not _VERSION.fullmatch(self.version):
            raise ValueError(
                f"version must be 1 to 64 letters, digits, dots, hyphens or underscores, got {self.version!r}: "
                "rollouts are named after it"
            )
        if self.model_data_url is not None and self.asset_path is not None:
            raise ValueError(
                f"a release has either model_data_url or an asset, got both {self.model_data_url} and {self.asset_path}"
            )
        _check_model_data_url(self.model_data_url)

    @classmethod
    def from_asset(
        cls,
        *,
        version: str,
        image_uri: str,
        path: str,
        environment: Mapping[str, str] | None = None,
        hosting: ModelHosting | None = None,
    ) -> ModelRelease:
        """Ship a local `model.tar.gz`, or a folder that becomes one, with the stack.

        Raises:
            ValueError: when there is nothing at `path`, or a file that is not a `.tar.gz`.
        """
        found = Path(path)
        if not found.exists():
            raise ValueError(f"path must be a model.tar.gz or a folder, got {path}, which does not exist")
        if found.is_file() and not found.name.endswith(".tar.gz"):
            raise ValueError(f"path must be a .tar.gz file or a folder, got {path}")
        given = {} if environment is None else environment
        return cls(version=version, image_uri=image_uri, asset_path=path, environment=given, hosting=hosting)


def _check_model_data_url(url: str | None) -> None:
    if url is None or Token.is_unresolved(url):
        return
    if not _S3_OBJECT.fullmatch(url):
        raise ValueError(f"model_data_url must be s3://bucket/key of a model.tar.gz, got {url!r}")
