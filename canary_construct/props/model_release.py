"""One model build, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_cdk import Token

from canary_construct.props.container import Container, check_asset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canary_construct.props.container import PrivateRegistry, S3Prefix
    from canary_construct.props.model_hosting import ModelHosting

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
PIPELINE = range(2, 16)
"""How many containers a pipeline has. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html"""


@dataclass(frozen=True, kw_only=True)
class ModelRelease:
    """One model build: a version label, the container image and the model archive.

    The label and the content together are the identity of a release. A label is used once: giving it to another
    content is refused when the stack is deployed.

    - `version`: 1 to 64 letters, digits, dots, hyphens and underscores; rollouts are named after it
    - `image_uri`, `model_data_url`, `model_data`, `environment`, `image_config`: the container, as in `Container`. Use
      `from_asset` to ship model data from this machine
    - `containers`: 2 to 15 containers of an inference pipeline, in place of all these; each gets the answer of the one
      before
    - `hosting`: how the instances of this release differ from what the endpoint's `hosting` says

    Raises:
        ValueError: when `version` cannot name an execution, there is no container or one too many, or a value of a
            container is malformed.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (names),
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html (the rest).
    """

    version: str
    image_uri: str | None = None
    model_data_url: str | None = None
    model_data: S3Prefix | None = None
    asset_path: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    image_config: PrivateRegistry | None = None
    containers: Sequence[Container] = ()
    hosting: ModelHosting | None = None

    def __post_init__(self) -> None:
        _check_version(self.version)
        if not self.containers:
            self.all_containers()
            return
        _check_in_place_of_one(self)
        _check_pipeline(self.containers)

    @classmethod
    def from_asset(
        cls,
        *,
        version: str,
        image_uri: str,
        path: str,
        environment: Mapping[str, str] | None = None,
        image_config: PrivateRegistry | None = None,
        hosting: ModelHosting | None = None,
    ) -> ModelRelease:
        """Ship a local `model.tar.gz`, or a folder that becomes one, with the stack.

        Raises:
            ValueError: when there is nothing at `path`, or a file that is not a `.tar.gz`.
        """
        check_asset(path)
        return cls(
            version=version,
            image_uri=image_uri,
            asset_path=path,
            environment={} if environment is None else environment,
            image_config=image_config,
            hosting=hosting,
        )

    def all_containers(self) -> Sequence[Container]:
        """Return the containers of the model, of which there is one unless it is a pipeline.

        Raises:
            ValueError: when there is none, or a value of the only one is malformed.
        """
        if self.containers:
            return self.containers
        if self.image_uri is None:
            raise ValueError(f"release {self.version} must have an image_uri or containers, got neither")
        only = Container(
            image_uri=self.image_uri,
            model_data_url=self.model_data_url,
            model_data=self.model_data,
            asset_path=self.asset_path,
            environment=self.environment,
            image_config=self.image_config,
        )
        return [only]


def _check_version(version: str) -> None:
    if not Token.is_unresolved(version) and not _VERSION.fullmatch(version):
        raise ValueError(
            f"version must be 1 to 64 letters, digits, dots, hyphens or underscores, got {version!r}: "
            "rollouts are named after it"
        )


def _check_in_place_of_one(release: ModelRelease) -> None:
    names = ("image_uri", "model_data_url", "model_data", "asset_path", "image_config")
    given = [name for name in names if getattr(release, name) is not None]
    given += ["environment"] if release.environment else []
    if given:
        raise ValueError(f"release {release.version} has containers, which say {', '.join(given)} themselves")


def _check_pipeline(containers: Sequence[Container]) -> None:
    if len(containers) not in PIPELINE:
        raise ValueError(
            f"containers must be {PIPELINE[0]} to {PIPELINE[-1]}, got {len(containers)}; say image_uri and the rest of "
            "a single one in the release"
        )
    hostnames = [container.hostname for container in containers if container.hostname is not None]
    if len(hostnames) not in {0, len(containers)} or len(set(hostnames)) < len(hostnames):
        raise ValueError(
            f"containers must all have different hostnames, or none, got {hostnames} for {len(containers)} containers"
        )
