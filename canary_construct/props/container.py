"""One container of a model, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Token

from canary_construct.border import checked
from canary_construct.border.texts import check_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_lambda as lambda_

_S3_OBJECT = re.compile(r"(?=.{1,1024}$)s3://[^/\s]+/.*[^/\s]")
_S3_PREFIX = re.compile(r"s3://[^/]+/(?:.*/)?")
LONGEST_IMAGE = 255
_IMAGE = re.compile(rf"(?!https?://)\S{{1,{LONGEST_IMAGE}}}")
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,1023}")
MOST_VARIABLES, LONGEST_VALUE = 100, 1024
_GZIP = b"\x1f\x8b"
"""How such a file begins. Source: https://www.rfc-editor.org/rfc/rfc1952 (2.3.1)"""
_HOSTNAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@checked()
@dataclass(frozen=True, kw_only=True)
class S3Prefix:
    """Model files that lie in S3 uncompressed. SageMaker copies every object below `url` into `/opt/ml/model`.

    Args:
        url: `s3://bucket/folder/`, with the slash at its end. Put each build below a URL of its own: the URL is part of
            a release's content, and what lies below it is not looked at

    Raises:
        ValueError: when `url` is no such URL.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
    """

    url: str

    def __post_init__(self) -> None:
        check_text("url of an S3Prefix", self.url, _S3_PREFIX, "be s3://bucket/folder/")


@checked()
@dataclass(frozen=True, kw_only=True)
class PrivateRegistry:
    """The image is in a Docker registry that the models reach through their VPC, and not in Amazon ECR.

    Args:
        credentials: a function that returns user and password; left out, the registry asks for none. The role that the
            library makes may call it

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html
    """

    credentials: lambda_.IFunction | None = None


@checked()
@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a model: its image, its model data, its environment.

    Args:
        image_uri: the inference container
        model_data_url: the S3 URL of a `model.tar.gz`; leave it out when the image holds the model
        model_data: model files that lie in S3 uncompressed (`S3Prefix`)
        asset_path: a local `model.tar.gz` or folder that is shipped with the stack, as `from_asset` has it
        environment: variables of the container, at most 100; names of letters, digits and underscores, values of at
            most 1,024 characters; left out, none
        image_config: where the image is if it is not in Amazon ECR (`PrivateRegistry`)
        hostname: names the container of an inference pipeline in logs and metrics; for all of them, or for none

    Raises:
        ValueError: when image, URL, hostname or environment is malformed, the model data is given more than once, or
            there is none at `asset_path`.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """

    image_uri: str
    model_data_url: str | None = None
    model_data: S3Prefix | None = None
    asset_path: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    image_config: PrivateRegistry | None = None
    hostname: str | None = None

    def __post_init__(self) -> None:
        _check_image(self.image_uri)
        _check_given_once(self)
        if self.model_data_url is not None:
            check_text("model_data_url", self.model_data_url, _S3_OBJECT, "be s3://bucket/key of a model.tar.gz")
        if self.asset_path is not None:
            check_asset(self.asset_path)
        check_environment(self.environment)
        if self.hostname is not None and not _HOSTNAME.fullmatch(self.hostname):
            raise ValueError(
                f"hostname must be 1 to 63 letters, digits and hyphens between them, got {self.hostname!r}"
            )

    @classmethod
    def from_asset(
        cls,
        *,
        image_uri: str,
        path: str,
        environment: Mapping[str, str] | None = None,
        image_config: PrivateRegistry | None = None,
        hostname: str | None = None,
    ) -> Container:
        """Ship a local `model.tar.gz`, or a folder that becomes one, with the stack.

        Args:
            image_uri: the inference container
            path: of the `model.tar.gz` or folder, on this machine
            environment: variables of the container; left out, none
            image_config: where the image is if it is not in Amazon ECR (`PrivateRegistry`)
            hostname: names the container of an inference pipeline in logs and metrics; for all of them, or for none

        Raises:
            ValueError: when there is nothing at `path`, a file that is no `.tar.gz`, or a folder without a file.
        """
        return cls(
            image_uri=image_uri,
            asset_path=path,
            environment={} if environment is None else environment,
            image_config=image_config,
            hostname=hostname,
        )


def check_asset(path: str) -> None:
    """Refuse what cannot be shipped as model data.

    Raises:
        ValueError: when there is nothing at `path`, a file that is no `.tar.gz`, or a folder without a file.
    """
    found = Path(path)
    if not found.exists():
        raise ValueError(f"path must be a model.tar.gz or a folder, got {path}, which does not exist")
    if found.is_file() and not found.name.endswith(".tar.gz"):
        raise ValueError(f"path must be a .tar.gz file or a folder, got {path}")
    if found.is_file():
        with found.open("rb") as archive:
            if archive.read(len(_GZIP)) != _GZIP:
                raise ValueError(f"path must be an archive that gzip has packed, got {path}, which is none")
    elif not any(each.is_file() for each in found.rglob("*")):
        raise ValueError(f"path must be a folder with files of a model, got {path}, which has none")


def _check_image(uri: str) -> None:
    if not uri:
        raise ValueError("image_uri must name an image, got an empty text")
    allowed = f"be registry/repository:tag, at most {LONGEST_IMAGE} characters without spaces and without https://"
    check_text("image_uri", uri, _IMAGE, allowed)


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuse variables that SageMaker does not take.

    Raises:
        ValueError: with the first one that is wrong.
    """
    if len(environment) > MOST_VARIABLES:
        raise ValueError(f"environment must be at most {MOST_VARIABLES} variables, got {len(environment)}")
    for name, value in environment.items():
        allowed = "have names of letters, digits and underscores that begin with no digit"
        check_text("environment", name, _VARIABLE, allowed)
        if len(value) > LONGEST_VALUE and not Token.is_unresolved(value):
            raise ValueError(
                f"environment must have values of at most {LONGEST_VALUE:,} characters, got {len(value):,} in {name}"
            )


def _check_given_once(container: Container) -> None:
    prefix = container.model_data
    sources = {
        "model_data_url": container.model_data_url,
        "model_data": None if prefix is None else prefix.url,
        "an asset": container.asset_path,
    }
    given = [f"{name} {value}" for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise ValueError(
            "the model data of a container is one of model_data_url, model_data and an asset, "
            f"got {' and '.join(given)}"
        )
