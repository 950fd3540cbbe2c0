"""One model build, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from canary_construct.border import checked
from canary_construct.border.texts import check_text
from canary_construct.props.container import Container, check_environment
from canary_construct.props.model_package import check_package_arn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canary_construct.props.container import PrivateRegistry, S3Prefix
    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.model_hosting import ModelHosting

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
PIPELINE = range(2, 16)
"""How many containers a pipeline has. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html"""
_OF_A_CONTAINER = ("image_uri", "model_data_url", "model_data", "asset_path", "image_config")


@checked()
@dataclass(frozen=True, kw_only=True)
class ModelRelease:
    """One model build: a version label, the container image and the model archive.

    The label and the content together are the identity of a release. A label is used once: giving it to another
    content is refused when the stack is deployed. The content is the text of tag and URL: another build behind the same
    text is not seen, and a new label for it only renames what serves. Use `from_asset` to ship model data from this
    machine, and `from_model_package` for SageMaker's registry.

    Args:
        version: 1 to 64 letters, digits, dots, hyphens and underscores; rollouts are named after it
        image_uri: the inference container
        model_data_url: the S3 URL of a `model.tar.gz`; leave it out when the image holds the model
        model_data: model files that lie in S3 uncompressed (`S3Prefix`)
        asset_path: a local `model.tar.gz` or folder that is shipped with the stack, as `from_asset` has it
        environment: variables of the container, at most 100; names of letters, digits and underscores, values of at
            most 1,024 characters; left out, none
        image_config: where the image is if it is not in Amazon ECR (`PrivateRegistry`)
        containers: 2 to 15 containers of an inference pipeline, in place of all these; each gets the answer of the one
            before
        model_package_arn: one version of a model package of SageMaker's registry, in place of image and model data
        instance_type: of the instances of this release, such as "ml.g5.xlarge"; left out, the endpoint's
        scaling: how many instances of this release there are (`InstanceScaling`), in place of all that the endpoint's
            `scaling` says; left out, the endpoint's. It is no part of the content: with another one the version stays
        hosting: how the instances of this release differ from what the endpoint's `hosting` says; left out, in nothing

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
    model_package_arn: str | None = None
    instance_type: str | None = None
    scaling: InstanceScaling | None = None
    hosting: ModelHosting | None = None

    def __post_init__(self) -> None:
        check_version(self.version)
        if self.model_package_arn is not None:
            check_package_arn(self.model_package_arn)
            _refuse(self, (*_OF_A_CONTAINER, "containers"), "a model package, which says {} itself")
            check_environment(self.environment)
            return
        if not self.containers:
            self.all_containers()
            return
        _refuse(self, (*_OF_A_CONTAINER, "environment"), "containers, which say {} themselves")
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
        instance_type: str | None = None,
        scaling: InstanceScaling | None = None,
        hosting: ModelHosting | None = None,
    ) -> ModelRelease:
        """Ship a local `model.tar.gz`, or a folder that becomes one, with the stack.

        Args:
            version: 1 to 64 letters, digits, dots, hyphens and underscores; rollouts are named after it
            image_uri: the inference container
            path: of the `model.tar.gz` or folder, on this machine
            environment: variables of the container; left out, none
            image_config: where the image is if it is not in Amazon ECR (`PrivateRegistry`)
            instance_type: of the instances of this release, such as "ml.g5.xlarge"; left out, the endpoint's
            scaling: how many instances of this release there are (`InstanceScaling`); left out, the endpoint's
            hosting: how the instances of this release differ from what the endpoint's `hosting` says; left out, in
                nothing

        Raises:
            ValueError: when there is nothing at `path`, a file that is no `.tar.gz`, or a folder without a file.
        """
        return cls(
            version=version,
            image_uri=image_uri,
            asset_path=path,
            environment={} if environment is None else environment,
            image_config=image_config,
            instance_type=instance_type,
            scaling=scaling,
            hosting=hosting,
        )

    @classmethod
    def from_model_package(
        cls,
        *,
        version: str,
        arn: str,
        environment: Mapping[str, str] | None = None,
        instance_type: str | None = None,
        scaling: InstanceScaling | None = None,
        hosting: ModelHosting | None = None,
    ) -> ModelRelease:
        """Deploy one version of a model package of SageMaker's registry.

        The package says image and model data. A deploy is refused unless the package is approved then, and the rollout
        asks again when it begins. The role that the library makes reads only the buckets in `model_buckets`.

        Args:
            version: 1 to 64 letters, digits, dots, hyphens and underscores; rollouts are named after it
            arn: `arn:aws:sagemaker:<region>:<account>:model-package/<group>/<version>`
            environment: variables of the container besides those of the package; left out, none
            instance_type: of the instances of this release, such as "ml.g5.xlarge"; left out, the endpoint's
            scaling: how many instances of this release there are (`InstanceScaling`); left out, the endpoint's
            hosting: how the instances of this release differ from what the endpoint's `hosting` says; left out, in
                nothing

        Raises:
            ValueError: when `arn` is a group, or names no version of one.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html
        """
        check_package_arn(arn)
        return cls(
            version=version,
            model_package_arn=arn,
            environment={} if environment is None else environment,
            instance_type=instance_type,
            scaling=scaling,
            hosting=hosting,
        )

    def all_containers(self) -> Sequence[Container]:
        """Return the containers of the model, of which there is one unless it is a pipeline; none of a model package.

        Raises:
            ValueError: when there is none, or a value of the only one is malformed.
        """
        if self.containers or self.model_package_arn is not None:
            return self.containers
        if self.image_uri is None:
            raise ValueError(f"release {self.version} must have an image_uri, containers or a model package, got none")
        only = Container(
            image_uri=self.image_uri,
            model_data_url=self.model_data_url,
            model_data=self.model_data,
            asset_path=self.asset_path,
            environment=self.environment,
            image_config=self.image_config,
        )
        return [only]


def check_version(version: str) -> None:
    """Refuse a label that cannot name an execution.

    Raises:
        ValueError: with what is allowed.
    """
    allowed = "be 1 to 64 letters, digits, dots, hyphens or underscores"
    check_text("version", version, _VERSION, allowed, why=": rollouts are named after it")


def _refuse(release: ModelRelease, names: Sequence[str], holder: str) -> None:
    """Refuse what is said twice. `holder` says it already."""
    given = [name for name in names if _is_given(getattr(release, name))]
    if given:
        raise ValueError(f"release {release.version} has {holder.format(', '.join(given))}")


def _is_given(value: object) -> bool:
    return value is not None and (isinstance(value, str) or bool(value))


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
